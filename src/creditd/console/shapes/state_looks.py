"""How states look: a tint and an icon, by the key of their word. What is as it should be is quiet."""

from collections.abc import Mapping
from typing import Final

_OTHER: Final = ("", "info")

_LOOKS: Final[Mapping[str, tuple[str, str]]] = {
    "account_status.active": ("quiet", "check"),
    "account_status.suspended": ("t-bad", "ban"),
    "account_status.closed": ("", "lock"),
    "plan_kind.unlimited": ("t-info", "clock"),
    "payment_event_state.pending": ("t-info", "clock"),
    "payment_event_state.waiting": ("t-info", "clock"),
    "payment_event_state.applied": ("t-ok", "check"),
    "payment_event_state.not_of_interest": ("", "dot"),
    "payment_event_state.parked": ("t-bad", "stop"),
    "payment_event_state.dismissed": ("", "x"),
    "purchase_state.pending": ("t-info", "clock"),
    "purchase_state.completed": ("t-ok", "check"),
    "purchase_state.failed": ("t-bad", "x"),
    "purchase_state.expired": ("", "clock"),
    "purchase_state.cancelled": ("", "x"),
    "purchase_state.partially_refunded": ("t-warn", "back"),
    "purchase_state.refunded": ("", "back"),
    "approval_state.pending": ("t-warn", "clock"),
    "approval_state.approved": ("t-ok", "check"),
    "approval_state.rejected": ("t-bad", "x"),
    "approval_state.expired": ("", "clock"),
    "approval_state.cancelled": ("", "x"),
    "promo_code_state.scheduled": ("t-info", "clock"),
    "promo_code_state.active": ("quiet", "check"),
    "promo_code_state.exhausted": ("", "half"),
    "promo_code_state.expired": ("", "clock"),
    "promo_code_state.ended": ("", "x"),
    "reservation_state.pending": ("t-info", "clock"),
    "reservation_state.confirmed": ("quiet", "check"),
    "reservation_state.refunded": ("", "back"),
    "reservation_state.expired": ("", "expire"),
    "audit_outcome.done": ("quiet", "check"),
    "audit_outcome.refused": ("t-bad", "ban"),
    "subscription_status.active": ("quiet", "check"),
    "subscription_status.past_due": ("t-warn", "alert"),
    "subscription_status.unpaid": ("t-bad", "alert"),
}


def look_of(word: str) -> tuple[str, str]:
    """Return the tint, or ``quiet``, and the icon of a state, by the key of its word."""
    return _LOOKS.get(word, _OTHER)
