"""The resource names of what pages are about, by the parts of their paths: written as the service writes them."""

from collections.abc import Mapping

from creditd.domain import reservation, resource_names
from creditd.domain.controls import account_flag, approval
from creditd.domain.payments import purchase
from creditd.domain.promo import promo_code

Parts = Mapping[str, str]


def account_name(parts: Parts) -> str:
    """Return the name of an account."""
    return resource_names.account_name(parts["account_id"])


def approval_name(parts: Parts) -> str:
    """Return the name of an approval."""
    return approval.approval_name(parts["account_id"], parts["approval_id"])


def flag_name(parts: Parts) -> str:
    """Return the name of a flag of an account."""
    return account_flag.flag_name(account_flag.FlagKey(parts["account_id"], parts["flag_id"]))


def purchase_name(parts: Parts) -> str:
    """Return the name of a purchase."""
    return purchase.purchase_name(purchase.PurchaseKey(parts["account_id"], parts["purchase_id"]))


def grant_name(parts: Parts) -> str:
    """Return the name of a grant."""
    return resource_names.grant_name(parts["account_id"], parts["credit_type"], parts["grant_id"])


def reservation_name(parts: Parts) -> str:
    """Return the name of a reservation."""
    return reservation.reservation_name(parts["account_id"], parts["credit_type"], parts["reservation_id"])


def payment_event_name(parts: Parts) -> str:
    """Return the name of a payment event."""
    return resource_names.payment_event_name(parts["event_id"])


def promo_code_name(parts: Parts) -> str:
    """Return the name of a promo code."""
    return promo_code.promo_code_name(parts["code"])


def endpoint_name(parts: Parts) -> str:
    """Return the name of an event endpoint."""
    return resource_names.event_endpoint_name(parts["endpoint_id"])
