"""Money given back, and debt written off, by FINANCE wait for a second person (D4)."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import approval_pb2
from creditd.ledger.ids import uuid7
from tests.contract.at_once import at_once, reasons, was_replayed
from tests.contract.payments.audited import rows
from tests.contract.payments.shopper import Shopper
from tests.contract.payments.shopper import state_of as purchase_state
from tests.support.approving import approving, cancelling, rejecting, state_of
from tests.support.market import PRICE, Market
from tests.support.office import reason_of
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("D4")


@pytest.fixture
def maker(market: Market) -> SimpleNamespace:
    """Return one of FINANCE, who asks."""
    return market.service.as_caller("fin", "FINANCE")


@pytest.fixture
def other(market: Market) -> SimpleNamespace:
    """Return another one, who decides."""
    return market.service.as_caller("faye", "FINANCE")


def asked_of(shopper: Shopper, maker: SimpleNamespace, amount: int | None = None) -> approval_pb2.Approval:
    """Ask for the newest purchase to be reversed."""
    answer = maker.payment_admin.ReversePurchase(shopper.reverse(shopper.purchases()[0], amount))
    assert not answer.HasField("purchase")
    approval: approval_pb2.Approval = answer.approval
    return approval


def test_a_reversal_is_recorded_as_it_is_approved(
    shopper: Shopper, maker: SimpleNamespace, other: SimpleNamespace
) -> None:
    purchase = shopper.bought()
    shopper.spend(60)
    asked = asked_of(shopper, maker)
    assert shopper.purchase(purchase.name) == purchase
    assert (asked.purchase, asked.money.amount, asked.money.currency) == (purchase.name, PRICE, "THB")
    assert [(one.available, one.debt) for one in asked.preview] == [(0, 60)]
    assert (list(asked.amounts), shopper.figures()) == ([], (40, 0))
    approved = other.approval.Approve(approving(asked)).approval
    assert (state_of(approved), [(one.available, one.debt) for one in approved.balances]) == ("APPROVED", [(0, 60)])
    after = shopper.purchase(purchase.name)
    assert (purchase_state(after), after.refunded_amount, after.credits_reversed) == ("REFUNDED", PRICE, 100)
    assert shopper.history(purchase)[-1] == ("REFUNDED", "fin")
    told = rows(shopper.market.service.config.database_url, "account = %s", shopper.account_id)
    assert [(row.actor, row.kind) for row in told][-3:] == [
        ("fin", "approval.request"),
        ("fin", "purchase.reverse"),
        ("faye", "approval.approve"),
    ]


def test_what_has_been_given_back_meanwhile_is_not_given_back_again(
    shopper: Shopper, maker: SimpleNamespace, other: SimpleNamespace
) -> None:
    purchase = shopper.bought()
    first, second = asked_of(shopper, maker), asked_of(shopper, maker, PRICE // 2)
    other.approval.Approve(approving(second))
    assert reason_of(other.approval.Approve, approving(first)) == "AMOUNT_EXCEEDS_PAYMENT"
    assert shopper.figures() == (50, 0)
    assert reason_of(other.approval.Reject, rejecting(first)) == "OK"
    assert shopper.purchase(purchase.name).refunded_amount == PRICE // 2


@pytest.mark.requirement("B3")
def test_two_who_approve_at_once_reverse_once(shopper: Shopper, maker: SimpleNamespace) -> None:
    purchase = shopper.bought()
    asked = asked_of(shopper, maker, PRICE // 2)
    calls = [shopper.market.service.as_caller(f"f{n}", "FINANCE").approval.Approve for n in range(4)]
    outcomes = at_once(lambda call: call(approving(asked)), calls)
    assert reasons(outcomes) == ["APPROVAL_DECIDED"] * 3 + ["OK"]
    assert shopper.purchase(purchase.name).refunded_amount == PRICE // 2
    assert shopper.figures() == (50, 0)


@pytest.mark.requirement("A7")
def test_a_repeat_is_answered_as_the_first_time_whoever_may_act_alone_by_now(
    shopper: Shopper, maker: SimpleNamespace, other: SimpleNamespace
) -> None:
    purchase = shopper.bought()
    request = shopper.reverse(purchase, PRICE // 4)
    asked = maker.payment_admin.ReversePurchase(request).approval
    answer, call = shopper.staff.payment_admin.ReversePurchase.with_call(request)
    assert (answer.approval, was_replayed(call)) == (asked, True)
    approved = other.approval.Approve(approving(asked)).approval
    for by in (maker, shopper.staff):
        answer, call = by.payment_admin.ReversePurchase.with_call(request)
        assert (answer.approval, was_replayed(call)) == (approved, True)
    alone = shopper.reverse(purchase, PRICE // 4)
    done = shopper.staff.payment_admin.ReversePurchase(alone)
    again, call = maker.payment_admin.ReversePurchase.with_call(alone)
    assert (again, was_replayed(call)) == (done, True)
    assert shopper.figures() == (50, 0)


def test_what_cannot_be_reversed_is_refused_at_once(shopper: Shopper, maker: SimpleNamespace) -> None:
    unpaid = shopper.buy()
    assert reason_of(maker.payment_admin.ReversePurchase, shopper.reverse(unpaid)) == "PURCHASE_NOT_PAID"
    unknown = shopper.reverse(unpaid)
    unknown.name = f"accounts/{shopper.account_id}/purchases/01890000-0000-7000-8000-000000000000"
    assert reason_of(maker.payment_admin.ReversePurchase, unknown) == "PURCHASE_NOT_FOUND"
    purchase = shopper.bought()
    too_much = shopper.reverse(purchase, PRICE + 1)
    assert reason_of(maker.payment_admin.ReversePurchase, too_much) == "AMOUNT_EXCEEDS_PAYMENT"
    assert shopper.purchase(purchase.name) == purchase


def test_debt_is_written_off_as_it_is_approved_and_no_more_than_was_shown(
    shopper: Shopper, maker: SimpleNamespace, other: SimpleNamespace
) -> None:
    first, second = shopper.bought(), shopper.bought()
    shopper.spend(160)
    shopper.staff.payment_admin.ReversePurchase(shopper.reverse(first))
    request = admin.WriteOffDebtRequest(
        account_id=shopper.account_id, credit_type="chat", reason="goodwill", request_id=uuid7()
    )
    asked = maker.admin.WriteOffDebt(request).approval
    assert [(one.credit_type, one.amount) for one in asked.amounts] == [("chat", 60)]
    assert (asked.preview[0].debt, shopper.figures()) == (0, (0, 60))
    shopper.staff.payment_admin.ReversePurchase(shopper.reverse(second))
    assert other.approval.Approve(approving(asked)).approval.balances[0].debt == 100
    assert shopper.figures() == (0, 100)
    assert (shopper.entries()[0].actor, shopper.entries()[0].amount) == ("fin", 60)
    again = maker.admin.WriteOffDebt(
        admin.WriteOffDebtRequest(
            account_id=shopper.account_id, credit_type="chat", amount=100, reason="goodwill", request_id=uuid7()
        )
    ).approval
    maker.approval.CancelApproval(cancelling(again))
    assert shopper.figures() == (0, 100)


@pytest.fixture(scope="module")
def strict(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run another server on the market's database, whose administrators give back 500 baht alone."""
    settings = {"approval_money_thresholds": {"THB": PRICE // 2}, "migrated": False}
    url = market.service.config.database_url
    with running_service(tmp_path_factory.mktemp("strict"), database_url=url, **settings) as running:
        running.clock.advance(market.service.seconds - running.seconds)
        yield running


def test_above_the_threshold_an_administrator_too_waits(shopper: Shopper, strict: RunningService) -> None:
    purchase = shopper.bought()
    reverse = strict.as_caller("staff", "ADMIN").payment_admin.ReversePurchase
    assert reverse(shopper.reverse(purchase)).approval.name
    assert reverse(shopper.reverse(purchase, PRICE // 2 + 1)).approval.name
    assert shopper.figures() == (100, 0)
    assert reverse(shopper.reverse(purchase, PRICE // 2)).purchase.refunded_amount == PRICE // 2
    assert shopper.figures() == (50, 0)
