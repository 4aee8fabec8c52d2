"""What the providers' JSON documents have in common, and the lists that they come in."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from creditd.domain.instant import Instant
from creditd.domain.payments.purchase import PurchaseKey
from creditd.payments.card_numbers import scrubbed_text
from creditd.payments.provider import ReportMismatch

MAX_AMOUNT: Final = 2**63 - 1
"""The largest amount that the database holds."""

PAGE_SIZE: Final = 100
"""The largest page of each provider's lists: https://docs.stripe.com/api/pagination, https://docs.omise.co/lists-api,
https://docs.lemonsqueezy.com/api/getting-started/requests."""

MAX_PAGES: Final = 1_000
"""The most pages of one list: a hundred thousand objects. A longer list is an error of the provider."""

UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

ACCOUNT_ID: Final = re.compile(r"[A-Za-z0-9._:@+-]{1,128}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a JSON object; an empty one for anything else, since PHP writes an empty object as a list."""
    return value if isinstance(value, dict) else {}


def account_id_in(labels: Any) -> str | None:
    """Return the account named in metadata or custom data; None if there is no valid account id."""
    account_id = mapping(labels).get("account_id")
    return account_id if isinstance(account_id, str) and ACCOUNT_ID.fullmatch(account_id) else None


def purchase_in(labels: Any) -> PurchaseKey | None:
    """Return the purchase named in metadata or custom data; None if there is no valid purchase name."""
    account_id, purchase_id = account_id_in(labels), mapping(labels).get("purchase_id")
    if account_id is None or not isinstance(purchase_id, str) or not UUID.fullmatch(purchase_id):
        return None
    return PurchaseKey(account_id, purchase_id)


def amount_in(document: Mapping[str, Any], name: str) -> int:
    """Return an amount in the smallest unit, from 0 to MAX_AMOUNT. Raises ReportMismatch."""
    amount = document.get(name)
    if type(amount) is not int or not 0 <= amount <= MAX_AMOUNT:
        raise ReportMismatch(f"{name} is no amount")
    return amount


def text_of(value: Any, max_characters: int) -> str:
    """Return a text that can be stored, cut to a length; empty for anything that is no text.

    Card numbers are masked, and NUL, which PostgreSQL cannot store, is replaced.
    """
    return scrubbed_text(value).replace("\x00", "?")[:max_characters] if isinstance(value, str) else ""


def instant_in(document: Mapping[str, Any], name: str) -> Instant | None:
    """Parse a time in ISO 8601, to the microsecond; return None if there is none. Raises ReportMismatch."""
    text = document.get(name)
    if text is None:
        return None
    try:
        return Instant((datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1))
    except (TypeError, ValueError) as error:
        raise ReportMismatch(f"{name} is no time") from error
