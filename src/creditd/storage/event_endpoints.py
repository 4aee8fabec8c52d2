"""Event endpoints as rows, with their encrypted secrets."""

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.event_endpoint import EventEndpoint
from creditd.domain.instant import Instant
from creditd.storage.rows import micros, timestamp

_COLUMNS: Final = (
    "endpoint_id, url, description, kinds, account, credit_type, paused, position, version, "
    f"{micros('create_time')}, {micros('update_time')}, {micros('rotation_end')}"
)


class Secrets(NamedTuple):
    """The secrets of an endpoint, encrypted; ``former`` is None if it has not been rotated."""

    present: bytes
    former: bytes | None = None


_ONE = text(f"SELECT {_COLUMNS} FROM event_endpoints WHERE endpoint_id = :endpoint_id")

_LOCK = text(f"SELECT {_COLUMNS} FROM event_endpoints WHERE endpoint_id = :endpoint_id FOR UPDATE")

_TAKE = text(f"SELECT {_COLUMNS} FROM event_endpoints WHERE endpoint_id = :endpoint_id FOR UPDATE SKIP LOCKED")

_SHARE = text("SELECT FROM event_endpoints WHERE endpoint_id = :endpoint_id FOR SHARE")

_PAGE = text(f"SELECT {_COLUMNS} FROM event_endpoints WHERE endpoint_id > :after ORDER BY endpoint_id LIMIT :count")

_SECRETS = text(
    "SELECT encrypted_secret, former_encrypted_secret FROM event_endpoints WHERE endpoint_id = :endpoint_id"
)

_ADD = text(f"""
INSERT INTO event_endpoints (endpoint_id, url, description, kinds, account, credit_type, paused, position, version,
                             create_time, update_time, encrypted_secret)
VALUES (:endpoint_id, :url, :description, :kinds ::smallint[], :account_id, :credit_type, :paused, :position, :version,
        {timestamp(":create_time ::bigint")}, {timestamp(":update_time ::bigint")}, :secret)
ON CONFLICT (endpoint_id) DO NOTHING
""")

_WRITE = text(f"""
UPDATE event_endpoints SET url = :url, description = :description, kinds = :kinds ::smallint[], account = :account_id,
    credit_type = :credit_type, paused = :paused, position = :position, version = :version,
    update_time = {timestamp(":update_time ::bigint")}, rotation_end = {timestamp(":rotation_end ::bigint")}
WHERE endpoint_id = :endpoint_id
""")

_ROTATE = text("""
UPDATE event_endpoints SET former_encrypted_secret = encrypted_secret, encrypted_secret = :secret
WHERE endpoint_id = :endpoint_id
""")

_COME_TO = text("UPDATE event_endpoints SET position = :position WHERE endpoint_id = :endpoint_id")


def add(connection: Connection, endpoint: EventEndpoint, secret: bytes) -> bool:
    """Add an endpoint with its encrypted secret; return False if there is one of its id."""
    values = endpoint._asdict() | {"kinds": list(endpoint.kinds), "secret": secret}
    return bool(connection.execute(_ADD, values).rowcount)


def find(connection: Connection, endpoint_id: str) -> EventEndpoint | None:
    """Return an endpoint, or None."""
    return _found(connection.execute(_ONE, {"endpoint_id": endpoint_id}).one_or_none())


def lock(connection: Connection, endpoint_id: str) -> EventEndpoint | None:
    """Return an endpoint and hold it until the transaction ends; None if there is none."""
    return _found(connection.execute(_LOCK, {"endpoint_id": endpoint_id}).one_or_none())


def take(connection: Connection, endpoint_id: str) -> EventEndpoint | None:
    """Return an endpoint and hold it until the transaction ends; None if others do, or if there is none."""
    return _found(connection.execute(_TAKE, {"endpoint_id": endpoint_id}).one_or_none())


def share(connection: Connection, endpoint_id: str) -> bool:
    """Keep an endpoint as it is until the transaction ends; return whether there is one."""
    return connection.execute(_SHARE, {"endpoint_id": endpoint_id}).one_or_none() is not None


def page(connection: Connection, after: str, count: int) -> list[EventEndpoint]:
    """Return the endpoints whose ids come after one, by id."""
    rows = connection.execute(_PAGE, {"after": after, "count": count})
    return [_endpoint(row) for row in rows]


def secrets(connection: Connection, endpoint_id: str) -> Secrets:
    """Return the encrypted secrets of an endpoint that there is."""
    return Secrets(*connection.execute(_SECRETS, {"endpoint_id": endpoint_id}).one())


def write(connection: Connection, endpoint: EventEndpoint) -> None:
    """Write an endpoint that is held; its secrets stay."""
    connection.execute(_WRITE, endpoint._asdict() | {"kinds": list(endpoint.kinds)})


def rotate(connection: Connection, endpoint_id: str, secret: bytes) -> None:
    """Give an endpoint that is held another encrypted secret; the present one becomes the former."""
    connection.execute(_ROTATE, {"endpoint_id": endpoint_id, "secret": secret})


def come_to(connection: Connection, endpoint_id: str, position: int) -> None:
    """Note up to where events were taken over for delivery to an endpoint that is held."""
    connection.execute(_COME_TO, {"endpoint_id": endpoint_id, "position": position})


def remove(connection: Connection, endpoint_id: str) -> None:
    """Remove an endpoint of which nothing else is stored."""
    connection.execute(
        text("DELETE FROM event_endpoints WHERE endpoint_id = :endpoint_id"), {"endpoint_id": endpoint_id}
    )


def _found(row: Any) -> EventEndpoint | None:
    return _endpoint(row) if row else None


def _endpoint(row: Any) -> EventEndpoint:
    endpoint_id, url, description, kinds, account_id, credit_type, paused, position, version, *times = row
    created, updated, rotation_end = times
    return EventEndpoint(
        endpoint_id,
        url,
        description,
        tuple(kinds),
        account_id,
        credit_type,
        paused,
        position,
        version,
        Instant(created),
        Instant(updated),
        rotation_end,
    )
