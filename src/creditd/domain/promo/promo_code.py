"""Promo codes: what they give, to whom, how often and when (requirements F1 and F2)."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from creditd.domain.errors import InvalidField
from creditd.domain.instant import Instant, instant_text
from creditd.domain.payments.package import Package
from creditd.domain.promo.promo_errors import PromoExhausted, PromoExpired, PromoNotApplicable

MAX_TOTAL_LIMIT: Final = 1_000_000
"""Uses of one code: with MAX_VALUE for each, what it has given stays within an int64."""

MAX_VALUE: Final = 1_000_000_000_000
"""Credits, or the smallest unit of money, that one use gives; as much as a package may have."""

MAX_ACCOUNT_LIMIT: Final = 100
"""Uses of one code by one account: each is looked for by its number."""

MAX_BONUS_PERCENT: Final = 100
"""A bonus doubles a package at most, so that MAX_VALUE holds for it too."""

MAX_DISCOUNT_PERCENT: Final = 99
"""Providers take no payment of nothing."""

MAX_CODES: Final = 10_000
"""Random codes of one call: their rows are written within a second, and the answer has a quarter of a megabyte."""


class PromoKind(IntEnum):
    """What a code gives. The numbers are those of the proto and of the rows."""

    BONUS_CREDITS = 1
    PERCENT_BONUS = 2
    PERCENT_DISCOUNT = 3


class PromoCodeState(IntEnum):
    """Where a code stands (AIP-216). The numbers are those of the proto."""

    SCHEDULED = 1
    ACTIVE = 2
    EXHAUSTED = 3
    EXPIRED = 4
    ENDED = 5


class PromoProblem(IntEnum):
    """Why a code does not fit; the names go over the wire."""

    NOT_YET = 1
    NEEDS_PURCHASE = 2
    NOT_FOR_PURCHASES = 3
    CREDIT_TYPE = 4
    CURRENCY = 5
    MINIMUM = 6
    FIRST_PURCHASE_ONLY = 7
    TOO_SMALL = 8
    PRICE_NOT_TAKEN = 9


class PromoTerms(NamedTuple):
    """What a code gives, and by which rules.

    ``credits`` are given by BONUS_CREDITS, and live for ``credits_lifetime`` microseconds (None: for good). ``percent``
    is that of a bonus or discount, of which one use gives ``most_per_use`` at most (0: any). ``credit_type`` is what is
    given or what a package has to be of, ``currency`` that of the price; empty where it does not matter. A price below
    ``minimum_amount`` does not count. The code is good from ``start_time`` until before ``expire_time``; None: always.
    """

    kind: PromoKind
    credit_type: str
    credits: int
    credits_lifetime: int | None
    percent: int
    most_per_use: int
    currency: str
    minimum_amount: int
    first_purchase_only: bool
    start_time: Instant | None
    expire_time: Instant | None
    total_limit: int
    account_limit: int

    @property
    def most_cost(self) -> int | None:
        """The most that all uses together give: credits, or money by a discount. None if nothing bounds it."""
        of_one = self.credits if self.kind is PromoKind.BONUS_CREDITS else self.most_per_use
        return of_one * self.total_limit if of_one else None


class PromoCode(NamedTuple):
    """A code. ``code`` is what it is known by, ``display_code`` as it is shown.

    ``used`` counts uses, those included that are not finished, and ``given`` what they have given. ``series_id`` is of
    those that one call has made. ``end_time`` is when staff has ended it, else None.
    """

    code: str
    display_code: str
    series_id: str
    terms: PromoTerms
    used: int
    given: int
    create_time: Instant
    end_time: Instant | None = None

    @property
    def name(self) -> str:
        """Its resource name."""
        return promo_code_name(self.code)

    def state_at(self, now: Instant) -> PromoCodeState:
        """Return where it stands at an instant."""
        terms = self.terms
        if self.end_time is not None:
            return PromoCodeState.ENDED
        if terms.expire_time is not None and now >= terms.expire_time:
            return PromoCodeState.EXPIRED
        if self.used >= terms.total_limit:
            return PromoCodeState.EXHAUSTED
        if terms.start_time is not None and now < terms.start_time:
            return PromoCodeState.SCHEDULED
        return PromoCodeState.ACTIVE

    def require_usable(self, now: Instant) -> None:
        """Raise PromoExpired, PromoExhausted, or PromoNotApplicable for a code whose time has not come."""
        state, terms = self.state_at(now), self.terms
        over = self.end_time if self.end_time is not None else terms.expire_time
        if state in {PromoCodeState.ENDED, PromoCodeState.EXPIRED} and over is not None:
            raise PromoExpired(promo_code=self.name, end_time=instant_text(over))
        if state is PromoCodeState.EXHAUSTED:
            raise PromoExhausted(promo_code=self.name, limit=terms.total_limit)
        if state is PromoCodeState.SCHEDULED:
            raise self.not_applicable(PromoProblem.NOT_YET)

    def credits_given(self) -> int:
        """Return how many credits it gives by itself. Raises PromoNotApplicable if it goes with a purchase."""
        if self.terms.kind is not PromoKind.BONUS_CREDITS:
            raise self.not_applicable(PromoProblem.NEEDS_PURCHASE)
        return self.terms.credits

    def value_for(self, package: Package) -> int:
        """Return what it gives with a package: credits on top of it, or money off its price; rounded down.

        Raises PromoNotApplicable.
        """
        terms = self.terms
        if terms.kind is PromoKind.BONUS_CREDITS:
            raise self.not_applicable(PromoProblem.NOT_FOR_PURCHASES)
        if terms.credit_type not in {"", package.credit_type}:
            raise self.not_applicable(PromoProblem.CREDIT_TYPE)
        if terms.currency not in {"", package.currency}:
            raise self.not_applicable(PromoProblem.CURRENCY)
        if package.amount < terms.minimum_amount:
            raise self.not_applicable(PromoProblem.MINIMUM)
        whole = package.credits if terms.kind is PromoKind.PERCENT_BONUS else package.amount
        value = whole * terms.percent // 100
        if terms.most_per_use:
            value = min(value, terms.most_per_use)
        if not value:
            raise self.not_applicable(PromoProblem.TOO_SMALL)
        return value

    def not_applicable(self, problem: PromoProblem) -> PromoNotApplicable:
        """Return the refusal for a problem."""
        return PromoNotApplicable(promo_code=self.name, problem=problem.name)


def promo_code_name(code: str) -> str:
    """Write a promo code's resource name."""
    return f"promoCodes/{code}"


