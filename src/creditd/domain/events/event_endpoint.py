"""Event endpoints: addresses that events are delivered to, signed."""

from typing import Final, NamedTuple

from creditd.domain.instant import SECOND, Instant
from creditd.domain.resource_names import event_endpoint_name

MAX_ENDPOINTS: Final = 50
"""In all: every server looks at each of them, in one statement, twice a second."""

ROTATION: Final = 24 * 3_600 * SECOND
"""How long events are signed with the former secret too, so that receivers change theirs when they can."""


class EventEndpoint(NamedTuple):
    """An address that events are delivered to, and how far its deliveries have come.

    ``endpoint_key`` tells it from one of the same name that was deleted. ``kinds``, ``account_id`` and ``credit_type``
    filter events; what is empty lets all pass. Events up to ``position`` have been taken over for delivery.
    ``active_time`` is since when it has not been paused, and ``rotation_end`` until when events are signed with the
    former secret too.
    """

    endpoint_key: str
    endpoint_id: str
    url: str
    description: str
    kinds: tuple[int, ...]
    account_id: str
    credit_type: str
    paused: bool
    position: int
    version: int
    create_time: Instant
    update_time: Instant
    active_time: Instant
    rotation_end: Instant | None = None

    @property
    def name(self) -> str:
        """The resource name."""
        return event_endpoint_name(self.endpoint_id)
