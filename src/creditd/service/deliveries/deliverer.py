"""Delivers events to endpoints: of an account in order, and no endpoint waits for another.

What is to be delivered is a row; what is being attempted is leased: whoever dies with it loses it to the others. What
the database has to do is done for all endpoints at once, in turns of a few statements, one turn at a time; the requests
go out beside them.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from creditd.domain.events.event_endpoint import EventEndpoint
from creditd.domain.instant import SECOND, Instant
from creditd.ledger.clock import DatabaseClock
from creditd.service.deliveries.message import LONGEST_PAUSE, PATIENCE, USER_AGENT, body_of, pause_before
from creditd.service.deliveries.sender import Answered, EventSender
from creditd.service.deliveries.signatures import headers_of
from creditd.service.events.event_secrets import EventSecrets, SecretUnreadable
from creditd.service.payments.background import Background
from creditd.service.payments.providers import InThread
from creditd.storage.database import Connection, Database
from creditd.storage.events import delivery_attempts, event_deliveries, event_endpoints, published_events
from creditd.storage.events.delivery_attempts import DeliveryAttempt
from creditd.storage.events.event_deliveries import Claimed, Ended
from creditd.storage.events.event_endpoints import DueEndpoint, Secrets
from creditd.storage.events.published_events import PublishedEvent
from creditd.telemetry.statistics import EventStatistics

LOOK_SECONDS: Final = 0.5
"""Seconds between looks for what is due, of each server."""

AT_ONCE: Final = 4
"""Attempts that one server makes at one endpoint at a time: a receiver that hangs holds no more than these up."""

ROWS_AT_A_TIME: Final = 100
"""Events looked at for each endpoint by one turn: 5,000 for as many endpoints as there may be, some 50 ms."""

LEASE: Final = 20 * SECOND
"""Longer than an attempt, and what is written after it."""

OVERDUE: Final = PATIENCE + LONGEST_PAUSE
"""A delivery that has waited for so long becomes a dead letter, even if it was not attempted: what follows one that was
tried for a day has an hour left."""

ATTEMPTS_KEPT: Final = 7 * 24 * 3_600 * SECOND
"""How long attempts are listed."""

PRUNED_AT_A_TIME: Final = 1_000
"""Rows removed, or made dead letters, by one statement: some ten milliseconds."""

TIDYING_SECONDS: Final = 60.0
"""Seconds between looks for what is overdue, or kept for long enough; one that finds a thousand is followed at once."""

MEASURING_SECONDS: Final = 5.0
"""Seconds between measurements of how long deliveries have waited."""


class OutgoingDelivery(NamedTuple):
    """A delivery that is to be attempted now; no event if it is kept no more, no secrets if they cannot be read."""

    endpoint: EventEndpoint
    secrets: tuple[bytes, ...]
    claimed: Claimed
    event: PublishedEvent | None


class AttemptOutcome(NamedTuple):
    """What an attempt came to; ``attempt`` is None if there was nothing to send."""

    outgoing: OutgoingDelivery
    answered: Answered
    attempt: DeliveryAttempt | None


class DeliveryTurn(NamedTuple):
    """What a turn has brought: what is to go out, the outcomes still to be noted, and whether there is more."""

    outgoing: Sequence[OutgoingDelivery] = ()
    left: Sequence[AttemptOutcome] = ()
    has_more: bool = False


class Deliverer:
    """Delivers in the ``background``."""

    def __init__(
        self,
        database: Database,
        clock: DatabaseClock,
        make_id: Callable[[], str],
        in_thread: InThread,
        sender: EventSender,
        secrets: EventSecrets,
        statistics: EventStatistics,
    ) -> None:
        """Deliver what is in ``database`` by ``sender``."""
        self._database = database
        self._clock = clock
        self._make_id = make_id
        self._in_thread = in_thread
        self._sender = sender
        self._secrets = secrets
        self._statistics = statistics
        self._running: dict[asyncio.Task[None], str] = {}
        self._outcomes: list[AttemptOutcome] = []
        self._next_tidying = self._next_measuring = 0.0
        self.background = Background(self._round, LOOK_SECONDS, "delivering events")

    async def close(self) -> None:
        """Stop; what is under way is attempted again by the next server that runs, and what is through is noted."""
        await self.background.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        with suppress(Exception):
            # What cannot be noted is delivered twice.
            await self._in_thread(lambda: self._note_last(self._outcomes))

    async def _round(self) -> None:
        if not self._clock.is_read:
            return
        while await self._take_turn():
            pass
        if time.monotonic() >= self._next_measuring:
            self._statistics.delivery_lags = await self._in_thread(self._measure)
            self._next_measuring = time.monotonic() + MEASURING_SECONDS
        if time.monotonic() >= self._next_tidying and await self._in_thread(self.tidy_once) < PRUNED_AT_A_TIME:
            self._next_tidying = time.monotonic() + TIDYING_SECONDS

    async def _take_turn(self) -> bool:
        """Note what has ended, and start what is due; return whether there is more to take over."""
        outcomes, busy = self._outcomes[:], Counter(self._running.values())
        turn = await self._in_thread(lambda: self._turn(outcomes, busy))
        # Further ones may have come in meanwhile.
        self._outcomes[: len(outcomes)] = turn.left
        for outgoing in turn.outgoing:
            task = asyncio.create_task(self._attempt(outgoing))
            self._running[task] = outgoing.endpoint.endpoint_key
            task.add_done_callback(self._ended)
        return turn.has_more

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self.background.failures.note(error if isinstance(error, Exception) else RuntimeError(error))
        # Its place is free, and what follows it can go.
        self.background.wake()

    async def _attempt(self, outgoing: OutgoingDelivery) -> None:
        """Send one event; a hanging receiver keeps this alone, until its time is over."""
        begun, started = self._clock.now(), time.monotonic()
        event, attempt = outgoing.event, None
        if event is None:
            answered = Answered(0, "the event is kept no more")
        else:
            if outgoing.secrets:
                body = body_of(event)
                headers = headers_of(outgoing.secrets, event.event_id, begun // SECOND, body)
                headers |= {"content-type": "application/json", "user-agent": USER_AGENT}
                answered = await self._sender.post(outgoing.endpoint.url, headers, body)
            else:
                answered = Answered(0, "the secret cannot be read: rotate it")
            milliseconds = int((time.monotonic() - started) * 1_000)
            attempt = self._noted(outgoing.claimed, event, answered, begun, milliseconds)
        self._statistics.attempts["delivered" if answered.is_delivered else "failed"] += 1
        self._outcomes.append(AttemptOutcome(outgoing, answered, attempt))

    def _noted(
        self, claimed: Claimed, event: PublishedEvent, answered: Answered, begun: Instant, milliseconds: int
    ) -> DeliveryAttempt:
        return DeliveryAttempt(
            claimed.endpoint_key,
            self._make_id(),
            event.position,
            event.account_id,
            event.event_id,
            event.kind,
            claimed.attempts,
            answered.status,
            answered.problem,
            begun,
            milliseconds,
        )

    def _turn(self, outcomes: Sequence[AttemptOutcome], busy: Mapping[str, int]) -> DeliveryTurn:
        """Note outcomes, take over what was published, claim what is due. Blocks, and waits for no lock."""
        now = self._clock.now()
        with self._database.autocommit() as connection:
            seen = {endpoint.endpoint_key: endpoint for endpoint in event_endpoints.look(connection, now)}
        # Those of endpoints that were deleted are nobody's any more.
        outcomes = [one for one in outcomes if one.outgoing.claimed.endpoint_key in seen]
        keys = {one.outgoing.claimed.endpoint_key for one in outcomes}
        keys |= {endpoint.endpoint_key for endpoint in seen.values() if _has_work(endpoint, busy)}
        if not keys:
            return DeliveryTurn()
        with self._database.transaction() as connection:
            held = event_endpoints.hold(connection, sorted(keys))
            self._note(connection, [one for one in outcomes if one.outgoing.claimed.endpoint_key in held], held, now)
            has_more = event_deliveries.take_over(connection, held, now, ROWS_AT_A_TIME)
            outgoing = self._claim(connection, held, busy, now)
        left = [one for one in outcomes if one.outgoing.claimed.endpoint_key not in held]
        return DeliveryTurn(outgoing, left, has_more)

    def _note_last(self, outcomes: Sequence[AttemptOutcome]) -> None:
        now = self._clock.now()
        with self._database.transaction() as connection:
            held = event_endpoints.hold(connection, sorted({one.outgoing.claimed.endpoint_key for one in outcomes}))
            self._note(connection, [one for one in outcomes if one.outgoing.claimed.endpoint_key in held], held, now)

    def _note(
        self,
        connection: Connection,
        outcomes: Sequence[AttemptOutcome],
        held: Mapping[str, tuple[EventEndpoint, Secrets]],
        now: Instant,
    ) -> None:
        delivery_attempts.note(connection, [one.attempt for one in outcomes if one.attempt is not None])
        ended = [_ended_as(one, held[one.outgoing.claimed.endpoint_key][0], now) for one in outcomes]
        event_deliveries.end(connection, ended, now)

    def _claim(
        self,
        connection: Connection,
        held: Mapping[str, tuple[EventEndpoint, Secrets]],
        busy: Mapping[str, int],
        now: Instant,
    ) -> list[OutgoingDelivery]:
        active = {key: AT_ONCE - busy.get(key, 0) for key, (endpoint, _) in held.items() if not endpoint.paused}
        claimed = event_deliveries.claim(connection, active, now, Instant(now + LEASE)) if active else []
        if not claimed:
            return []
        events = published_events.at(connection, {one.position for one in claimed})
        secrets = {key: self._secrets_of(*held[key], now) for key in {one.endpoint_key for one in claimed}}
        return [
            OutgoingDelivery(held[one.endpoint_key][0], secrets[one.endpoint_key], one, events.get(one.position))
            for one in claimed
        ]

    def _secrets_of(self, endpoint: EventEndpoint, stored: Secrets, now: Instant) -> tuple[bytes, ...]:
        try:
            return self._secrets.in_force(endpoint, stored, now)
        except SecretUnreadable:
            return ()

    def _measure(self) -> dict[str, float]:
        with self._database.autocommit() as connection:
            return event_endpoints.lags(connection, self._clock.now())

    def tidy_once(self) -> int:
        """Make dead letters of what is overdue, and remove what was kept for long enough.

        Return the greatest number of rows that one of the steps has found. Blocks.
        """
        now = self._clock.now()
        before = Instant(now - OVERDUE)
        with self._database.transaction() as connection:
            keys = [endpoint.endpoint_key for endpoint in event_endpoints.look(connection, now)]
            held = event_endpoints.hold(connection, keys)
            # One that was resumed has a day from then on.
            active = [key for key, (one, _) in held.items() if not one.paused and one.active_time < before]
            buried = event_deliveries.bury(connection, active, before, now, PRUNED_AT_A_TIME) if active else 0
        with self._database.transaction() as connection:
            attempts = delivery_attempts.prune(connection, Instant(now - ATTEMPTS_KEPT), PRUNED_AT_A_TIME)
        with self._database.transaction() as connection:
            deliveries = event_deliveries.prune(connection, PRUNED_AT_A_TIME)
            event_endpoints.remove_deleted(connection, PRUNED_AT_A_TIME)
        return max(buried, attempts, deliveries)


def _has_work(endpoint: DueEndpoint, busy: Mapping[str, int]) -> bool:
    return endpoint.is_behind or (endpoint.is_due and busy.get(endpoint.endpoint_key, 0) < AT_ONCE)


def _ended_as(outcome: AttemptOutcome, endpoint: EventEndpoint, now: Instant) -> Ended:
    claimed, answered = outcome.outgoing.claimed, outcome.answered
    if answered.is_delivered:
        return Ended(claimed, is_delivered=True, again=None, problem="")
    waited = now - max(claimed.begin_time, endpoint.active_time)
    if outcome.attempt is None or waited >= PATIENCE:
        return Ended(claimed, is_delivered=False, again=None, problem=answered.problem)
    pause = pause_before(claimed.attempts, random.random())  # noqa: S311 - jitter is no secret.
    return Ended(claimed, is_delivered=False, again=Instant(now + pause), problem=answered.problem)
