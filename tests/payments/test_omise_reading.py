"""What Omise's charges, disputes and links say of a purchase, read back after a hint."""

import asyncio
from typing import Any

import pytest

from creditd.domain.payments.payment_facts import (
    DisputeStage,
    Fact,
    FactKind,
    FundsStage,
    PaymentStage,
    RefundStage,
    merged,
)
from creditd.domain.payments.payment_standing import Standing, standing
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.purchase import PurchaseState
from creditd.payments.provider import Report, ReportMismatch, Said
from tests.payments.omise_payloads import (
    CHARGE_ID,
    DISPUTE_ID,
    LINK_ID,
    PRICE,
    PURCHASE,
    REFUND_ID,
    SOURCE_ID,
    answering,
    charge_object,
    dispute_object,
    link_object,
    listed,
    omise,
    promptpay_charge,
    received,
    refund_object,
    told,
    told_of,
)

PAID = Fact(FactKind.PAYMENT, CHARGE_ID, PaymentStage.PAID, PRICE.amount)


def reported(charge: dict[str, object], *disputes: dict[str, object]) -> Report:
    report = told_of(charge, *disputes)
    assert isinstance(report, Report)
    return report


def bare(report: Report) -> tuple[Fact, ...]:
    """Return what a report says, without when it was so: what may go back was so when it was read."""
    taken_back = [fact for fact in report.facts if fact.kind is not FactKind.PAYMENT]
    assert all(fact.said_time is not None for fact in taken_back)
    return tuple(fact._replace(said_time=None) for fact in report.facts)


def stands(charge: dict[str, object], *disputes: dict[str, object]) -> Standing:
    return standing(merged((), reported(charge, *disputes).facts).values())


def test_a_paid_charge_is_reported_with_its_price_and_all_its_names() -> None:
    report = reported(promptpay_charge("successful", link=LINK_ID))
    assert (report.provider, report.live, report.purchase) == (Provider.OMISE, False, PURCHASE)
    assert (report.references, report.checkout) == ((CHARGE_ID, LINK_ID, SOURCE_ID), LINK_ID)
    assert (report.price, report.currency) == (PRICE, PRICE.currency)
    assert bare(report) == (PAID, Fact(FactKind.REFUND_TOTAL, CHARGE_ID, 0, 0))
    assert reported(promptpay_charge("successful")).checkout == CHARGE_ID


def nothing_yet(said: Said | None) -> bool:
    """Tell whether a report tells nothing but whose it is, and that it is not the end."""
    return isinstance(said, Report) and (said.facts, said.price, said.is_final) == ((), None, False)


def test_a_pending_charge_tells_nothing_yet() -> None:
    assert nothing_yet(told_of(promptpay_charge()))


def test_a_failed_charge_keeps_whatever_code_and_words_it_failed_with() -> None:
    charge = charge_object("failed", failure_code="imagined_tomorrow", failure_message="no\x00t with 4242424242424242")
    failed = stands(charge)
    assert (failed.state, failed.failure_code) == (PurchaseState.FAILED, "imagined_tomorrow")
    assert failed.failure_message == "no?t with ****************"


def test_what_a_charge_failed_with_is_bounded_and_may_be_missing() -> None:
    failed = stands(charge_object("failed", failure_code="c" * 9999, failure_message=["no", "text"]))
    assert (len(failed.failure_code), failed.failure_message) == (100, "")


def test_an_expired_charge_is_expired_and_a_reversed_one_failed() -> None:
    assert stands(charge_object("expired")).state is PurchaseState.EXPIRED
    taken_back = stands(charge_object("reversed"))
    assert (taken_back.state, taken_back.failure_code) == (PurchaseState.FAILED, "reversed")


@pytest.mark.parametrize(
    "changes",
    [
        {"voided": True},
        {"voided": True, "refunded_amount": PRICE.amount},
        {"voided": True, "paid": False},
        {"voided": True, "paid": False, "paid_at": None, "status": "reversed"},
        {"reversed": True},
        {"status": "reversed", "paid_at": "2023-11-14T22:13:20Z"},
        {"voided": True, "refunds": listed(refund_object(PRICE.amount))},
    ],
)
def test_a_charge_voided_after_it_was_paid_is_refunded_as_a_whole(changes: dict[str, Any]) -> None:
    voided = stands(charge_object(**changes))
    assert (voided.state, voided.returned) == (PurchaseState.REFUNDED, PRICE.amount)


