"""Promo claims: one use of a code, taken from the code first, and then given to the account."""

from enum import Enum
from typing import Final, NamedTuple

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.purchase import Purchase, PurchaseState

FIRST_PAUSE: Final = 30 * SECOND
"""Before a worker looks at a claim for the first time: the call that has made it has ended by then, or its server."""

LONGEST_PAUSE: Final = 3_600 * SECOND
"""Between two looks: what goes with a purchase is given back within the hour."""

UNASKED_AGE: Final = 86_400 * SECOND
"""How long a purchase can be paid whose provider states no time, and how long its provider may still be asked."""

LATE_PAYMENT: Final = 3_600 * SECOND
"""A payment that was begun in time may be told of a little later."""


class ClaimKey(NamedTuple):
    """Which claim: the code, the account, and which of its uses it is, counted from 1."""

    code: str
    account_id: str
    ordinal: int


class PromoClaim(NamedTuple):
    """A use of a code that was taken. ``value`` is what it gives: credits, or money off a price.

    ``grant_id`` names the grant of bonus credits, ``purchase_id`` the purchase that it goes with; empty for none.
    Who claimed it, and by which request, is kept so that others can finish it. ``next_try_time`` is when it is looked
    at again; None once it is finished.
    """

    code: str
    account_id: str
    ordinal: int
    request_id: str
    fingerprint: int
    actor: str
    value: int
    credit_type: str
    grant_id: str
    grant_expire_time: Instant | None
    purchase_id: str
    claim_time: Instant
    tries: int
    next_try_time: Instant | None

    @property
    def key(self) -> ClaimKey:
        """Its key."""
        return ClaimKey(self.code, self.account_id, self.ordinal)


class ClaimFate(Enum):
    """What becomes of the claim of a purchase."""

    FINISHED = "the purchase was paid"
    WAITING = "it may still be paid"
    GIVEN_BACK = "it will not be paid any more"


def fate_of(purchase: Purchase, now: Instant, *, is_paid: bool) -> ClaimFate:
    """Return what becomes of a purchase's claim; ``is_paid`` tells whether a payment is known, credited or not."""
    if purchase.granted:
        return ClaimFate.FINISHED
    if is_paid:
        # Its credits are due: the account is closed.
        return ClaimFate.WAITING
    if purchase.state == PurchaseState.EXPIRED:
        return ClaimFate.GIVEN_BACK
    if purchase.state == PurchaseState.FAILED and not purchase.reference:
        # The provider has refused to begin.
        return ClaimFate.GIVEN_BACK
    end = purchase.payment_expire_time
    if end is None:
        end = Instant(purchase.create_time + UNASKED_AGE)
    return ClaimFate.WAITING if now < end + LATE_PAYMENT else ClaimFate.GIVEN_BACK


def pause_after(tries: int) -> int:
    """Return the pause before the next look, in microseconds."""
    return min(LONGEST_PAUSE, FIRST_PAUSE << min(tries, 10))
