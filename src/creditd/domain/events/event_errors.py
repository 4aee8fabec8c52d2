"""Refusals about events."""

from creditd.domain.errors import Refusal


class EventsRemoved(Refusal):
    """Events after the position are kept no more. Facts: after_position, removed_position."""

    reason = "EVENTS_REMOVED"


class PositionAhead(Refusal):
    """No event has the position yet. Facts: after_position, last_position."""

    reason = "POSITION_AHEAD"


class EventEndpointNotFound(Refusal):
    """There is no such endpoint. Facts: event_endpoint."""

    reason = "EVENT_ENDPOINT_NOT_FOUND"


class EventEndpointExists(Refusal):
    """The endpoint exists already. Facts: event_endpoint."""

    reason = "EVENT_ENDPOINT_EXISTS"


class EventEndpointsFull(Refusal):
    """There are as many endpoints as may be. Facts: maximum."""

    reason = "EVENT_ENDPOINTS_FULL"


class EventEndpointsOff(Refusal):
    """No key is configured to keep their secrets with."""

    reason = "EVENT_ENDPOINTS_OFF"
