"""EventService: a stream of published events."""

import time
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Final

from credit.v1 import event_pb2
from credit.v1 import event_service_pb2 as pb
from creditd.domain.events.outbox import OutboxKind
from creditd.domain.instant import Instant
from creditd.domain.resource_names import event_name
from creditd.ledger.work import Overloaded
from creditd.server.authorization.policy import READ_EVENTS, SERVICE
from creditd.server.credit_messages import timestamp
from creditd.server.refusals import TooManyAtOnce
from creditd.service.call import Call
from creditd.service.events.event_feed import EventFeed
from creditd.storage.events.published_events import PublishedEvent, PublishedFilter

MAX_SUBSCRIBERS: Final = 200
"""Streams of one server: each holds a page of events, and reads by itself while it is behind."""

SUBSCRIBERS_OF_A_CALLER: Final = 20
"""Opened by one service, with as many processes, or by one member of staff."""

SUBSCRIBERS_OF_OWNERS: Final = MAX_SUBSCRIBERS // 2
"""Opened by owners of accounts, all together. Anybody may have accounts: services and staff have the other half."""

SUBSCRIBERS_OF_AN_OWNER: Final = 5
"""Opened by one owner: one stream tells of the whole account, and there are a few devices or windows."""

HEARTBEAT_SECONDS: Final = 15
"""Between signs of life, unless the caller states another time: often enough for what cuts off idle connections."""

NOT_FOR_OWNERS: Final = frozenset({OutboxKind.ACCOUNT_FLAGGED, OutboxKind.RECONCILED})
"""What staff see of an account, and its owner in no other answer: which rule has caught it, how a payment was found."""


class EventHandlers:
    """Streams events, to each subscriber as fast as it takes them."""

    def __init__(self, feed: EventFeed) -> None:
        """Read from ``feed``."""
        self._feed = feed
        self._callers: Counter[str] = Counter()
        self._of_owners = 0

    async def subscribe_events(
        self, request: pb.SubscribeEventsRequest, call: Call
    ) -> AsyncGenerator[pb.SubscribeEventsResponse]:
        """Answer SubscribeEvents."""
        is_owner = _is_owner(call)
        self._require_place(call, is_owner=is_owner)
        self._callers[call.subject] += 1
        self._of_owners += is_owner
        try:
            wanted = PublishedFilter(request.account_id, tuple(map(OutboxKind, request.types)), request.credit_type)
            position = await self._feed.begin(request.after_position if request.HasField("after_position") else None)
            silence = request.heartbeat_seconds or HEARTBEAT_SECONDS
            hidden = NOT_FOR_OWNERS if is_owner else frozenset()
            is_silent_at = 0.0
            while True:
                if time.monotonic() >= is_silent_at:
                    # Events of others do not keep a stream alive that none of them is for.
                    yield pb.SubscribeEventsResponse(position=position)
                    is_silent_at = time.monotonic() + silence
                if not await self._feed.moved_from(position, is_silent_at - time.monotonic()):
                    continue
                look = await self._feed.next(wanted, position)
                events = [event for event in look.events if event.kind not in hidden]
                for event in events:
                    yield pb.SubscribeEventsResponse(position=event.position, event=event_message(event))
                position = look.position
                if events:
                    is_silent_at = time.monotonic() + silence
        finally:
            self._of_owners -= is_owner
            self._callers[call.subject] -= 1
            if not self._callers[call.subject]:
                del self._callers[call.subject]

    def _require_place(self, call: Call, *, is_owner: bool) -> None:
        """Raise TooManyAtOnce, which is the caller's to mend, before Overloaded, which is not."""
        of_caller = SUBSCRIBERS_OF_AN_OWNER if is_owner else SUBSCRIBERS_OF_A_CALLER
        if self._callers[call.subject] >= of_caller:
            raise TooManyAtOnce(what="subscriptions of the caller", maximum=of_caller)
        if self._callers.total() >= MAX_SUBSCRIBERS or (is_owner and self._of_owners >= SUBSCRIBERS_OF_OWNERS):
            raise Overloaded


def _is_owner(call: Call) -> bool:
    """Tell whether an account is open to a caller only because it is the caller's own."""
    is_service = SERVICE in call.roles and not READ_EVENTS.scopes.isdisjoint(call.scopes)
    return not is_service and READ_EVENTS.roles.isdisjoint(call.roles)


def event_message(event: PublishedEvent) -> event_pb2.Event:
    """Write an event."""
    return event_pb2.Event(
        name=event_name(event.account_id, event.event_id),
        position=event.position,
        type=event.kind,  # type: ignore[arg-type]
        schema_version=event.schema_version,
        account_id=event.account_id,
        credit_type=event.credit_type,
        create_time=timestamp(Instant(event.create_time)),
        data=event.payload,
    )
