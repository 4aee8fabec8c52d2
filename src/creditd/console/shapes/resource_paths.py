"""Where the page of a resource is, by its resource name."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from creditd.console.shapes.resource_names import Parts
from creditd.console.visit import Visit

_PATHS: Final = tuple(
    (re.compile(name), path, permission)
    for name, path, permission in (
        (r"accounts/([^/]+)", "/accounts/{}", ""),
        (r"accounts/([^/]+)/purchases/([^/]+)", "/accounts/{}/purchases/{}", ""),
        (r"accounts/([^/]+)/approvals/([^/]+)", "/accounts/{}/approvals/{}", "approvals.read"),
        (r"accounts/([^/]+)/wallets/([^/]+)/entries/([^/]+)", "/accounts/{}/wallets/{}/entries/{}", ""),
        (r"accounts/([^/]+)/wallets/([^/]+)/grants/([^/]+)", "/accounts/{}/wallets/{}/grants/{}", ""),
        (r"accounts/([^/]+)/wallets/([^/]+)/reservations/([^/]+)", "/accounts/{}/wallets/{}/reservations/{}", ""),
        (r"paymentEvents/([^/]+)", "/payment-events/{}", "finances.read"),
        (r"promoCodes/([^/]+)", "/promo-codes/{}", "promo_codes.change"),
        (r"eventEndpoints/([^/]+)", "/event-endpoints/{}", "event_endpoints.run"),
    )
)
"""By what resource names look like: the path, and the permission that its page needs; none for what all staff read."""


def resource_path(visit: Visit, name: str) -> str:
    """Return the path of the page of a resource; empty if it has none, or none for whoever asks."""
    for pattern, path, permission in _PATHS:
        if matched := pattern.fullmatch(name):
            is_open = not permission or visit.may(permission)
            return visit.path(path.format(*(quote(part, safe="") for part in matched.groups()))) if is_open else ""
    return ""


def page_of(name: Callable[[Parts], str]) -> Callable[[Visit], str]:
    """Return what leads from an act to the page of what it is done to: ``name`` tells that by the parts of the path."""
    return lambda visit: resource_path(visit, name(visit.parts))
