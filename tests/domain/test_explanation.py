"""Explaining a Reserve decides nothing by itself: its verdict is the decision's, and its order is the decision's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditd.domain.account import AccountStatus
from creditd.domain.commands import Reserve
from creditd.domain.decide import decide
from creditd.domain.errors import Refusal
from creditd.domain.explanation import MOST_OBSTACLES, SOON, Verdict, by_source, explain, limits_on, shortfall
from creditd.domain.grants import Grant, Source
from creditd.domain.instant import Instant
from creditd.domain.limits import EACH, NOTHING, WHOLE, Limit
from creditd.domain.wallet import Origin, Rules, Wallet
from tests.domain.wallets import START, after, free, promo, purchased, wallet, with_plan, with_status

pytestmark = pytest.mark.requirement("D7")

CHAT_LIMITS = st.builds(
    Limit,
    credit_type=st.just(wallet().credit_type),
    spender_id=st.sampled_from([WHOLE, EACH, "ann"]),
    least=st.none() | st.integers(1, 9),
    most=st.none() | st.integers(0, 9),
    hourly=st.none() | st.integers(0, 9),
    daily=st.none() | st.integers(0, 9),
)

GRANTS = st.lists(
    st.tuples(st.sampled_from(Source), st.integers(1, 9), st.sampled_from([None, 1, SOON, SOON + 1])), max_size=4
)
"""What came from where, and for how long."""


@st.composite
def wallets(draw: st.DrawFn) -> Wallet:
    """Return a wallet with any credits, status, plan, limits and counts."""
    found = wallet(
        *[
            Grant(f"grant-{number}", source, amount, None if life is None else Instant(START + life))
            for number, (source, amount, life) in enumerate(draw(GRANTS))
        ]
    )
    found = with_status(found, draw(st.sampled_from(AccountStatus)))
    found = with_plan(found, unlimited=draw(st.booleans()), until=draw(st.none() | st.just(after(9))))
    limits = tuple(draw(st.lists(CHAT_LIMITS, max_size=3, unique_by=lambda limit: limit.spender_id)))
    used = draw(st.integers(0, 9))
    usage = {scope: NOTHING.at(START).plus(used, used) for scope in (WHOLE, "ann")}
    return found._replace(account=found.account._replace(limits=limits), usage=usage)


def asked(amount: int, spender_id: str = "") -> Reserve:
    """Return a Reserve that nobody means."""
    return Reserve(Origin("tests"), "none", amount, spender_id=spender_id)


def essence(verdict: Verdict) -> object:
    """Return what a caller would be answered."""
    if verdict.movement is not None:
        return verdict.movement
    return verdict.refusals[0].reason, verdict.refusals[0].facts


def decided(held_by: Wallet, command: Reserve) -> object:
    """Return what a caller is answered."""
    try:
        return decide(held_by, None, command, START, Rules())
    except Refusal as refusal:
        return refusal.reason, refusal.facts


def told(held_by: Wallet, command: Reserve) -> list[str]:
    """Return what stands in the way, in a word each."""
    return [refusal.reason for refusal in explain(held_by, command, START, Rules()).refusals]


@given(held_by=wallets(), amount=st.integers(1, 30), spender_id=st.sampled_from(["", "ann"]))
def test_the_verdict_is_the_decision_and_no_other(held_by: Wallet, amount: int, spender_id: str) -> None:
    command = asked(amount, spender_id)
    verdict = explain(held_by, command, START, Rules())
    assert essence(verdict) == decided(held_by, command)
    reasons = [refusal.reason for refusal in verdict.refusals]
    assert len(reasons) == len(set(reasons)) <= MOST_OBSTACLES
    lacks = "INSUFFICIENT_CREDIT" in reasons
    assert lacks == (not held_by.account.has_unlimited_plan(START) and held_by.available < amount)
    assert shortfall(verdict) == (amount - held_by.available if lacks else 0)


@given(held_by=wallets())
def test_the_sources_add_up_to_what_is_available(held_by: Wallet) -> None:
    found = by_source(held_by, START, Rules().order)
    assert [one.source for one in found] == list(Rules().order)
    assert sum(one.available for one in found) == held_by.available
    assert sum(one.grants for one in found) == len(held_by.grants)
    assert all(one.lapses_soon <= one.available for one in found)


def test_all_that_stands_in_the_way_is_told_in_the_order_in_which_it_would_be() -> None:
    limits = (Limit(wallet().credit_type, WHOLE, most=50),)
    held_by = with_status(wallet(free(10)), AccountStatus.SUSPENDED)
    held_by = held_by._replace(account=held_by.account._replace(limits=limits))
    assert told(held_by, asked(60)) == ["ACCOUNT_SUSPENDED", "LIMIT_EXCEEDED", "INSUFFICIENT_CREDIT"]
    assert told(held_by, asked(40)) == ["ACCOUNT_SUSPENDED", "INSUFFICIENT_CREDIT"]
    assert told(held_by, asked(10)) == ["ACCOUNT_SUSPENDED"]
    assert told(with_status(wallet(), AccountStatus.CLOSED), asked(1)) == ["ACCOUNT_CLOSED", "INSUFFICIENT_CREDIT"]


def test_a_limit_of_all_accounts_is_lifted_too() -> None:
    rules = Rules(limits=(Limit(wallet().credit_type, WHOLE, most=1),))
    verdict = explain(wallet(free(1)), asked(2), START, rules)
    assert [refusal.reason for refusal in verdict.refusals] == ["LIMIT_EXCEEDED", "INSUFFICIENT_CREDIT"]


def test_what_lapses_within_a_week_is_told_and_what_lapses_later_is_not() -> None:
    held_by = wallet(promo(5, "a", expires=after(SOON)), promo(7, "b", expires=after(SOON + 1)), free(2), purchased(4))
    found = {one.source: one for one in by_source(held_by, START, Rules().order)}
    assert (found[Source.PROMO].lapses_soon, found[Source.PROMO].next_lapse_time) == (5, after(SOON))
    assert (found[Source.FREE].lapses_soon, found[Source.FREE].next_lapse_time) == (0, None)


def test_a_limit_that_binds_is_told_whosever_it_is() -> None:
    code = wallet().credit_type
    default, own = Limit(code, EACH, most=1), Limit(code, "ann", most=2)
    rules = Rules(limits=(default, Limit("other", WHOLE, most=3)))
    held_by = wallet()._replace(account=wallet().account._replace(limits=(own,)))
    assert [(one.limit, one.is_default) for one in limits_on(held_by, "ann", rules)] == [(own, False)]
    assert [(one.limit, one.is_default) for one in limits_on(held_by, "ben", rules)] == [(default, True)]
    assert limits_on(held_by, "", rules) == []
