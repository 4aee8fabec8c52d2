"""Delivers events to endpoints: of an account in order, each endpoint by itself, so that none waits for another.

What is to be delivered is a row; what is being attempted is leased. Whoever dies with it loses it to the others.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import orjson

from creditd.domain.event_endpoint import EventEndpoint
from creditd.domain.instant import SECOND, Instant, instant_text
from creditd.domain.outbox import OutboxKind
from creditd.ledger.clock import DatabaseClock
from creditd.service.deliveries.sender import Attempted, Sender
from creditd.service.deliveries.signatures import headers_of
from creditd.service.event_secrets import EventSecrets
from creditd.service.payments.background import Background
from creditd.service.payments.providers import InThread
from creditd.storage import event_deliveries, event_endpoints, published_events
from creditd.storage.database import Connection, Database
from creditd.storage.event_deliveries import Claimed, DeliveryAttempt
from creditd.storage.published_events import PublishedEvent, PublishedFilter
from creditd.telemetry.failures import Failures
from creditd.telemetry.statistics import EventStatistics

LOOK_SECONDS: Final = 0.5
"""Seconds between looks for what is due."""

AT_ONCE: Final = 4
"""Attempts that one server makes at one endpoint at a time: a receiver that hangs holds no more than these up."""

ROWS_AT_A_TIME: Final = 200
"""Events looked at for an endpoint by one transaction: some milliseconds."""

LEASE: Final = 60 * SECOND
"""Longer than an attempt by far."""

FIRST_PAUSE: Final = 5 * SECOND
LONGEST_PAUSE: Final = 3_600 * SECOND
"""Between attempts: doubled each time, up to an hour, and each with jitter, so that servers do not retry in step."""

PATIENCE: Final = 24 * 3_600 * SECOND
"""From the first attempt to giving up: a receiver that is away for a day is looked after by somebody."""

ATTEMPTS_KEPT: Final = 7 * 24 * 3_600 * SECOND
"""How long attempts are listed."""

PRUNED_AT_A_TIME: Final = 1_000

PRUNING_SECONDS: Final = 60.0


class _Job(NamedTuple):
    """A delivery that is to be attempted now; no event if it is kept no more."""

    endpoint: EventEndpoint
    secrets: tuple[bytes, ...]
    claimed: Claimed
    event: PublishedEvent | None


def pause_before(attempts: int, share: float) -> int:
    """Return how long to wait after so many attempts, in microseconds; ``share`` is from 0 to 1, the jitter."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 20))
    return int(longest * (1 + share) / 2)


def body_of(event: PublishedEvent) -> bytes:
    """Return what is delivered: type, timestamp and data, as the convention has them, and where the event stands."""
    return orjson.dumps(
        {
            "type": OutboxKind(event.kind).name,
            "timestamp": instant_text(event.create_time),
            "schema_version": event.schema_version,
            "position": event.position,
            "account_id": event.account_id,
            "credit_type": event.credit_type,
            "data": orjson.Fragment(event.payload),
        }
    )


