"""Event endpoints for administrators: kept, paused, replayed, and what was attempted to deliver to them."""

from collections.abc import Callable
from typing import Any, NamedTuple

from creditd.domain.audit_event import Act
from creditd.domain.errors import InvalidField, VersionMismatch
from creditd.domain.event_endpoint import MAX_ENDPOINTS, ROTATION, EventEndpoint
from creditd.domain.event_errors import (
    EventEndpointExists,
    EventEndpointNotFound,
    EventEndpointsFull,
    EventsRemoved,
    PositionAhead,
)
from creditd.domain.instant import Instant
from creditd.ledger.clock import DatabaseClock
from creditd.service.deliveries.signatures import secret_text
from creditd.service.deliveries.targets import problem_of
from creditd.service.event_secrets import EventSecrets
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage import audit, event_deliveries, event_endpoints, published_events
from creditd.storage.database import Connection, Database
from creditd.storage.event_deliveries import DeliveryAttempt
from creditd.storage.requests import ClaimKind, once

REMOVED_AT_A_TIME = 1_000
"""Of what belongs to an endpoint that is deleted, by one transaction."""

Change = Callable[[Connection, EventEndpoint, Instant], EventEndpoint]


class Kept(NamedTuple):
    """An endpoint right after an act, with its secret where that is shown; ``replayed``: it was done before."""

    endpoint: EventEndpoint
    secret: str
    replayed: bool


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
        *,
        allows_private: bool,
    ) -> None:
        """Keep them in ``database``."""
        self._database = database
        self._clock = clock
        self._make_id = make_id
        self._threads = threads
        self._tokens = tokens
        self._secrets = secrets
        self._allows_private = allows_private

    async def create(self, wanted: EventEndpoint, act: Act) -> Kept:
        """Create an endpoint for events from now on.

        Raises InvalidField, EventEndpointExists, EventEndpointsFull, EventEndpointsOff.
        """
        self._require_target(wanted.url)

        def make(connection: Connection, now: Instant) -> EventEndpoint:
            if len(event_endpoints.page(connection, "", MAX_ENDPOINTS)) == MAX_ENDPOINTS:
                raise EventEndpointsFull(maximum=MAX_ENDPOINTS)
            position = published_events.positions(connection).last
            endpoint = wanted._replace(position=position, version=1, create_time=now, update_time=now)
            if not event_endpoints.add(connection, endpoint, self._secrets.new(endpoint.endpoint_id)):
                raise EventEndpointExists(event_endpoint=endpoint.name)
            self._tell(connection, act, now, None, endpoint)
            return endpoint

        return await self._once(act, make, shows_secret=True)

    async def update(self, wanted: EventEndpoint, act: Act, version: int | None) -> Kept:
        """Put another description in the place of an endpoint's, if its version is ``version``.

        Raises EventEndpointNotFound, InvalidField, VersionMismatch.
        """
        self._require_target(wanted.url)

        def change(_: Connection, endpoint: EventEndpoint, now: Instant) -> EventEndpoint:
            if version is not None and version != endpoint.version:
                raise VersionMismatch(stated=version, current=endpoint.version)
            del now
            stated = ("url", "description", "kinds", "account_id", "credit_type")
            return endpoint._replace(**{name: getattr(wanted, name) for name in stated})

        return await self._change(wanted.endpoint_id, act, change)

    async def pause(self, endpoint_id: str, act: Act, *, paused: bool) -> Kept:
        """Deliver nothing to an endpoint for now, or deliver again. Raises EventEndpointNotFound."""
        return await self._change(endpoint_id, act, lambda _, endpoint, __: endpoint._replace(paused=paused))

    async def replay(self, endpoint_id: str, act: Act, after: int) -> Kept:
        """Deliver all events after a position once more. Raises EventEndpointNotFound, EventsRemoved, PositionAhead."""

        def change(connection: Connection, endpoint: EventEndpoint, _: Instant) -> EventEndpoint:
            removed = published_events.positions(connection).removed
            if after < removed:
                raise EventsRemoved(after_position=after, removed_position=removed)
            if after > endpoint.position:
                raise PositionAhead(after_position=after, last_position=endpoint.position)
            return endpoint._replace(position=after)

        return await self._change(endpoint_id, act, change)

    async def rotate(self, endpoint_id: str, act: Act) -> Kept:
        """Give an endpoint another secret, beside the present one for a while. Raises EventEndpointNotFound."""

        def change(connection: Connection, endpoint: EventEndpoint, now: Instant) -> EventEndpoint:
            event_endpoints.rotate(connection, endpoint_id, self._secrets.new(endpoint_id))
            return endpoint._replace(rotation_end=Instant(now + ROTATION))

        return await self._change(endpoint_id, act, change, shows_secret=True)

    async def delete(self, endpoint_id: str, act: Act) -> Kept:
        """Delete an endpoint with what belongs to it. Raises EventEndpointNotFound."""
        # What there is much of goes first, in shares; what comes in meanwhile goes with the endpoint.
        while await self._threads.changes.submit(lambda: self._clear(endpoint_id)) == REMOVED_AT_A_TIME:
            pass

        def remove(connection: Connection, now: Instant) -> EventEndpoint:
            endpoint = _locked(connection, endpoint_id)
            _empty(connection, endpoint_id, 2**31 - 1)
            event_endpoints.remove(connection, endpoint_id)
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

    def _require_target(self, url: str) -> None:
        problem = problem_of(url, allows_private=self._allows_private, allows_http=self._allows_private)
        if problem:
            raise InvalidField(field="event_endpoint.url", rule=problem)

    async def _change(self, endpoint_id: str, act: Act, change: Change, *, shows_secret: bool = False) -> Kept:
        def changed(connection: Connection, now: Instant) -> EventEndpoint:
            before = _locked(connection, endpoint_id)
            after = change(connection, before, now)._replace(version=before.version + 1, update_time=now)
            event_endpoints.write(connection, after)
            self._tell(connection, act, now, before, after)
            return after

        return await self._once(act, changed, shows_secret=shows_secret)

    async def _once(
        self, act: Act, do: Callable[[Connection, Instant], EventEndpoint], *, shows_secret: bool = False
    ) -> Kept:
        return await self._threads.changes.submit(lambda: self._do_once(act, do, shows_secret=shows_secret))

    def _do_once(self, act: Act, do: Callable[[Connection, Instant], EventEndpoint], *, shows_secret: bool) -> Kept:
        now = self._clock.now()
        with self._database.transaction() as connection:
            endpoint, replayed = once(
                connection, act.origin, ClaimKind.EVENT_ENDPOINT, now, lambda: do(connection, now), _read
            )
            secret = self._shown_secret(connection, endpoint.endpoint_id) if shows_secret else ""
        return Kept(endpoint, secret, replayed)

    def _shown_secret(self, connection: Connection, endpoint_id: str) -> str:
        """Return the secret of an endpoint; empty if it was deleted since."""
        if event_endpoints.find(connection, endpoint_id) is None:
            return ""
        return secret_text(self._secrets.read(endpoint_id, event_endpoints.secrets(connection, endpoint_id).present))

    def _clear(self, endpoint_id: str) -> int:
        with self._database.transaction() as connection:
            return _empty(connection, endpoint_id, REMOVED_AT_A_TIME)

    def _get(self, endpoint_id: str) -> EventEndpoint:
        with self._database.autocommit() as connection:
            return _required(event_endpoints.find(connection, endpoint_id), endpoint_id)

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
            _required(event_endpoints.find(connection, endpoint_id), endpoint_id)
            found = event_deliveries.attempts(connection, endpoint_id, before, asked.size + 1)
        return self._tokens.page(query, found, asked.size, show, lambda attempt: attempt.attempt_id)

    def _tell(
        self, connection: Connection, act: Act, now: Instant, before: EventEndpoint | None, after: EventEndpoint | None
    ) -> None:
        shown = before or after
        assert shown is not None  # noqa: S101 - one of the two is given.
        was, is_now = before._asdict() if before else None, after._asdict() if after else None
        audit.append(connection, act.done(self._make_id(), now, shown.name, before=was, after=is_now))


def _empty(connection: Connection, endpoint_id: str, count: int) -> int:
    removed = event_deliveries.prune_deliveries(connection, endpoint_id, 2**63 - 1, count)
    return max(removed, event_deliveries.prune_attempts(connection, endpoint_id, None, count))


def _locked(connection: Connection, endpoint_id: str) -> EventEndpoint:
    return _required(event_endpoints.lock(connection, endpoint_id), endpoint_id)


def _required(endpoint: EventEndpoint | None, endpoint_id: str) -> EventEndpoint:
    if endpoint is None:
        raise EventEndpointNotFound(event_endpoint=f"eventEndpoints/{endpoint_id}")
    return endpoint


def _read(fields: dict[str, Any]) -> EventEndpoint:
    return EventEndpoint(**fields | {"kinds": tuple(fields["kinds"])})