def test_refunds_are_reported_one_by_one_and_as_a_total() -> None:
    refunds = listed(refund_object(10_000), refund_object(5_000, "pending", "rfnd_test_2"))
    assert bare(reported(charge_object(refunds=refunds, refunded_amount=15_000))) == (
        PAID,
        Fact(FactKind.REFUND, REFUND_ID, RefundStage.SUCCEEDED, 10_000),
        Fact(FactKind.REFUND_PROGRESS, REFUND_ID, 0, 10_000),
        Fact(FactKind.REFUND_MADE, REFUND_ID, 0, 10_000),
        Fact(FactKind.REFUND, "rfnd_test_2", RefundStage.PENDING, 5_000),
        Fact(FactKind.REFUND_PROGRESS, "rfnd_test_2", 0, 5_000),
        Fact(FactKind.REFUND_MADE, "rfnd_test_2", 0, 5_000),
        Fact(FactKind.REFUND_TOTAL, CHARGE_ID, 0, 15_000),
    )


@pytest.mark.parametrize("total", [5_000, 0])
def test_a_failed_refund_counts_for_nothing_whether_or_not_the_total_holds_it(total: int) -> None:
    refunds = listed(refund_object(5_000, "failed"))
    assert stands(charge_object(refunds=refunds, refunded_amount=total)).refunded == 0


def test_what_the_list_of_refunds_leaves_out_is_in_the_total() -> None:
    refunds = listed(refund_object(10_000), total=21)
    assert stands(charge_object(refunds=refunds, refunded_amount=45_000)).refunded == 45_000


def test_a_refund_that_failed_gives_back() -> None:
    before = reported(charge_object(refunds=listed(refund_object(10_000, "pending")), refunded_amount=10_000))
    after = reported(charge_object(refunds=listed(refund_object(10_000, "failed")), refunded_amount=0))
    assert standing(merged(before.facts, ()).values()).refunded == 10_000
    assert standing(merged(after.facts, before.facts).values()).refunded == 0


@pytest.mark.parametrize(
    ("status", "funds", "stage"),
    [
        ("open", FundsStage.WITHDRAWN, DisputeStage.OPEN),
        ("pending", FundsStage.WITHDRAWN, DisputeStage.OPEN),
        ("lost", FundsStage.WITHDRAWN, DisputeStage.CLOSED),
        ("won", FundsStage.REINSTATED, DisputeStage.CLOSED),
    ],
)
def test_a_dispute_moves_the_money_when_it_opens_and_when_it_is_won(
    status: str, funds: FundsStage, stage: DisputeStage
) -> None:
    dispute = dispute_object(status)
    assert bare(reported(charge_object(dispute=dispute), dispute)) == (
        PAID,
        Fact(FactKind.REFUND_TOTAL, CHARGE_ID, 0, 0),
        Fact(FactKind.DISPUTE_FUNDS, DISPUTE_ID, funds, PRICE.amount),
        Fact(FactKind.DISPUTE, DISPUTE_ID, stage, PRICE.amount),
    )


def test_a_dispute_is_read_by_itself_whatever_the_charge_says_of_it() -> None:
    for named in (DISPUTE_ID, dispute_object("open")):
        assert stands(charge_object(dispute=named), dispute_object("won")).returned == 0


def test_an_event_of_a_dispute_that_the_charge_no_longer_names_still_counts() -> None:
    objects = {f"/charges/{CHARGE_ID}": charge_object(), f"/disputes/{DISPUTE_ID}": dispute_object("lost")}
    report = told(objects, "dispute.close", DISPUTE_ID)
    assert isinstance(report, Report)
    assert standing(report.facts).disputed == PRICE.amount


def test_what_the_event_says_of_the_charge_counts_for_nothing() -> None:
    said = charge_object("successful", amount=1)
    assert nothing_yet(told({f"/charges/{CHARGE_ID}": promptpay_charge()}, data=said))