_NEEDED: Final[Mapping[PromoKind, frozenset[str]]] = {
    PromoKind.BONUS_CREDITS: frozenset({"credit_type", "credits"}),
    PromoKind.PERCENT_BONUS: frozenset({"credit_type", "percent"}),
    PromoKind.PERCENT_DISCOUNT: frozenset({"currency", "percent"}),
}
"""What each kind has to state. What a code gives is counted in one unit, so a discount is of one currency."""

_OF_PURCHASES: Final = frozenset({"most_per_use", "minimum_amount", "currency", "first_purchase_only"})

_ALLOWED: Final[Mapping[PromoKind, frozenset[str]]] = {
    PromoKind.BONUS_CREDITS: frozenset({"credits_lifetime"}),
    PromoKind.PERCENT_BONUS: _OF_PURCHASES,
    PromoKind.PERCENT_DISCOUNT: _OF_PURCHASES | {"credit_type"},
}


def require_terms(terms: PromoTerms, now: Instant) -> None:
    """Raise InvalidField for terms that do not fit together; the proto's rules hold for each field by itself."""
    for field in sorted(frozenset().union(*_NEEDED.values(), *_ALLOWED.values())):
        is_stated = bool(getattr(terms, field))
        if is_stated and field not in _NEEDED[terms.kind] | _ALLOWED[terms.kind]:
            raise InvalidField(field=f"terms.{field}", rule=f"not for {terms.kind.name}")
        if not is_stated and field in _NEEDED[terms.kind]:
            raise InvalidField(field=f"terms.{field}", rule=f"required for {terms.kind.name}")
    most = MAX_DISCOUNT_PERCENT if terms.kind is PromoKind.PERCENT_DISCOUNT else MAX_BONUS_PERCENT
    if terms.percent > most:
        raise InvalidField(field="terms.percent", rule=f"at most {most} for {terms.kind.name}")
    if terms.minimum_amount and not terms.currency:
        raise InvalidField(field="terms.currency", rule="required with minimum_amount")
    if terms.account_limit > terms.total_limit:
        raise InvalidField(field="terms.account_limit", rule="at most total_limit")
    if terms.expire_time is not None and terms.expire_time <= max(now, terms.start_time or now):
        raise InvalidField(field="terms.expire_time", rule="after now, and after start_time")
