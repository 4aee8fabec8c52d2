"""What was refused, for the audit log: told soon after, off the threads that serve, and never in anybody's way.

One caller may be refused as often as it likes, so that a row for each would let it fill the disk. So many of a caller's
are told one by one each minute; the rest of the minute is one row with a count. Rejected tokens, which come from
nobody in particular, are counts from the start.
"""

import logging
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Final, NamedTuple

from creditd.domain.controls.audit_event import AuditEvent, AuditOutcome
from creditd.domain.instant import SECOND, Instant
from creditd.ledger.clock import DatabaseClock
from creditd.service.payments.background import Background
from creditd.service.payments.providers import InThread
from creditd.storage.controls import audit
from creditd.storage.database import Database

log = logging.getLogger(__name__)

MINUTE: Final = 60 * SECOND

EVENTS_A_MINUTE: Final = 20
"""Of one caller, told one by one: more than a person's mistakes, and 3 MB a day of one that does nothing else."""

MAX_COUNTS: Final = 1_000
"""Different counts kept for a minute; those of further callers are one count, of nobody by name."""

MAX_UNWRITTEN: Final = 5_000
"""Events kept while the database cannot be reached, of half a kilobyte each; then the oldest are only logged."""

WRITE_SECONDS: Final = 0.5
"""Seconds between writes: a flood of refusals costs a few statements a second."""

LATE: Final = 120 * SECOND
"""How old an event may be when it is written. Later it takes a place of now, and says when it was: what is older than
five minutes is sealed."""

EVENTS_AT_A_TIME: Final = 500
"""Written by one statement."""

MORE: Final = "refusals.more"
"""The kind of the row that counts what was not told one by one."""

REJECTED_TOKEN: Final = "token.reject"  # noqa: S105 - a kind of event.


class Refused(NamedTuple):
    """An act that was refused, or another refusal that bears on security, as the edge saw it."""

    kind: str
    refusal: str
    actor: str = ""
    person: str = ""
    roles: tuple[str, ...] = ()
    account_id: str = ""
    target: str = ""
    reason: str = ""
    request_id: str = ""
    correlation_id: str = ""
    address: str = ""


class RefusedActs:
    """Has the audit log told of refusals by the ``background``."""

    def __init__(
        self, database: Database, clock: DatabaseClock, make_id: Callable[[], str], in_thread: InThread
    ) -> None:
        """Write to ``database``."""
        self._database = database
        self._clock = clock
        self._make_id = make_id
        self._in_thread = in_thread
        # It guards the fields below: refusals come from every thread that serves.
        self._lock = Lock()
        self._minute = 0
        self._told: Counter[str] = Counter()
        self._counts: dict[tuple[str, str, str], AuditEvent] = {}
        self._unwritten: list[AuditEvent] = []
        # Those of the first that a write has begun with: whether they are in the log is not known until it has ended.
        self._in_doubt: frozenset[str] = frozenset()
        self._untimed = 0
        # One write at a time: a round that is cancelled leaves its own to its thread.
        self._writing = Lock()
        self.background = Background(self._write_once, WRITE_SECONDS, "telling of refusals")

    def note(self, refused: Refused) -> None:
        """Take in a refusal, from any thread. Never waits for the database."""
        if not self._clock.is_read:
            # Without the database's time there is no place for it in the log.
            with self._lock:
                self._untimed += 1
            return
        now = self._clock.now()
        with self._lock:
            self._end_minute(now)
            is_counted = refused.kind == REJECTED_TOKEN
            if not is_counted and self._told[refused.actor] < EVENTS_A_MINUTE:
                self._told[refused.actor] += 1
                self._keep(self._event(refused, now))
            else:
                self._count(refused if is_counted else refused._replace(kind=MORE), now)

    def _event(self, refused: Refused, now: Instant) -> AuditEvent:
        return AuditEvent(self._make_id(), now, outcome=AuditOutcome.REFUSED, **refused._asdict())

    def _in_time(self, event: AuditEvent) -> AuditEvent:
        """Return an event as one of now if it is too old for its place in the log, which may be sealed soon."""
        now = self._clock.now()
        if event.create_time > now - LATE:
            return event
        after = {"refuse_time": event.create_time, **(event.after or {})}
        return event._replace(event_id=self._make_id(), create_time=now, after=after)

    def _count(self, refused: Refused, now: Instant) -> None:
        """Count a refusal of this minute; the row shows the last of those that it counts."""
        key = refused.kind, refused.actor, refused.refusal
        if key not in self._counts and len(self._counts) >= MAX_COUNTS:
            refused = refused._replace(actor="", person="", roles=(), account_id="", target="", reason="")
            key = refused.kind, "", refused.refusal
        known = self._counts.get(key)
        self._counts[key] = self._event(refused, now)._replace(occurrences=known.occurrences + 1 if known else 1)

    def _end_minute(self, now: Instant, *, ends: bool = False) -> None:
        """Once a minute is over, or ``ends`` now, keep its counts to be written."""
        minute = now // MINUTE
        if minute == self._minute and not ends:
            return
        for event in self._counts.values():
            self._keep(event)
        self._minute = minute
        self._counts.clear()
        self._told.clear()

    def _keep(self, event: AuditEvent) -> None:
        self._unwritten.append(event)
        if len(self._unwritten) > MAX_UNWRITTEN:
            # The oldest of those that are not being written.
            lost = self._unwritten.pop(len(self._in_doubt))
            log.error("refusals are too many to keep", extra={"kind": lost.kind, "refusals": lost.occurrences})

    async def flush(self) -> None:
        """Write what is left, the counts of this minute included; what cannot be written is logged."""
        try:
            await self._write_once(ends=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, the process is to end in order.
            self.background.failures.note(error)
        with self._lock:
            left = self._untimed + sum(event.occurrences for event in self._unwritten)
        if left:
            log.error("refusals could not be written", extra={"refusals": left})

    async def _write_once(self, *, ends: bool = False) -> None:
        if not self._clock.is_read:
            return
        with self._lock:
            self._end_minute(self._clock.now(), ends=ends)
            untimed, self._untimed = self._untimed, 0
            is_idle = not self._unwritten
        if untimed:
            log.error("refusals came before the database's time was known", extra={"refusals": untimed})
        if not is_idle:
            await self._in_thread(self.write)

    def write(self) -> None:
        """Write all that is kept. Blocks. What a write that failed has begun with is looked for first."""
        with self._writing:
            if self._in_doubt:
                with self._database.autocommit() as connection:
                    self._end(audit.known(connection, self._in_doubt))
            while self._unwritten:
                with self._database.transaction() as connection:
                    # Only now: until there was a connection time may have passed.
                    events = self._begin()
                    audit.append(connection, *events)
                self._end(self._in_doubt)

    def _begin(self) -> list[AuditEvent]:
        """Return the next events, those that are too old for their places in the log in new ones."""
        with self._lock:
            events = [self._in_time(event) for event in self._unwritten[:EVENTS_AT_A_TIME]]
            self._unwritten[: len(events)] = events
            self._in_doubt = frozenset(event.event_id for event in events)
        return events

    def _end(self, written: frozenset[str]) -> None:
        """Forget events that are in the log; the others are no longer in doubt."""
        with self._lock:
            self._unwritten = [event for event in self._unwritten if event.event_id not in written]
            self._in_doubt = frozenset()