@pytest.mark.parametrize(
    ("key", "data"), [("charge.complete", CHARGE_ID), ("dispute.create", DISPUTE_ID), ("link.create", LINK_ID)]
)
def test_what_is_not_there_is_unfit_if_omise_said_so_and_nothing_if_anybody_may_have(key: str, data: str) -> None:
    with pytest.raises(ReportMismatch, match="unknown object"):
        asyncio.run(omise(answering({}), secrets=("c2VjcmV0",)).interpret(received(key, data)))
    assert told({}, key, data) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "imagined"},
        {"status": None},
        {"paid": False, "paid_at": None},
        {"amount": "100000"},
        {"amount": 1000.5},
        {"amount": True},
        {"amount": -1},
        {"amount": 2**63},
        {"currency": None},
        {"currency": "baht"},
        {"livemode": None},
        {"refunded_amount": None},
        {"refunds": None},
        {"refunds": {"data": [1]}},
        {"refunds": listed({"id": "../account", "amount": 1, "currency": "THB", "status": "closed"})},
        {"refunds": listed(refund_object(1) | {"currency": "USD"})},
        {"refunds": listed(refund_object(1) | {"currency": None})},
    ],
)
def test_a_charge_that_is_not_as_documented_is_unfit(changes: dict[str, Any]) -> None:
    with pytest.raises(ReportMismatch):
        told_of(charge_object(**changes))


@pytest.mark.parametrize(
    "changes", [{"status": "imagined"}, {"charge": "chrg_test_another"}, {"currency": "USD"}, {"amount": None}]
)
def test_a_dispute_that_does_not_fit_its_charge_is_unfit(changes: dict[str, object]) -> None:
    with pytest.raises(ReportMismatch):
        told_of(charge_object(dispute=DISPUTE_ID), dispute_object("open") | changes)


@pytest.mark.parametrize(
    "metadata", [None, [], {}, {"account_id": "a/b"}, PURCHASE._asdict() | {"purchase_id": "1"}, {"purchase_id": 1}]
)
def test_metadata_that_names_no_purchase_is_left_out(metadata: object) -> None:
    assert reported(charge_object(metadata=metadata)).purchase is None


def test_a_link_tells_what_its_charges_tell() -> None:
    failed = charge_object("failed", id="chrg_test_first", link=LINK_ID, metadata={})
    paid = charge_object(link=LINK_ID, metadata={})
    report = told({f"/links/{LINK_ID}": link_object(failed, paid)}, "link.create", LINK_ID)
    assert isinstance(report, Report)
    assert (report.references, report.price) == ((LINK_ID, "chrg_test_first", CHARGE_ID), PRICE)
    assert standing(report.facts).payment_id == CHARGE_ID


def test_all_charges_of_a_link_count_even_if_there_are_many() -> None:
    link = link_object(charge_object("failed", id="chrg_test_first"), charges=listed(total=2))
    listing = listed(charge_object("failed", id="chrg_test_first"), charge_object())
    objects = {f"/links/{LINK_ID}": link, f"/links/{LINK_ID}/charges": listing}
    report = told(objects, "link.create", LINK_ID)
    assert isinstance(report, Report)
    assert standing(report.facts).paid == PRICE.amount


def test_a_link_whose_charge_is_in_another_currency_is_unfit() -> None:
    link = link_object(charge_object(currency="USD", link=LINK_ID))
    with pytest.raises(ReportMismatch, match="another currency"):
        told({f"/links/{LINK_ID}": link}, "link.create", LINK_ID)


def test_a_link_that_was_deleted_is_cancelled_unless_it_was_paid() -> None:
    for charges, state in (((), PurchaseState.CANCELLED), ((charge_object(),), PurchaseState.COMPLETED)):
        link = link_object(*charges, deleted=True)
        report = told({f"/links/{LINK_ID}": link}, "link.create", LINK_ID)
        assert isinstance(report, Report)
        assert standing(report.facts).state is state


def test_a_link_that_nobody_opened_tells_nothing_yet() -> None:
    assert nothing_yet(told({f"/links/{LINK_ID}": link_object()}, "link.create", LINK_ID))
