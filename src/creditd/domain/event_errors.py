"""Refusals about events."""

from creditd.domain.errors import Refusal


class EventsRemoved(Refusal):
    """Events after the position are kept no more. Facts: after_position, removed_position."""

    reason = "EVENTS_REMOVED"


class PositionAhead(Refusal):
    """No event has the position yet. Facts: after_position, last_position."""

    reason = "POSITION_AHEAD"
