"""Event endpoints for administrators: kept, paused, replayed, and what was attempted to deliver to them."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, Final, NamedTuple

from creditd.domain.controls.audit_event import Act
from creditd.domain.errors import InvalidField, VersionMismatch
from creditd.domain.events.event_endpoint import MAX_ENDPOINTS, ROTATION, EventEndpoint
from creditd.domain.events.event_errors import (
    EventEndpointExists,
    EventEndpointNotFound,
    EventEndpointsFull,
    EventsRemoved,
    PositionAhead,
)
from creditd.domain.instant import Instant
from creditd.domain.resource_names import event_endpoint_name
from creditd.ledger.clock import DatabaseClock
from creditd.service.call import require_text
from creditd.service.deliveries.network import JudgedNetwork, TargetRefused
from creditd.service.deliveries.signatures import secret_text
from creditd.service.deliveries.targets import NOT_PUBLIC, host_of, problem_of
from creditd.service.events.event_secrets import EventSecrets
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage.controls import audit
from creditd.storage.database import Connection, Database
from creditd.storage.events import delivery_attempts, event_deliveries, event_endpoints, published_events
from creditd.storage.events.delivery_attempts import DeadLetter, DeliveryAttempt
from creditd.storage.requests import ClaimKind, once

RESOLVE_SECONDS: Final = 3.0
"""How long a new address may take to be resolved. One that cannot be is taken: each connection judges it again."""

Change = Callable[[Connection, EventEndpoint, Instant], EventEndpoint]


class KeptEndpoint(NamedTuple):
    """An endpoint right after an act, with its secret if it is new; ``replayed``: it was done before."""

    endpoint: EventEndpoint
    secret: str = ""
    replayed: bool = False


class EventEndpoints:
    """Keeps endpoints. All raise DatabaseUnavailable, Overloaded, ShuttingDown; acts RequestIdReused too."""

    def __init__(
        self,
        database: Database,
        clock: DatabaseClock,
        make_id: Callable[[], str],
        threads: Threads,
        tokens: PageTokens,
        secrets: EventSecrets,
        network: JudgedNetwork,
    ) -> None:
        """Keep them in ``database``; ``network`` says where events may be sent to."""
        self._database = database
        self._clock = clock
        self._make_id = make_id
        self._threads = threads
        self._tokens = tokens
        self._secrets = secrets
        self._network = network

    async def create(self, wanted: EventEndpoint, act: Act, *, dry_run: bool = False) -> KeptEndpoint:
        """Create an endpoint for events from now on; a ``dry_run`` creates none.

        Raises InvalidField, EventEndpointExists, EventEndpointsFull, EventEndpointsOff.
        """
        self._secrets.require()
        await self._require_target(wanted)
        wanted = wanted._replace(endpoint_key=self._make_id())
        secret, encrypted = self._secrets.make(wanted.endpoint_key)

        def make(connection: Connection, now: Instant) -> EventEndpoint:
            endpoint = self._new(connection, wanted, now)
            if not event_endpoints.add(connection, endpoint, encrypted):
                raise EventEndpointExists(event_endpoint=endpoint.name)
            self._tell(connection, act, now, None, endpoint)
            return endpoint

        if dry_run:
            return KeptEndpoint(await self._threads.changes.submit(lambda: self._tried(self._new, wanted)))
        return await self._once(act, make, secret)

    async def update(
        self, wanted: EventEndpoint, act: Act, version: int | None, *, dry_run: bool = False
    ) -> KeptEndpoint:
        """Put another description in the place of an endpoint's, if its version is ``version``.

        A ``dry_run`` changes nothing. Raises EventEndpointNotFound, InvalidField, VersionMismatch.
        """
        await self._require_target(wanted)

        def change(_: Connection, endpoint: EventEndpoint, now: Instant) -> EventEndpoint:
            if version is not None and version != endpoint.version:
                raise VersionMismatch(stated=version, current=endpoint.version)
            del now
            stated = ("url", "description", "kinds", "account_id", "credit_type")
            return endpoint._replace(**{name: getattr(wanted, name) for name in stated})

        if dry_run:
            return KeptEndpoint(
                await self._threads.changes.submit(
                    lambda: self._tried(
                        lambda c, one, now: _changed(change, c, _found(c, one.endpoint_id), now), wanted
                    )
                )
            )
        return await self._change(wanted.endpoint_id, act, change)

    async def pause(self, endpoint_id: str, act: Act) -> KeptEndpoint:
        """Deliver nothing to an endpoint for now. Raises EventEndpointNotFound."""
        return await self._change(endpoint_id, act, lambda _, endpoint, __: endpoint._replace(paused=True))

    async def resume(self, endpoint_id: str, act: Act) -> KeptEndpoint:
        """Deliver to an endpoint again; what waits has a day from now on. Raises EventEndpointNotFound."""

        def change(_: Connection, endpoint: EventEndpoint, now: Instant) -> EventEndpoint:
            return endpoint._replace(paused=False, active_time=now if endpoint.paused else endpoint.active_time)

        return await self._change(endpoint_id, act, change)

    async def replay_after(self, endpoint_id: str, act: Act, after: int) -> KeptEndpoint:
        """Deliver all events after a position once more. Raises EventEndpointNotFound, EventsRemoved, PositionAhead."""

        def change(connection: Connection, endpoint: EventEndpoint, _: Instant) -> EventEndpoint:
            _require_kept(connection, after, endpoint.position)
            return endpoint._replace(position=after)

        return await self._change(endpoint_id, act, change)

    async def replay(self, endpoint_id: str, act: Act, positions: Collection[int]) -> KeptEndpoint:
        """Deliver the events at some positions once more. Raises as ``replay_after``."""

        def change(connection: Connection, endpoint: EventEndpoint, now: Instant) -> EventEndpoint:
            _require_kept(connection, min(positions) - 1, endpoint.position)
            _require_kept(connection, max(positions), endpoint.position)
            event_deliveries.add(connection, endpoint.endpoint_key, positions, now)
            return endpoint

        return await self._change(endpoint_id, act, change, positions=sorted(positions))

    async def rotate(self, endpoint_id: str, act: Act) -> KeptEndpoint:
        """Give an endpoint another secret, beside the present one for a while. Raises EventEndpointNotFound."""
        self._secrets.require()
        made: list[bytes] = []

        def change(connection: Connection, endpoint: EventEndpoint, now: Instant) -> EventEndpoint:
            secret, encrypted = self._secrets.make(endpoint.endpoint_key)
            event_endpoints.rotate(connection, endpoint.endpoint_key, encrypted)
            made.append(secret)
            return endpoint._replace(rotation_end=Instant(now + ROTATION))

        kept = await self._change(endpoint_id, act, change)
        return kept if kept.replayed else kept._replace(secret=secret_text(made[-1]))

    async def delete(self, endpoint_id: str, act: Act) -> KeptEndpoint:
        """Delete an endpoint; what belongs to it goes in the background. Raises EventEndpointNotFound."""

        def remove(connection: Connection, now: Instant) -> EventEndpoint:
            endpoint = _locked(connection, endpoint_id)
            event_endpoints.delete(connection, endpoint.endpoint_key, now)
            self._tell(connection, act, now, endpoint, None)
            return endpoint

        return await self._once(act, remove)

    async def get(self, endpoint_id: str) -> EventEndpoint:
        """Return an endpoint. Raises EventEndpointNotFound."""
        return await self._threads.lookups.submit(lambda: self._get(endpoint_id))

    async def page(self, asked: Asked, show: Callable[[EventEndpoint], Shown]) -> Page[Shown]:
        """Return a page of endpoints by name, each as ``show`` writes it. Raises PageTokenInvalid."""
        return await self._threads.lookups.submit(lambda: self._page(asked, show))

    async def attempts(self, endpoint_id: str, asked: Asked, show: Callable[[DeliveryAttempt], Shown]) -> Page[Shown]:
        """Return a page of attempts, newest first, each as ``show`` writes it.

        Raises EventEndpointNotFound, PageTokenInvalid.
        """
        return await self._threads.lookups.submit(lambda: self._attempts(endpoint_id, asked, show))

    async def dead_letters(self, endpoint_id: str, asked: Asked, show: Callable[[DeadLetter], Shown]) -> Page[Shown]:
        """Return a page of dead letters by position, each as ``show`` writes it.

        Raises EventEndpointNotFound, PageTokenInvalid.
        """
        return await self._threads.lookups.submit(lambda: self._dead_letters(endpoint_id, asked, show))

    async def _require_target(self, wanted: EventEndpoint) -> None:
        """Raise InvalidField for a URL that nothing may be sent to, as far as that is known now."""
        require_text("event_endpoint.description", wanted.description)
        problem = problem_of(wanted.url, allows_private=self._network.allows_private)
        if problem is None:
            try:
                with suppress(OSError, TimeoutError):
                    async with asyncio.timeout(RESOLVE_SECONDS):
                        await self._network.addresses(*host_of(wanted.url))
            except TargetRefused:
                problem = NOT_PUBLIC
        if problem is not None:
            raise InvalidField(field="event_endpoint.url", rule=problem)

    def _new(self, connection: Connection, wanted: EventEndpoint, now: Instant) -> EventEndpoint:
        known = event_endpoints.page(connection, "", MAX_ENDPOINTS)
        if any(one.endpoint_id == wanted.endpoint_id for one in known):
            raise EventEndpointExists(event_endpoint=wanted.name)
        if len(known) == MAX_ENDPOINTS:
            raise EventEndpointsFull(maximum=MAX_ENDPOINTS)
        position = published_events.positions(connection).last
        return wanted._replace(position=position, version=1, create_time=now, update_time=now, active_time=now)

    def _tried(
        self, change: Callable[[Connection, EventEndpoint, Instant], EventEndpoint], wanted: EventEndpoint
    ) -> EventEndpoint:
        with self._database.autocommit() as connection:
            return change(connection, wanted, self._clock.now())

    async def _change(self, endpoint_id: str, act: Act, change: Change, **told: Any) -> KeptEndpoint:
        def changed(connection: Connection, now: Instant) -> EventEndpoint:
            before = _locked(connection, endpoint_id)
            after = _changed(change, connection, before, now)
            event_endpoints.write(connection, after)
            self._tell(connection, act, now, before, after, **told)
            return after

        return await self._once(act, changed)

    async def _once(
        self, act: Act, do: Callable[[Connection, Instant], EventEndpoint], secret: bytes | None = None
    ) -> KeptEndpoint:
        endpoint, replayed = await self._threads.changes.submit(lambda: self._do_once(act, do))
        return KeptEndpoint(endpoint, secret_text(secret) if secret and not replayed else "", replayed)

    def _do_once(self, act: Act, do: Callable[[Connection, Instant], EventEndpoint]) -> tuple[EventEndpoint, bool]:
        now = self._clock.now()
        with self._database.transaction() as connection:
            return once(connection, act.origin, ClaimKind.EVENT_ENDPOINT, now, lambda: do(connection, now), _read)

    def _get(self, endpoint_id: str) -> EventEndpoint:
        with self._database.autocommit() as connection:
            return _found(connection, endpoint_id)

    def _page(self, asked: Asked, show: Callable[[EventEndpoint], Shown]) -> Page[Shown]:
        query = query_of("event_endpoints")
        after = self._tokens.open(query, asked.page_token) if asked.page_token else ""
        with self._database.listing() as connection:
            found = event_endpoints.page(connection, after, asked.size + 1)
        return self._tokens.page(query, found, asked.size, show, lambda endpoint: endpoint.endpoint_id)

    def _attempts(self, endpoint_id: str, asked: Asked, show: Callable[[DeliveryAttempt], Shown]) -> Page[Shown]:
        query = query_of("delivery_attempts", endpoint=endpoint_id)
        before = self._tokens.open(query, asked.page_token) if asked.page_token else ""
        with self._database.listing() as connection:
            key = _found(connection, endpoint_id).endpoint_key
            found = delivery_attempts.page(connection, key, before, asked.size + 1)
        return self._tokens.page(query, found, asked.size, show, lambda attempt: attempt.attempt_id)

    def _dead_letters(self, endpoint_id: str, asked: Asked, show: Callable[[DeadLetter], Shown]) -> Page[Shown]:
        query = query_of("dead_letters", endpoint=endpoint_id)
        after = self._tokens.open(query, asked.page_token) if asked.page_token else 0
        with self._database.listing() as connection:
            key = _found(connection, endpoint_id).endpoint_key
            found = delivery_attempts.dead_letters(connection, key, after, asked.size + 1)
        return self._tokens.page(query, found, asked.size, show, lambda letter: letter.position)

    def _tell(
        self,
        connection: Connection,
        act: Act,
        now: Instant,
        before: EventEndpoint | None,
        after: EventEndpoint | None,
        **told: Any,
    ) -> None:
        shown = before or after
        assert shown is not None  # noqa: S101 - one of the two is given.
        was, is_now = before._asdict() if before else None, after._asdict() | told if after else None
        audit.append(connection, act.done(self._make_id(), now, shown.name, before=was, after=is_now))


def _changed(change: Change, connection: Connection, before: EventEndpoint, now: Instant) -> EventEndpoint:
    return change(connection, before, now)._replace(version=before.version + 1, update_time=now)


def _require_kept(connection: Connection, after: int, last: int) -> None:
    removed = published_events.positions(connection).removed
    if after < removed:
        raise EventsRemoved(after_position=after, removed_position=removed)
    if after > last:
        raise PositionAhead(after_position=after, last_position=last)


def _locked(connection: Connection, endpoint_id: str) -> EventEndpoint:
    return _required(event_endpoints.lock(connection, endpoint_id), endpoint_id)


def _found(connection: Connection, endpoint_id: str) -> EventEndpoint:
    return _required(event_endpoints.find(connection, endpoint_id), endpoint_id)


def _required(endpoint: EventEndpoint | None, endpoint_id: str) -> EventEndpoint:
    if endpoint is None:
        raise EventEndpointNotFound(event_endpoint=event_endpoint_name(endpoint_id))
    return endpoint


def _read(fields: dict[str, Any]) -> EventEndpoint:
    return EventEndpoint(**fields | {"kinds": tuple(fields["kinds"])})
