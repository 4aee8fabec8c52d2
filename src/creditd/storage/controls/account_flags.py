"""Account flags as rows: raised, cleared, and listed."""

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, TextClause, insert, text, update

from creditd.domain.controls.account_flag import AccountFlag, FlagKey
from creditd.domain.controls.velocity import VelocityAction, VelocityKind
from creditd.domain.wallet import Origin
from creditd.storage.arrays import numbers
from creditd.storage.controls.velocity_tables import account_flags, flag_clearances, velocity_states
from creditd.storage.rows import micros

_RAISED: Final = AccountFlag._fields[: AccountFlag._fields.index("clear_time")]


def add(connection: Connection, flag: AccountFlag) -> None:
    """Add a flag that is open; where its rule stands with the account is locked."""
    values = {name: getattr(flag, name) for name in _RAISED}
    values |= {"kind": int(flag.kind), "action": int(flag.action)}
    connection.execute(insert(account_flags).values(values))
    _stand(connection, flag, flag_id=flag.flag_id)


def clear(connection: Connection, flag: AccountFlag, origin: Origin) -> None:
    """Write that a flag is cleared, by which request; where its rule stands with the account is locked."""
    names = "account_id", "flag_id", "cleared_by", "clear_reason", "activated", "clear_time"
    values = {name: getattr(flag, name) for name in names}
    values |= {"request_id": origin.request_id, "fingerprint": origin.fingerprint}
    connection.execute(insert(flag_clearances).values(values))
    _stand(connection, flag, flag_id=None, clear_time=flag.clear_time)


def _stand(connection: Connection, flag: AccountFlag, **values: Any) -> None:
    c = velocity_states.c
    same = (
        c.account_id == flag.account_id,
        c.kind == int(flag.kind),
        c.window_seconds == flag.window_seconds,
        c.action == int(flag.action),
    )
    connection.execute(update(velocity_states).where(*same).values(values))


_LOCK: Final = text("""
SELECT count(*) FROM (
    SELECT 1 FROM velocity_states WHERE account_id = :account_id ORDER BY kind, window_seconds, action FOR UPDATE
) AS s
""")


def lock_states(connection: Connection, account_id: str) -> None:
    """Let nobody else raise or clear a flag of an account until the transaction ends; rows are locked in key order."""
    connection.execute(_LOCK, {"account_id": account_id})


_FLAG: Final = (
    "f.account_id, f.flag_id, f.kind, f.most, f.window_seconds, f.action, f.event_count, f.suspended, "
    f"{micros('f.raise_time')}"
)

_WITH_CLEARANCE: Final = f"""
SELECT {_FLAG}, {micros("c.clear_time")}, coalesce(c.cleared_by, ''), coalesce(c.clear_reason, ''),
       coalesce(c.activated, false), coalesce(c.request_id, ''), coalesce(c.fingerprint, 0)
"""

_CLEARANCE: Final = """
LEFT JOIN LATERAL (
    SELECT * FROM flag_clearances WHERE account_id = f.account_id AND flag_id = f.flag_id OFFSET 0
) AS c ON true
"""

_FIND: Final = text(f"""
{_WITH_CLEARANCE} FROM account_flags f {_CLEARANCE} WHERE f.account_id = :account_id AND f.flag_id = :flag_id ::uuid
""")


class KnownFlag(NamedTuple):
    """A flag, and which request cleared it with which content; empty and 0 for an open one."""

    flag: AccountFlag
    request_id: str
    fingerprint: int


def find(connection: Connection, key: FlagKey) -> KnownFlag | None:
    """Return a flag, or None."""
    row = connection.execute(_FIND, key._asdict()).one_or_none()
    return KnownFlag(_flag_from(row[:-2]), row[-2], row[-1]) if row else None


class FlagFilter(NamedTuple):
    """Which flags: of one account, of one kind, and cleared ones too; an empty id and None let all pass."""

    account_id: str = ""
    kind: VelocityKind | None = None
    cleared: bool = False


_AFTER_ANY_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"


def _page(wanted: FlagFilter) -> TextClause:
    conditions = "AND account_id = :account_id " if wanted.account_id else ""
    conditions += "AND kind = :kind " if wanted.kind is not None else ""
    conditions += "ORDER BY flag_id DESC LIMIT :count"
    if wanted.cleared:
        return text(f"""
{_WITH_CLEARANCE}
FROM (SELECT * FROM account_flags WHERE flag_id < :before ::uuid {conditions}) AS f {_CLEARANCE}
ORDER BY f.flag_id DESC
""")
    # The rows of where rules stand lead to the flags that are open, however many were cleared.
    return text(f"""
SELECT {_FLAG}, NULL, '', '', false, '', 0
FROM (
    SELECT account_id, flag_id FROM velocity_states
    WHERE flag_id IS NOT NULL AND flag_id < :before ::uuid {conditions}
) AS s
CROSS JOIN LATERAL (
    SELECT * FROM account_flags WHERE account_id = s.account_id AND flag_id = s.flag_id OFFSET 0
) AS f
ORDER BY f.flag_id DESC
""")


def page(connection: Connection, wanted: FlagFilter, before: str | None, count: int) -> list[AccountFlag]:
    """Return up to ``count`` flags older than one, newest first: ids are UUIDv7, so they sort by time."""
    parameters: dict[str, Any] = {"before": before or _AFTER_ANY_ID, "count": count}
    if wanted.account_id:
        parameters["account_id"] = wanted.account_id
    if wanted.kind is not None:
        parameters["kind"] = int(wanted.kind)
    return [_flag_from(row[:-2]) for row in connection.execute(_page(wanted), parameters)]


OpenFlags = dict[tuple[VelocityKind, VelocityAction], int]
"""How many flags are open, by kind and action."""

_COUNT_OPEN: Final = text("""
SELECT k.kind, s.action, s.flags FROM unnest(:kind ::smallint[]) AS k (kind)
CROSS JOIN LATERAL (
    SELECT action, count(*) AS flags FROM velocity_states
    WHERE kind = k.kind AND flag_id IS NOT NULL GROUP BY action OFFSET 0
) AS s
""")


def count_open(connection: Connection) -> OpenFlags:
    """Count the open flags of all accounts, by kind and action."""
    rows = connection.execute(_COUNT_OPEN, {"kind": numbers(VelocityKind)})
    return {(VelocityKind(kind), VelocityAction(action)): count for kind, action, count in rows}


def _flag_from(row: Any) -> AccountFlag:
    flag = AccountFlag(*row)
    return flag._replace(flag_id=str(flag.flag_id), kind=VelocityKind(flag.kind), action=VelocityAction(flag.action))
