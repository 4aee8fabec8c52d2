"""The audit log: events appended in the transaction of the act that they tell of, and listed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, select, text

from creditd.domain.controls.audit_event import AuditEvent, AuditOutcome, Document
from creditd.domain.instant import SECOND, Instant
from creditd.storage.arrays import identifiers, numbers, texts
from creditd.storage.controls import staff_notes
from creditd.storage.controls.audit_tables import audit_events
from creditd.storage.event_ids import first_id
from creditd.storage.rows import timestamp
from creditd.telemetry.redaction import REDACTED, is_secret_name, redacted

MAX_DOCUMENT_BYTES: Final = 32_768
"""Of what something was like before or after, as JSON: the largest, 50 limits of an account, has half of it."""

MAX_TEXT_LENGTH: Final = 500
"""Of a reason or a target, as far as requests of staff take them; what was refused may be longer."""

# One text for any number of events, so that it is prepared once. An array in an array goes as a text.
_APPEND = text(f"""
INSERT INTO audit_events (event_id, create_time, actor, person, roles, kind, outcome, account, target, reason, refusal,
                          before, after, request_id, correlation_id, address, occurrences)
SELECT event_id, {timestamp("create_time")}, actor, person, CAST(roles AS text[]), kind, outcome, account, target,
       reason, refusal, before, after, request_id, correlation_id, address, occurrences
FROM unnest(:event_id ::uuid[], :create_time ::bigint[], :actor ::text[], :person ::text[], :roles ::text[],
            :kind ::text[], :outcome ::smallint[], :account ::text[], :target ::text[], :reason ::text[],
            :refusal ::text[], :before ::jsonb[], :after ::jsonb[], :request_id ::text[], :correlation_id ::text[],
            :address ::text[], :occurrences ::bigint[])
     AS n (event_id, create_time, actor, person, roles, kind, outcome, account, target, reason, refusal, before, after,
           request_id, correlation_id, address, occurrences)
""")


def append(connection: Connection, *events: AuditEvent) -> None:
    """Append events to the audit log, within the transaction of what they tell of: both are committed, or neither.

    What looks like a secret is left out; what is longer than an act of staff may be is cut. Notes are kept beside it.
    """
    noted = [event for event in events if event.note]
    if noted:
        staff_notes.add(connection, noted)
    connection.execute(
        _APPEND,
        {
            "event_id": identifiers(event.event_id for event in events),
            "create_time": numbers(event.create_time for event in events),
            "actor": texts(event.actor for event in events),
            "person": texts(event.person for event in events),
            "roles": texts(texts(event.roles) for event in events),
            "kind": texts(event.kind for event in events),
            "outcome": numbers(event.outcome for event in events),
            "account": texts(event.account_id for event in events),
            "target": texts(_text(event.target) for event in events),
            "reason": texts(_text(event.reason) for event in events),
            "refusal": texts(event.refusal for event in events),
            "before": texts(_document(event.before) for event in events),
            "after": texts(_document(event.after) for event in events),
            "request_id": texts(_text(event.request_id) for event in events),
            "correlation_id": texts(event.correlation_id for event in events),
            "address": texts(_text(event.address) for event in events),
            "occurrences": numbers(event.occurrences for event in events),
        },
    )


_KNOWN = text("""
SELECT k.event_id FROM unnest(:event_id ::uuid[]) AS k (event_id)
CROSS JOIN LATERAL (SELECT true FROM audit_events WHERE event_id = k.event_id OFFSET 0) AS e
""")


def known(connection: Connection, event_ids: Collection[str]) -> frozenset[str]:
    """Return those of some ids whose events are in the log."""
    rows = connection.execute(_KNOWN, {"event_id": identifiers(event_ids)})
    return frozenset(str(event_id) for (event_id,) in rows)


def _text(value: str) -> str:
    # PostgreSQL's texts hold no NUL; what was refused may have had one.
    return redacted(value.replace("\0", "?"))[:MAX_TEXT_LENGTH]


def _document(document: Document | None) -> str | None:
    if document is None:
        return None
    shown = orjson.dumps(_shown(document))
    return (shown if len(shown) <= MAX_DOCUMENT_BYTES else orjson.dumps({"omitted_bytes": len(shown)})).decode()


def _shown(value: Any) -> Any:
    """Return a document without what looks like a secret, by its name or by itself."""
    if isinstance(value, str):
        return redacted(value.replace("\0", "?"))
    if isinstance(value, Mapping):
        return {name: REDACTED if is_secret_name(name) else _shown(part) for name, part in value.items()}
    if isinstance(value, Sequence):
        return [_shown(part) for part in value]
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


class AuditFilter(NamedTuple):
    """Which events; what is empty or None lets all pass."""

    actor: str = ""
    account_id: str = ""
    kind: str = ""
    outcome: AuditOutcome | None = None
    start_time: Instant | None = None
    end_time: Instant | None = None


class AuditLook(NamedTuple):
    """Events found, newest first, and the id that the look has come to if it ended there; None if it saw all."""

    events: list[AuditEvent]
    end: str | None


CLOCK_DIFFERENCE: Final = 60 * SECOND
"""An event's id and its time are made one after the other, by clocks that agree; this is far more than they differ."""


