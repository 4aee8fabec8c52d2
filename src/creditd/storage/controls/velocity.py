"""What velocity rules count, and where each of them stands with an account."""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.controls.velocity import VelocityAction, VelocityEvent, VelocityKind, VelocityRule, window_around
from creditd.domain.instant import Instant
from creditd.storage.arrays import numbers, texts
from creditd.storage.rows import micros, timestamp

# An event that is known already is left alone, unless it was earlier than was known.
_RECORD: Final = text(f"""
INSERT INTO velocity_events AS v (account_id, kind, subject, event_time)
SELECT :account_id ::text, kind, subject, {timestamp("event_time")}
FROM unnest(:kind ::smallint[], :subject ::text[], :event_time ::bigint[]) AS n (kind, subject, event_time)
ON CONFLICT (account_id, kind, subject) DO UPDATE SET event_time = excluded.event_time
WHERE excluded.event_time < v.event_time
RETURNING v.kind, v.subject, {micros("v.event_time")}
""")


def record(connection: Connection, account_id: str, events: Sequence[VelocityEvent]) -> list[VelocityEvent]:
    """Record events, each about another subject, in their order; return those that were not known, or not so early."""
    parameters = {
        "account_id": account_id,
        "kind": numbers(event.kind for event in events),
        "subject": texts(event.subject for event in events),
        "event_time": numbers(event.event_time for event in events),
    }
    rows = connection.execute(_RECORD, parameters)
    return sorted(VelocityEvent(VelocityKind(kind), subject, event_time) for kind, subject, event_time in rows)


class RuleState(NamedTuple):
    """Where a rule stands with an account: its open flag, and until when nothing counts; None for either."""

    flag_id: str | None
    clear_time: Instant | None


# The update changes nothing: it locks the row that is there.
_LOCK: Final = text(f"""
INSERT INTO velocity_states AS s (account_id, kind, window_seconds, action)
SELECT :account_id ::text, kind, window_seconds, action
FROM unnest(:kind ::smallint[], :window_seconds ::bigint[], :action ::smallint[]) AS n (kind, window_seconds, action)
ON CONFLICT (account_id, kind, window_seconds, action) DO UPDATE SET clear_time = s.clear_time
RETURNING s.kind, s.window_seconds, s.action, s.flag_id, {micros("s.clear_time")}
""")


def lock(connection: Connection, account_id: str, rules: Collection[VelocityRule]) -> dict[VelocityRule, RuleState]:
    """Return where rules stand with an account, and let nobody else judge by them until the transaction ends.

    Rows are locked in key order.
    """
    ordered = {(rule.kind, rule.window_seconds, rule.action): rule for rule in rules}
    keys = sorted(ordered)
    parameters = {
        "account_id": account_id,
        "kind": numbers(kind for kind, _, _ in keys),
        "window_seconds": numbers(window for _, window, _ in keys),
        "action": numbers(action for _, _, action in keys),
    }
    rows = connection.execute(_LOCK, parameters)
    return {
        ordered[VelocityKind(kind), window, VelocityAction(action)]: RuleState(flag_id and str(flag_id), clear_time)
        for kind, window, action, flag_id, clear_time in rows
    }


class VelocityLook(NamedTuple):
    """An event that may break a rule, and since when events count for it; None for always."""

    rule: VelocityRule
    event: VelocityEvent
    clear_time: Instant | None


# Each look reads no more of either side than break the rule, however many events there are.
_TIMES: Final = text(f"""
SELECT k.place, {micros("e.event_time")}
FROM unnest(:place ::bigint[], :kind ::smallint[], :start ::bigint[], :event_time ::bigint[], :end ::bigint[],
            :count ::bigint[]) AS k (place, kind, start_micros, event_micros, end_micros, most)
CROSS JOIN LATERAL (
    (SELECT event_time FROM velocity_events
     WHERE account_id = :account_id AND kind = k.kind AND event_time > {timestamp("k.start_micros")}
       AND event_time <= {timestamp("k.event_micros")}
     ORDER BY event_time DESC LIMIT k.most)
    UNION ALL
    (SELECT event_time FROM velocity_events
     WHERE account_id = :account_id AND kind = k.kind AND event_time > {timestamp("k.event_micros")}
       AND event_time < {timestamp("k.end_micros")}
     ORDER BY event_time LIMIT k.most)
) AS e
""")


def times_around(connection: Connection, account_id: str, looks: Sequence[VelocityLook]) -> list[list[Instant]]:
    """Return for each look the times of the events that may break its rule together with its own, that one included.

    Of those before it and of those after it each no more than ``most`` + 1, the nearest.
    """
    windows = [window_around(look.rule, look.event.event_time, look.clear_time) for look in looks]
    parameters = {
        "account_id": account_id,
        "place": numbers(range(len(looks))),
        "kind": numbers(look.rule.kind for look in looks),
        "start": numbers(start for start, _ in windows),
        "event_time": numbers(look.event.event_time for look in looks),
        "end": numbers(end for _, end in windows),
        "count": numbers(look.rule.most + 1 for look in looks),
    }
    times: list[list[Instant]] = [[] for _ in looks]
    for place, event_time in connection.execute(_TIMES, parameters):
        times[place].append(event_time)
    return times


_LAST_TIMES: Final = text(f"""
SELECT {micros("event_time")} FROM velocity_events
WHERE account_id = :account_id AND kind = :kind AND event_time > {timestamp(":since ::bigint")}
ORDER BY event_time DESC LIMIT :most
""")


def last_times(connection: Connection, account_id: str, kind: VelocityKind, since: Instant, most: int) -> list[Instant]:
    """Return when the last events of a kind after an instant were, ``most`` of them at most, newest first."""
    asked = {"account_id": account_id, "kind": int(kind), "since": since, "most": most}
    return list(connection.execute(_LAST_TIMES, asked).scalars())
