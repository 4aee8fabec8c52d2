"""Purchases: orders for credits, and their states."""

import re
from enum import IntEnum
from typing import Final, NamedTuple

from creditd.domain.instant import Instant
from creditd.domain.payments.provider import Provider


class PurchaseState(IntEnum):
    """The state of a purchase. The numbers are those of the proto and of the rows."""

    PENDING = 1
    COMPLETED = 2
    FAILED = 3
    EXPIRED = 4
    CANCELLED = 5
    PARTIALLY_REFUNDED = 6
    REFUNDED = 7


STILL_OPEN: Final = frozenset({PurchaseState.PENDING, PurchaseState.FAILED})
"""States in which a payment is still possible: some providers let a payer try again after a failure."""

PAYABLE: Final = STILL_OPEN | {PurchaseState.CANCELLED}
"""States in which the provider is still polled: not every provider can be kept from taking a payment."""


class PurchaseKey(NamedTuple):
    """The key of a purchase."""

    account_id: str
    purchase_id: str


class Purchase(NamedTuple):
    """An order for credits, and its state. Amounts of money are in the currency's smallest unit.

    ``reference`` is the provider's id of the checkout, ``payment_id`` that of the payment; empty while there is none.
    ``extra_payment_ids`` are those of further payments, which bring no credits; ``extra_left`` is how much of them has
    yet to be refunded.

    With a promo code, ``amount`` is what is asked for, ``promo_discount`` less than the package's price, and
    ``promo_bonus`` is part of ``bonus``. With ``promo_given_back`` the code has its use back, and the bonus is gone.
    """

    account_id: str
    purchase_id: str
    version: int
    request_id: str
    fingerprint: int
    provider: Provider
    live: bool
    method: int
    return_url: str
    package_id: str
    display_name: str
    amount: int
    currency: str
    credit_type: str
    credits: int
    bonus: int
    state: PurchaseState
    reference: str
    redirect_url: str
    qr_image_url: str
    payment_expire_time: Instant | None
    payment_id: str
    granted: int
    reversed: int
    grant_ids: tuple[str, ...]
    paid: int
    refunded: int
    disputed: int
    open_disputes: int
    failure_code: str
    failure_message: str
    ask_end_time: Instant | None
    polls: int
    next_poll_time: Instant | None
    create_time: Instant
    update_time: Instant
    extra_payment_ids: tuple[str, ...] = ()
    extra_left: int = 0
    promo_code: str = ""
    promo_discount: int = 0
    promo_bonus: int = 0
    promo_given_back: bool = False

    @property
    def key(self) -> PurchaseKey:
        """Its key."""
        return PurchaseKey(self.account_id, self.purchase_id)

    @property
    def name(self) -> str:
        """Its resource name."""
        return purchase_name(self.key)


PURCHASE_NAME: Final = re.compile(
    r"accounts/([A-Za-z0-9._:@+-]{1,128})/purchases/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)


def purchase_name(key: PurchaseKey) -> str:
    """Return a purchase's resource name."""
    return f"accounts/{key.account_id}/purchases/{key.purchase_id}"


def parse_purchase_name(name: str) -> PurchaseKey:
    """Parse a purchase's resource name. Raises ValueError."""
    match = PURCHASE_NAME.fullmatch(name)
    if match is None:
        raise ValueError(name)
    return PurchaseKey(*match.groups())


class PurchaseChange(NamedTuple):
    """A purchase after one change, with the cause of the change."""

    version: int
    state: PurchaseState
    granted: int
    reversed: int
    refunded: int
    disputed: int
    failure_code: str
    actor: str
    reason: str
    create_time: Instant
