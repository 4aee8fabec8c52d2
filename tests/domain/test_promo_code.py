"""The rules of promo codes: when, how often and for what (F1)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditd.domain.errors import InvalidField, Refusal
from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.package import Package
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.purchase import Purchase, PurchaseState
from creditd.domain.promo.promo_claim import ClaimFate, fate_of, pause_after
from creditd.domain.promo.promo_code import (
    MAX_TOTAL_LIMIT,
    MAX_VALUE,
    PromoCode,
    PromoCodeState,
    PromoKind,
    PromoTerms,
    require_terms,
)

pytestmark = pytest.mark.requirement("F1")

NOW = Instant(10**15)
LATER = Instant(NOW + 3_600 * SECOND)
PACKAGE = Package("small", "Small", 1_000, "THB", "chat", 90, 10, NOW)

TERMS = PromoTerms(
    PromoKind.BONUS_CREDITS,
    credit_type="chat",
    credits=50,
    credits_lifetime=None,
    percent=0,
    most_per_use=0,
    currency="",
    minimum_amount=0,
    first_purchase_only=False,
    start_time=None,
    expire_time=None,
    total_limit=10,
    account_limit=1,
)
BONUS = TERMS._replace(kind=PromoKind.PERCENT_BONUS, credits=0, percent=15)
DISCOUNT = TERMS._replace(kind=PromoKind.PERCENT_DISCOUNT, credits=0, percent=15, credit_type="", currency="THB")


def code_of(terms: PromoTerms, **fields: Any) -> PromoCode:
    """Return a code with these terms."""
    return PromoCode("summer", "Summer", "", terms, 0, 0, NOW)._replace(**fields)


def problem(call: Any, *args: Any) -> str:
    """Return the reason of a refusal, and its problem if it has one."""
    with pytest.raises(Refusal) as caught:
        call(*args)
    return f"{caught.value.reason} {caught.value.facts.get('problem', '')}".strip()


def test_it_is_good_from_its_start_until_before_its_end_while_there_are_uses() -> None:
    code = code_of(TERMS._replace(start_time=NOW, expire_time=LATER))
    states = {
        Instant(NOW - 1): PromoCodeState.SCHEDULED,
        NOW: PromoCodeState.ACTIVE,
        Instant(LATER - 1): PromoCodeState.ACTIVE,
        LATER: PromoCodeState.EXPIRED,
    }
    assert {now: code.state_at(now) for now in states} == states
    code.require_usable(NOW)
    assert problem(code.require_usable, Instant(NOW - 1)) == "PROMO_NOT_APPLICABLE NOT_YET"
    assert problem(code.require_usable, LATER) == "PROMO_EXPIRED"
    assert problem(code._replace(used=10).require_usable, NOW) == "PROMO_EXHAUSTED"
    assert problem(code._replace(end_time=NOW).require_usable, NOW) == "PROMO_EXPIRED"
    # Who comes too late is told so, whether or not there were uses left.
    assert problem(code._replace(used=10).require_usable, LATER) == "PROMO_EXPIRED"


def test_credits_go_without_a_purchase_and_percentages_with_one() -> None:
    assert code_of(TERMS).credits_given() == 50
    assert problem(code_of(BONUS).credits_given) == "PROMO_NOT_APPLICABLE NEEDS_PURCHASE"
    assert problem(code_of(TERMS).value_for, PACKAGE) == "PROMO_NOT_APPLICABLE NOT_FOR_PURCHASES"
    # 15 % of 90 credits are 13.5, of 10.00 baht 1.50.
    assert code_of(BONUS).value_for(PACKAGE) == 13
    assert code_of(DISCOUNT).value_for(PACKAGE) == 150


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        (BONUS._replace(credit_type="quiz_gen"), "CREDIT_TYPE"),
        (DISCOUNT._replace(credit_type="quiz_gen"), "CREDIT_TYPE"),
        (DISCOUNT._replace(currency="VND"), "CURRENCY"),
        (DISCOUNT._replace(minimum_amount=1_001), "MINIMUM"),
        (BONUS._replace(percent=1), "TOO_SMALL"),
    ],
)
def test_what_does_not_fit_a_package_is_refused_and_why(terms: PromoTerms, why: str) -> None:
    assert problem(code_of(terms).value_for, PACKAGE) == f"PROMO_NOT_APPLICABLE {why}"


def test_the_least_price_is_enough() -> None:
    assert code_of(DISCOUNT._replace(minimum_amount=1_000)).value_for(PACKAGE) == 150


@settings(deadline=None)
@given(
    st.sampled_from([BONUS, DISCOUNT]),
    st.integers(1, 99),
    st.integers(0, 500),
    st.integers(1, 10**12),
    st.integers(1, 10**12),
)
def test_a_percentage_is_rounded_down_capped_and_leaves_a_price(
    terms: PromoTerms, percent: int, most: int, amount: int, sold: int
) -> None:
    code = code_of(terms._replace(percent=percent, most_per_use=most))
    whole = sold if terms is BONUS else amount
    try:
        value = code.value_for(PACKAGE._replace(amount=amount, credits=sold))
    except Refusal:
        assert whole * percent < 100
        return
    assert 0 < value <= (most or MAX_VALUE)
    assert value == most or 100 * value <= whole * percent < 100 * (value + 1)
    assert value < amount or terms is BONUS


@settings(deadline=None)
@given(st.integers(1, MAX_VALUE), st.integers(1, MAX_TOTAL_LIMIT))
def test_the_most_it_can_cost_fits_and_is_what_its_uses_come_to(credits: int, limit: int) -> None:
    cost = TERMS._replace(credits=credits, total_limit=limit).most_cost
    assert cost == credits * limit <= 2**63 - 1
    assert BONUS.most_cost is None
    assert DISCOUNT._replace(most_per_use=7, total_limit=limit).most_cost == 7 * limit


@pytest.mark.parametrize("terms", [TERMS, BONUS, DISCOUNT, BONUS._replace(currency="THB", minimum_amount=5)])
def test_terms_that_fit_together_are_taken(terms: PromoTerms) -> None:
    require_terms(terms, NOW)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (TERMS._replace(credits=0), "credits"),
        (TERMS._replace(credit_type=""), "credit_type"),
        (TERMS._replace(percent=5), "percent"),
        (TERMS._replace(minimum_amount=5), "minimum_amount"),
        (TERMS._replace(first_purchase_only=True), "first_purchase_only"),
        (BONUS._replace(credits=5), "credits"),
        (BONUS._replace(credits_lifetime=5), "credits_lifetime"),
        (BONUS._replace(percent=0), "percent"),
        (BONUS._replace(minimum_amount=5), "currency"),
        (DISCOUNT._replace(currency=""), "currency"),
        (DISCOUNT._replace(percent=100), "percent"),
        (TERMS._replace(account_limit=11), "account_limit"),
        (TERMS._replace(expire_time=NOW), "expire_time"),
        (TERMS._replace(start_time=LATER, expire_time=LATER), "expire_time"),
    ],
)
def test_terms_that_do_not_are_refused_by_their_field(terms: PromoTerms, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        require_terms(terms, NOW)
    assert caught.value.facts["field"] == f"terms.{field}"


_PURCHASE: list[Any] = [
    *("ann", "01890a5d-ac96-774b-bcce-b302099a8057", 1, "1", 1, Provider.STRIPE, True, 1, ""),
    *("small", "Small", 1_000, "THB", "chat", 90, 10, PurchaseState.PENDING, "cs_1", "", "", None, "", 0, 0),
    *((), 0, 0, 0, 0, "", "", None, 0, None, NOW, NOW),
]
PURCHASE = Purchase(*_PURCHASE)
HOUR = 3_600 * SECOND


@pytest.mark.parametrize(
    ("purchase", "seconds", "is_paid", "fate"),
    [
        (PURCHASE, 0, False, ClaimFate.WAITING),
        (PURCHASE._replace(granted=100), 10**7, True, ClaimFate.FINISHED),
        (PURCHASE._replace(state=PurchaseState.EXPIRED), 0, True, ClaimFate.WAITING),
        (PURCHASE._replace(state=PurchaseState.EXPIRED), 0, False, ClaimFate.GIVEN_BACK),
        (PURCHASE._replace(state=PurchaseState.FAILED), 0, False, ClaimFate.WAITING),
        (PURCHASE._replace(state=PurchaseState.FAILED, reference=""), 0, False, ClaimFate.GIVEN_BACK),
        (PURCHASE._replace(state=PurchaseState.CANCELLED), 0, False, ClaimFate.WAITING),
        (PURCHASE, 25 * 3_600 - 1, False, ClaimFate.WAITING),
        (PURCHASE, 25 * 3_600, False, ClaimFate.GIVEN_BACK),
        (PURCHASE._replace(payment_expire_time=LATER), 2 * 3_600 - 1, False, ClaimFate.WAITING),
        (PURCHASE._replace(payment_expire_time=LATER), 2 * 3_600, False, ClaimFate.GIVEN_BACK),
    ],
)
def test_a_purchase_keeps_its_code_while_it_may_be_paid(
    purchase: Purchase,
    seconds: int,
    is_paid: bool,  # noqa: FBT001 - a column of the table above.
    fate: ClaimFate,
) -> None:
    assert fate_of(purchase, Instant(NOW + seconds * SECOND), is_paid=is_paid) is fate


def test_looks_become_rarer_and_never_stop() -> None:
    pauses = [pause_after(tries) for tries in range(40)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (30 * SECOND, HOUR)
