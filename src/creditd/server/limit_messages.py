"""Limits as messages of credit.v1, and the other way round."""

from typing import Final

from credit.v1 import limits_pb2 as pb
from creditd.domain.limits import Limit

_BOUNDS: Final = {
    "least": "least_per_movement",
    "most": "most_per_movement",
    "hourly": "most_per_hour",
    "daily": "most_per_day",
}
"""The parts of a limit by which it bounds, and their fields."""


def limit_of(message: pb.Limit) -> Limit:
    """Read a limit; what is not stated bounds nothing."""
    bounds = {name: getattr(message, field) if message.HasField(field) else None for name, field in _BOUNDS.items()}
    return Limit(message.credit_type, message.spender, **bounds)


def limit_message(limit: Limit) -> pb.Limit:
    """Write a limit."""
    bounds = {field: getattr(limit, name) for name, field in _BOUNDS.items()}
    return pb.Limit(credit_type=limit.credit_type, spender=limit.spender_id, **bounds)