class Deliveries:
    """Delivers in the ``background``."""

    def __init__(
        self,
        database: Database,
        clock: DatabaseClock,
        make_id: Callable[[], str],
        in_thread: InThread,
        sender: Sender,
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
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._next_pruning = 0.0
        self.background = Background(self._round, LOOK_SECONDS, "delivering events")
        self.failures = Failures("a delivery", lambda _: False)

    async def close(self) -> None:
        """Stop; what is under way is attempted again by the next server that runs."""
        await self.background.close()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _round(self) -> None:
        if not self._clock.is_read:
            return
        endpoints = await self._in_thread(self._endpoints)
        for endpoint in endpoints:
            task = self._tasks.get(endpoint.endpoint_id)
            if not endpoint.paused and (task is None or task.done()):
                self._tasks[endpoint.endpoint_id] = asyncio.create_task(self._deliver_all(endpoint.endpoint_id))
        known = {endpoint.endpoint_id for endpoint in endpoints}
        self._tasks = {name: task for name, task in self._tasks.items() if name in known or not task.done()}
        if time.monotonic() >= self._next_pruning:
            for endpoint in endpoints:
                await self._in_thread(lambda name=endpoint.endpoint_id: self._prune(name))  # type: ignore[misc]
            self._next_pruning = time.monotonic() + PRUNING_SECONDS

    async def _deliver_all(self, endpoint_id: str) -> None:
        """Deliver what is due to one endpoint, a few at once, until nothing more is."""
        running: set[asyncio.Task[None]] = set()
        try:
            while True:
                free = AT_ONCE - len(running)
                jobs = await self._in_thread(lambda: self._take(endpoint_id, free)) if free else []  # noqa: B023
                running |= {asyncio.create_task(self._attempt(job)) for job in jobs}
                if not running:
                    return
                done, running = await asyncio.wait(running, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        except Exception as error:  # noqa: BLE001 - the next round begins anew; it is logged and counted.
            self.failures.note(error)
        else:
            self.failures.over()
        finally:
            for task in running:
                task.cancel()

    def _endpoints(self) -> Sequence[EventEndpoint]:
        with self._database.autocommit() as connection:
            return event_endpoints.page(connection, "", 100)

    def _take(self, endpoint_id: str, count: int) -> list[_Job]:
        """Take over what was published since, and claim what is due. Blocks."""
        now = self._clock.now()
        with self._database.transaction() as connection:
            endpoint = event_endpoints.take(connection, endpoint_id)
            if endpoint is not None and not endpoint.paused:
                _take_over(connection, endpoint, now)
        with self._database.transaction() as connection:
            endpoint = event_endpoints.find(connection, endpoint_id)
            if endpoint is None or endpoint.paused:
                return []
            claimed = event_deliveries.claim(connection, endpoint_id, now, Instant(now + LEASE), count)
            if not claimed:
                return []
            events = published_events.at(connection, [one.position for one in claimed])
            secrets = self._secrets.in_force(endpoint, event_endpoints.secrets(connection, endpoint_id), now)
        return [_Job(endpoint, secrets, one, events.get(one.position)) for one in claimed]

    async def _attempt(self, job: _Job) -> None:
        begun, started = self._clock.now(), time.monotonic()
        if job.event is None:
            attempted = Attempted(0, "the event is kept no more")
        else:
            body = body_of(job.event)
            headers = headers_of(job.secrets, job.event.event_id, begun // SECOND, body)
            headers |= {"content-type": "application/json", "user-agent": "creditd"}
            attempted = await self._sender.post(job.endpoint.url, headers, body)
        milliseconds = int((time.monotonic() - started) * 1_000)
        await self._in_thread(lambda: self._finish(job, attempted, begun, milliseconds))

    def _finish(self, job: _Job, attempted: Attempted, begun: Instant, milliseconds: int) -> None:
        endpoint_id, claimed, now = job.endpoint.endpoint_id, job.claimed, self._clock.now()
        with self._database.transaction() as connection:
            if not event_endpoints.share(connection, endpoint_id):
                return
            if job.event is not None:
                event_deliveries.note(
                    connection, endpoint_id, self._noted(job, job.event, attempted, begun, milliseconds)
                )
            if attempted.is_delivered:
                event_deliveries.end(connection, endpoint_id, claimed, now)
            elif job.event is None or now - claimed.begin_time >= PATIENCE:
                event_deliveries.give_up(connection, endpoint_id, claimed, now, attempted.problem)
            else:
                pause = pause_before(claimed.attempts, random.random())  # noqa: S311 - jitter is no secret.
                event_deliveries.put_off(connection, endpoint_id, claimed, Instant(now + pause), attempted.problem)
        self._statistics.attempts["delivered" if attempted.is_delivered else "failed"] += 1

    def _noted(
        self, job: _Job, event: PublishedEvent, attempted: Attempted, begun: Instant, milliseconds: int
    ) -> DeliveryAttempt:
        return DeliveryAttempt(
            self._make_id(),
            event.position,
            event.account_id,
            event.event_id,
            event.kind,
            job.claimed.attempts,
            attempted.status,
            attempted.problem,
            begun,
            milliseconds,
        )

    def _prune(self, endpoint_id: str) -> None:
        before = Instant(self._clock.now() - ATTEMPTS_KEPT)
        with self._database.transaction() as connection:
            removed = published_events.positions(connection).removed
            event_deliveries.prune_attempts(connection, endpoint_id, before, PRUNED_AT_A_TIME)
            event_deliveries.prune_deliveries(connection, endpoint_id, removed, PRUNED_AT_A_TIME)


def _take_over(connection: Connection, endpoint: EventEndpoint, now: Instant) -> None:
    """Have the next events delivered to an endpoint that is held, of those that it asks for."""
    where = published_events.positions(connection)
    after = max(endpoint.position, where.removed)
    if after >= where.last:
        return
    kinds = tuple(map(OutboxKind, endpoint.kinds))
    wanted = PublishedFilter(endpoint.account_id, kinds, endpoint.credit_type)
    look = published_events.page(connection, wanted, after, where.last, rows=ROWS_AT_A_TIME)
    event_deliveries.add(connection, endpoint.endpoint_id, look.events, now)
    event_endpoints.come_to(connection, endpoint.endpoint_id, look.position)
