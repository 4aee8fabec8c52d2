"""Notes of staff for staff: each belongs to an act, and is found by the request id of it."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection, text

from creditd.domain.controls.audit_event import AuditEvent
from creditd.storage.arrays import numbers, texts
from creditd.storage.rows import timestamp

_ADD: Final = text(f"""
INSERT INTO staff_notes (account_id, request_id, note, actor, create_time)
SELECT account_id, request_id, note, actor, {timestamp("create_time")}
FROM unnest(:account_id ::text[], :request_id ::text[], :note ::text[], :actor ::text[], :create_time ::bigint[])
     AS n (account_id, request_id, note, actor, create_time)
ON CONFLICT (account_id, request_id) DO NOTHING
""")


def add(connection: Connection, events: Sequence[AuditEvent]) -> None:
    """Keep the notes of acts, within the transaction that does them. A request id is used once in an account."""
    connection.execute(
        _ADD,
        {
            "account_id": texts(event.account_id for event in events),
            "request_id": texts(event.request_id for event in events),
            "note": texts(event.note for event in events),
            "actor": texts(event.actor for event in events),
            "create_time": numbers(event.create_time for event in events),
        },
    )


_OF_REQUESTS: Final = text("""
SELECT n.request_id, n.note FROM unnest(:request_ids ::text[]) AS k (request_id)
CROSS JOIN LATERAL (
    SELECT request_id, note FROM staff_notes WHERE account_id = :account_id AND request_id = k.request_id OFFSET 0
) AS n
""")


def of_requests(connection: Connection, account_id: str, request_ids: Collection[str]) -> dict[str, str]:
    """Return the notes that were left with some requests of an account, by request id."""
    rows = connection.execute(_OF_REQUESTS, {"account_id": account_id, "request_ids": texts(request_ids)})
    return {request_id: str(note) for request_id, note in rows}