_AFTER_ANY_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"


def page(connection: Connection, wanted: AuditFilter, before: str | None, *, count: int, rows: int) -> AuditLook:
    """Return up to ``count`` events older than one, newest first, among the ``rows`` that an index finds first.

    One of the filters has an index to itself; what it finds is gone through for the others.
    """
    c = audit_events.c
    by_index, others = _conditions(wanted)
    looked_at = select(audit_events).where(*by_index, *_within(wanted, before)).order_by(c.event_id.desc()).limit(rows)
    if not others:
        found = [_event_from(row) for row in connection.execute(looked_at.limit(count))]
        return AuditLook(found, None)
    looked = looked_at.subquery("looked")
    passing = (looked.c[column] == value for column, value in others.items())
    query = select(looked).where(*passing).order_by(looked.c.event_id.desc()).limit(count)
    found = [_event_from(row) for row in connection.execute(query)]
    if len(found) == count:
        return AuditLook(found, None)
    last = select(c.event_id).where(*by_index, *_within(wanted, before)).order_by(c.event_id.desc())
    end = connection.execute(last.offset(rows - 1).limit(1)).scalar_one_or_none()
    return AuditLook(found, None if end is None else str(end))


def _conditions(wanted: AuditFilter) -> tuple[list[ColumnElement[bool]], dict[str, object]]:
    """Return the condition of the index to go by, and the values of the other columns."""
    c = audit_events.c
    values: dict[str, object] = {
        name: value
        for name, value in (("account", wanted.account_id), ("actor", wanted.actor), ("kind", wanted.kind))
        if value
    }
    by_index: list[ColumnElement[bool]] = []
    if values:
        name = next(iter(values))
        by_index.append(c[name] == values.pop(name))
        if name == "account":
            # Said as the index has it.
            by_index.append(c.account != "")
    if wanted.outcome is not None:
        if by_index or wanted.outcome is AuditOutcome.DONE:
            values["outcome"] = int(wanted.outcome)
        else:
            by_index.append(c.outcome == text("2"))
    return by_index, values


def _within(wanted: AuditFilter, before: str | None) -> list[ColumnElement[bool]]:
    c = audit_events.c
    conditions: list[ColumnElement[bool]] = [c.event_id < (before or _AFTER_ANY_ID)]
    # Ids sort by the time that they were made at, which is found by key; the event's own time says exactly.
    if wanted.start_time is not None:
        conditions.append(c.event_id >= first_id(Instant(wanted.start_time - CLOCK_DIFFERENCE)))
        conditions.append(c.create_time >= wanted.start_time)
    if wanted.end_time is not None:
        conditions.append(c.event_id < first_id(Instant(wanted.end_time + CLOCK_DIFFERENCE)))
        conditions.append(c.create_time < wanted.end_time)
    return conditions


def _event_from(row: Any) -> AuditEvent:
    values = row._asdict()
    values["account_id"] = values.pop("account")
    values["event_id"] = str(values["event_id"])
    return AuditEvent(**values)._replace(roles=tuple(row.roles), outcome=AuditOutcome(row.outcome))
