"""What Lemon Squeezy's orders tell of a purchase: what was paid for it, and how much of that was given back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditd.domain.instant import Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.payment_facts import Fact, FactKind, FundsStage, PaymentStage, merged
from creditd.domain.payments.payment_standing import standing
from creditd.domain.payments.purchase import PurchaseState
from creditd.payments.provider import Report, ReportMismatch
from tests.payments.lemonsqueezy_payloads import IDENTIFIER, OTHER, PLAN, PURCHASE, order_object, told

PAID = Fact(FactKind.PAYMENT, "order:1", PaymentStage.PAID, 1199)


def report(name: str = "order_created", *, meta: dict[str, Any] | None = None, **attributes: Any) -> Report:
    said = told(name, order_object(**attributes), **(meta or {}))
    assert isinstance(said, Report)
    return said


def order_facts(refunded: int) -> tuple[Fact, ...]:
    """Return what an order tells that is paid and of which so much was refunded, without when it was so."""
    untouched = Fact(FactKind.DISPUTE_FUNDS, "order:1", FundsStage.UNTOUCHED, 1199)
    return PAID, Fact(FactKind.REFUND_TOTAL, "order:1", 0, refunded), untouched


def bare(said: Report) -> tuple[Fact, ...]:
    """Return what is said, without when it was so: when the order was last updated."""
    times = {fact.said_time for fact in said.facts if fact.kind is not FactKind.PAYMENT}
    assert times == {Instant(1_700_000_000_000_000)}
    return tuple(fact._replace(said_time=None) for fact in said.facts)


def test_a_paid_order_pays_the_purchase_that_its_checkout_named() -> None:
    said = report()
    assert (said.live, said.purchase, said.references) == (True, PURCHASE, ("order:1", IDENTIFIER))
    assert bare(said) == order_facts(refunded=0)
    assert (said.currency, said.misfit) == ("USD", "")


@pytest.mark.parametrize(
    ("attributes", "price"),
    [
        ({}, 999),
        ({"tax": 0, "total": 999}, 999),
        ({"tax_inclusive": True, "subtotal": 832, "tax": 167, "total": 999}, 999),
        ({"tax_inclusive": True, "subtotal": 999, "tax": 167, "total": 999}, 999),
        ({"discount_total": 99, "tax": 180, "total": 1080}, 900),
        ({"tax_inclusive": True, "discount_total": 99, "tax": 150, "total": 900}, 900),
        ({"setup_fee": 100, "subtotal": 1099, "tax": 220, "total": 1319}, 1099),
        ({"tax": 0, "total": 0, "discount_total": 999}, 0),
    ],
)
def test_the_price_is_ours_with_taxes_on_top_and_within_and_not_with_a_discount(
    attributes: dict[str, Any], price: int
) -> None:
    assert report(**attributes).price == Money(price, "USD")


def test_an_older_payload_that_does_not_say_where_taxes_are_has_them_on_top() -> None:
    order = order_object()
    del order["attributes"]["tax_inclusive"]
    said = told("order_created", order)
    assert isinstance(said, Report)
    assert said.price == Money(999, "USD")


def test_an_order_in_another_currency_has_another_price() -> None:
    assert report(currency="EUR").price == Money(999, "EUR")


def test_refunds_are_told_as_their_total_and_count_as_a_share_of_all_that_was_paid() -> None:
    said = report("order_refunded", status="partial_refund", refunded=False, refunded_amount=600)
    assert bare(said) == order_facts(600)


def test_a_refund_counts_whatever_the_status_says() -> None:
    assert bare(report("order_refunded", status="paid", refunded_amount=100)) == order_facts(100)


@pytest.mark.parametrize(
    "attributes",
    [
        {"status": "refunded", "refunded_amount": None},
        {"status": "paid", "refunded_amount": None, "refunded": True},
        {"status": "paid", "refunded_amount": None, "refunded_at": "2023-11-15T00:00:00.000000Z"},
    ],
)
def test_an_older_payload_that_only_says_refunded_gives_all_of_it_back(attributes: dict[str, Any]) -> None:
    assert bare(report("order_refunded", **attributes)) == order_facts(1199)


def test_a_pending_order_tells_whose_it_is_and_nothing_else() -> None:
    said = report(status="pending")
    assert (said.facts, said.price, said.references[0]) == ((), None, "order:1")


def test_a_failed_order_fails_the_purchase() -> None:
    said = report(status="failed")
    assert said.facts == (Fact(FactKind.PAYMENT, "order:1", PaymentStage.FAILED, 1199, "failed"),)
    assert said.price is None


def test_a_fraudulent_order_pays_nothing_and_takes_back_what_it_paid_before() -> None:
    facts = report(status="fraudulent").facts
    assert Fact(FactKind.DISPUTE_FUNDS, "order:1", FundsStage.WITHDRAWN, 1199) in bare(report(status="fraudulent"))
    assert standing(facts).state is PurchaseState.FAILED
    both = standing(merged([PAID], facts).values())
    assert both == standing(merged(facts, [PAID]).values())
    assert both.returned == both.paid == 1199


@pytest.mark.parametrize(
    "attributes",
    [
        {"store_id": OTHER},
        {"status": "on the moon"},
        {"status": "partial_refund", "refunded_amount": None},
        {"total": -1},
        {"total": 2**63},
        {"total": "1199"},
        {"total": True},
        {"tax": None},
        {"refunded_amount": 1.5},
        {"currency": "usd"},
        {"currency": None},
    ],
)
def test_an_order_of_another_store_or_that_makes_no_sense_is_for_a_person(attributes: dict[str, Any]) -> None:
    with pytest.raises(ReportMismatch):
        report(**attributes)


@pytest.mark.parametrize("data", [None, [], {}, {"type": "orders", "id": "../1", "attributes": {}}])
def test_an_event_without_an_order_is_for_a_person(data: Any) -> None:
    with pytest.raises(ReportMismatch):
        told("order_created", data)


@pytest.mark.parametrize(
    "custom",
    [
        {},
        [],
        None,
        {"account_id": "alice"},
        {"account_id": "../alice", "purchase_id": PURCHASE.purchase_id},
        {"account_id": "alice", "purchase_id": "../../etc/passwd"},
        {"account_id": ["alice"], "purchase_id": 1},
        {"account_id": "a" * 129, "purchase_id": PURCHASE.purchase_id},
    ],
)
def test_custom_data_that_names_no_purchase_is_no_hint(custom: Any) -> None:
    assert report(meta={"custom_data": custom}).purchase is None


def test_an_identifier_that_is_none_is_no_reference() -> None:
    assert report(identifier="../1").references == ("order:1",)


def test_the_orders_of_the_plan_and_of_other_products_are_no_purchases() -> None:
    assert told("order_created", order_object(item={"variant_id": PLAN})) is None
    assert told("order_created", order_object(item={"variant_id": OTHER}), custom_data={}) is None
    assert told("order_created", order_object(first_order_item=None), custom_data={}) is None


@pytest.mark.parametrize(
    ("attributes", "misfit"),
    [
        ({"item": {"variant_id": OTHER}}, f"variant {OTHER}, which sells no credits"),
        ({"item": {"variant_id": None}}, "which sells no credits"),
        ({"first_order_item": None}, "variant none"),
        ({"item": {"quantity": 2}}, "quantity"),
        ({"item": {"quantity": "1"}}, "quantity"),
        ({"discount_total": 99}, "discount"),
    ],
)
@pytest.mark.parametrize("name", ["order_created", "order_refunded"])
def test_an_order_that_names_a_purchase_and_is_of_something_else_is_a_misfit(
    name: str, attributes: dict[str, Any], misfit: str
) -> None:
    said = report(name, **attributes)
    assert said.purchase == PURCHASE
    assert misfit in said.misfit


def test_an_order_of_one_at_the_price_asked_for_is_none() -> None:
    assert report(item={"quantity": 1}).misfit == ""


def test_an_order_held_to_be_fraudulent_and_cleared_again_counts() -> None:
    fraudulent = report(status="fraudulent", updated_at="2023-11-15T00:00:00.000000Z").facts
    cleared = report(updated_at="2023-11-16T00:00:00.000000Z").facts
    for said in (merged(fraudulent, cleared), merged(cleared, fraudulent)):
        assert standing(said.values()).returned == 0


def test_a_total_that_went_down_again_counts_as_it_was_last_updated() -> None:
    more = report("order_refunded", refunded_amount=700, updated_at="2023-11-15T00:00:00.000000Z").facts
    less = report("order_refunded", refunded_amount=300, updated_at="2023-11-16T00:00:00.000000Z").facts
    for said in (merged(more, less), merged(less, more)):
        assert standing(said.values()).refunded == 300


EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("order_created", {"status": "pending"}),
    ("order_created", {}),
    ("order_refunded", {"status": "partial_refund", "refunded_amount": 300}),
    ("order_refunded", {"status": "partial_refund", "refunded_amount": 700}),
    ("order_refunded", {"status": "refunded", "refunded_amount": 1199, "refunded": True}),
]


@pytest.fixture(scope="module")
def told_in_turn() -> list[tuple[Fact, ...]]:
    """Return what each event tells."""
    reports = [told(name, order_object(**attributes)) for name, attributes in EVENTS]
    return [said.facts if isinstance(said, Report) else () for said in reports]


@given(st.integers(1, len(EVENTS)), st.data())
def test_every_order_of_a_purchases_events_with_repeats_ends_in_the_same_standing(
    told_in_turn: list[tuple[Fact, ...]], count: int, data: st.DataObject
) -> None:
    happened = told_in_turn[:count]
    repeats = data.draw(st.lists(st.sampled_from(happened), max_size=5))
    facts: dict[Any, Fact] = {}
    for said in data.draw(st.permutations([*happened, *repeats])):
        facts = merged(facts.values(), said)
    reached = standing(facts.values())
    expected = [
        (PurchaseState.PENDING, 0, 0),
        (PurchaseState.COMPLETED, 1199, 0),
        (PurchaseState.PARTIALLY_REFUNDED, 1199, 300),
        (PurchaseState.PARTIALLY_REFUNDED, 1199, 700),
        (PurchaseState.REFUNDED, 1199, 1199),
    ]
    assert (reached.state, reached.paid, reached.refunded) == expected[count - 1]
