"""An administrator can write debt off, in part or whole, and the ledger says why (requirement E5)."""

import grpc
import pytest

from tests.contract.at_once import at_once, reasons, was_replayed
from tests.contract.payments.audited import writing_off
from tests.contract.payments.shopper import Shopper, facts_of
from tests.support.customer import kind_of
from tests.support.market import OMISE
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("E5")


@pytest.fixture
def debtor(shopper: Shopper) -> Shopper:
    """Return somebody who spent 60 credits of a purchase that was reversed."""
    purchase = shopper.bought()
    shopper.spend(60)
    shopper.staff.payment_admin.ReversePurchase(shopper.reverse(purchase))
    assert shopper.figures() == (0, 60)
    return shopper


def test_a_part_and_then_the_rest_are_written_off(debtor: Shopper) -> None:
    part = debtor.staff.admin.WriteOffDebt(writing_off(debtor, 20))
    assert (part.balance.debt, part.entry.amount) == (40, 20)
    assert debtor.figures() == (0, 40)
    rest = debtor.staff.admin.WriteOffDebt(writing_off(debtor))
    assert (rest.balance.debt, rest.entry.amount) == (0, 40)
    assert debtor.figures() == (0, 0)


@pytest.mark.requirement("A6")
def test_the_ledger_says_who_and_why(debtor: Shopper) -> None:
    entry = debtor.staff.admin.WriteOffDebt(writing_off(debtor, reason="a long-standing customer")).entry
    assert kind_of(entry) == "WRITE_OFF"
    assert (entry.actor, entry.reason) == ("staff", "a long-standing customer")
    assert debtor.entries()[0] == entry


@pytest.mark.requirement("A7")
def test_the_same_request_again_writes_nothing_more_off(debtor: Shopper) -> None:
    request = writing_off(debtor, 10)
    first = debtor.staff.admin.WriteOffDebt(request)
    again, call = debtor.staff.admin.WriteOffDebt.with_call(request)
    assert was_replayed(call)
    assert again.entry == first.entry
    request.amount = 11
    refusal = refused(debtor.staff.admin.WriteOffDebt, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert debtor.figures() == (0, 50)


def test_more_than_there_is_cannot_be_written_off(debtor: Shopper) -> None:
    refusal = refused(debtor.staff.admin.WriteOffDebt, writing_off(debtor, 61))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "AMOUNT_EXCEEDS_DEBT")
    assert facts_of(refusal) == {"credit_type": "chat", "requested": "61", "debt": "60"}
    assert debtor.figures() == (0, 60)


@pytest.mark.requirement("B3")
def test_several_at_once_never_write_more_off_than_there_is(debtor: Shopper) -> None:
    outcomes = at_once(debtor.staff.admin.WriteOffDebt, [writing_off(debtor, 30) for _ in range(4)])
    assert reasons(outcomes) == ["AMOUNT_EXCEEDS_DEBT"] * 2 + ["OK"] * 2
    assert debtor.figures() == (0, 0)


def test_the_next_purchase_is_whole_again(debtor: Shopper) -> None:
    debtor.staff.admin.WriteOffDebt(writing_off(debtor))
    debtor.bought()
    assert debtor.figures() == (100, 0)


def test_what_was_written_off_stays_so_however_often_the_dispute_is_won_and_opened_again(shopper: Shopper) -> None:
    """What was forgiven once is forgiven once: the purchase's credits come back and go again, all 100 of them."""
    purchase, fake = shopper.bought(OMISE), shopper.market.fakes.omise
    shopper.spend(60)
    dispute_id = shopper.market.act(fake.open_dispute, purchase.payment_id)
    shopper.when(purchase.name, lambda p: p.credits_reversed == 100)
    shopper.staff.admin.WriteOffDebt(writing_off(shopper))
    for _ in range(2):
        shopper.market.act(fake.win_dispute, dispute_id)
        shopper.when(purchase.name, lambda p: not p.credits_reversed)
        assert shopper.figures() == (100, 0)
        shopper.market.act(fake.reopen_dispute, dispute_id)
        shopper.when(purchase.name, lambda p: p.credits_reversed == 100)
        assert shopper.figures() == (0, 0)
    shopper.market.act(fake.win_dispute, dispute_id)
    shopper.when(purchase.name, lambda p: not p.credits_reversed)
    shopper.spend(100)
    shopper.market.act(fake.reopen_dispute, dispute_id)
    shopper.when(purchase.name, lambda p: p.credits_reversed == 100)
    assert shopper.figures() == (0, 100)


def test_where_there_is_no_debt_nothing_is_written_off(shopper: Shopper) -> None:
    shopper.bought()
    for amount, requested in ((None, "0"), (1, "1")):
        refusal = refused(shopper.staff.admin.WriteOffDebt, writing_off(shopper, amount))
        assert refusal.reason == "AMOUNT_EXCEEDS_DEBT"
        assert facts_of(refusal) == {"credit_type": "chat", "requested": requested, "debt": "0"}
    assert shopper.kinds() == ["TOP_UP"]


def test_an_account_that_nobody_has_seen_owes_nothing(shopper: Shopper) -> None:
    assert refused(shopper.staff.admin.WriteOffDebt, writing_off(shopper)).reason == "ACCOUNT_NOT_FOUND"
    assert not shopper.entries()


def test_of_a_credit_type_that_there_is_not_nothing_is_written_off(debtor: Shopper) -> None:
    refusal = refused(debtor.staff.admin.WriteOffDebt, writing_off(debtor, credit_type="nothing"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "CREDIT_TYPE_NOT_FOUND")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account_id", ""),
        ("account_id", "a/../b"),
        ("credit_type", ""),
        ("amount", 0),
        ("amount", -1),
        ("reason", ""),
        ("reason", "x" * 501),
        ("reason", "a\x00b"),
        ("request_id", ""),
        ("request_id", "x" * 256),
    ],
)
def test_a_field_out_of_bounds_is_named(shopper: Shopper, field: str, value: object) -> None:
    request = writing_off(shopper)
    setattr(request, field, value)
    refusal = refused(shopper.staff.admin.WriteOffDebt, request)
    assert (refusal.reason, refusal.violations) == ("INVALID_FIELD", [field])


@pytest.mark.requirement("A14")
def test_it_is_tried_and_done_only_at_the_version_stated(debtor: Shopper) -> None:
    version = debtor.entries()[0].version
    refusal = refused(debtor.staff.admin.WriteOffDebt, writing_off(debtor, 5, expected_version=version - 1))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "VERSION_MISMATCH")
    tried = debtor.staff.admin.WriteOffDebt(writing_off(debtor, 5, expected_version=version, validate_only=True))
    assert (tried.balance.debt, tried.HasField("entry")) == (55, False)
    assert debtor.figures() == (0, 60)
    done = debtor.staff.admin.WriteOffDebt(writing_off(debtor, 5, expected_version=version, metadata={"ticket": "7"}))
    assert (done.balance.debt, dict(done.entry.metadata)) == (55, {"ticket": "7"})
