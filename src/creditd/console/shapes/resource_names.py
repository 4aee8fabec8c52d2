"""The resource names of what pages are about, by the parts of their paths."""

from collections.abc import Mapping

Parts = Mapping[str, str]


def account_name(parts: Parts) -> str:
    """Return the name of an account."""
    return f"accounts/{parts['account_id']}"


def approval_name(parts: Parts) -> str:
    """Return the name of an approval."""
    return f"{account_name(parts)}/approvals/{parts['approval_id']}"


def flag_name(parts: Parts) -> str:
    """Return the name of a flag of an account."""
    return f"{account_name(parts)}/flags/{parts['flag_id']}"


def purchase_name(parts: Parts) -> str:
    """Return the name of a purchase."""
    return f"{account_name(parts)}/purchases/{parts['purchase_id']}"


def grant_name(parts: Parts) -> str:
    """Return the name of a grant."""
    return f"{account_name(parts)}/wallets/{parts['credit_type']}/grants/{parts['grant_id']}"


def reservation_name(parts: Parts) -> str:
    """Return the name of a reservation."""
    return f"{account_name(parts)}/wallets/{parts['credit_type']}/reservations/{parts['reservation_id']}"


def payment_event_name(parts: Parts) -> str:
    """Return the name of a payment event."""
    return f"paymentEvents/{parts['event_id']}"


def promo_code_name(parts: Parts) -> str:
    """Return the name of a promo code."""
    return f"promoCodes/{parts['code']}"


def endpoint_name(parts: Parts) -> str:
    """Return the name of an event endpoint."""
    return f"eventEndpoints/{parts['endpoint_id']}"
