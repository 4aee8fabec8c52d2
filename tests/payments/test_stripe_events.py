"""What Stripe's events tell of a purchase, one by one and in every order."""

import asyncio
import functools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditd.domain.controls.velocity import ToldOfPurchase, VelocityEvent, VelocityKind, events_in
from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.payment_facts import (
    Direction,
    DisputeStage,
    Fact,
    FactKind,
    FundsStage,
    PaymentStage,
    RefundStage,
    merged,
)
from creditd.domain.payments.payment_standing import Standing, standing
from creditd.domain.payments.purchase import PurchaseState
from creditd.payments.provider import Report, ReportMismatch
from creditd.payments.stripe.provider import Stripe, StripeSettings
from creditd.payments.stripe.reports import EVENT_TYPES, Seen, refund_now
from tests.payments.stripe_payloads import (
    CHARGE,
    DISPUTE,
    INTENT,
    NAME,
    NOW,
    REFUND,
    SECONDS,
    SESSION,
    charge,
    declined,
    delivery,
    dispute,
    intent,
    refund,
    session,
)

STRIPE = Stripe(StripeSettings("sk", (), "https://stripe.invalid", live=False))
PAID = Fact(FactKind.PAYMENT, INTENT, PaymentStage.PAID, 1000)


def interpret(event_type: str, document: dict[str, Any]) -> Report | None:
    said = asyncio.run(STRIPE.interpret(delivery(event_type, document)))
    assert said is None or isinstance(said, Report)
    return said


def told(event_type: str, document: dict[str, Any]) -> Report:
    said = interpret(event_type, document)
    assert said is not None
    return said


def test_a_paid_session_is_a_payment() -> None:
    said = told("checkout.session.completed", session())
    assert said.facts == (PAID,)
    assert said.price == Money(1000, "THB")
    assert said.references == (SESSION, INTENT)
    assert said.purchase == NAME
    assert not said.live


def test_an_unpaid_session_says_no_more_than_what_names_it() -> None:
    said = told("checkout.session.completed", session(payment_status="unpaid"))
    assert (said.facts, said.references) == ((), (SESSION, INTENT))


@pytest.mark.parametrize("status", ["no_payment_required", "something new", None])
def test_a_session_completed_without_payment_is_for_a_person(status: str | None) -> None:
    with pytest.raises(ReportMismatch):
        interpret("checkout.session.completed", session(payment_status=status))


def test_a_session_paid_without_a_payment_intent_is_for_a_person() -> None:
    with pytest.raises(ReportMismatch):
        interpret("checkout.session.completed", session(payment_intent=None))


@pytest.mark.parametrize("mode", ["subscription", "setup"])
@pytest.mark.parametrize("event_type", sorted(name for name in EVENT_TYPES if name.startswith("checkout.")))
def test_sessions_of_subscriptions_and_set_ups_tell_nothing(mode: str, event_type: str) -> None:
    assert interpret(event_type, session(mode=mode, payment_status="no_payment_required")) is None


def test_a_payment_that_came_later_is_paid() -> None:
    assert told("checkout.session.async_payment_succeeded", session()).facts == (PAID,)


@pytest.mark.parametrize(("payment", "subject"), [(INTENT, INTENT), (None, SESSION)])
@pytest.mark.parametrize(
    ("event_type", "stage"),
    [
        ("checkout.session.async_payment_failed", PaymentStage.FAILED),
        ("checkout.session.expired", PaymentStage.EXPIRED),
    ],
)
def test_a_session_that_came_to_nothing(
    event_type: str, stage: PaymentStage, payment: str | None, subject: str
) -> None:
    said = told(event_type, session(payment_intent=payment, payment_status="unpaid"))
    assert said.facts == (Fact(FactKind.PAYMENT, subject, stage, 0),)


def test_a_payment_intent_that_succeeded_is_the_same_payment() -> None:
    said = told("payment_intent.succeeded", intent(amount=1200))
    assert said.facts == (PAID,)
    assert said.price == Money(1000, "THB")
    assert said.references == (INTENT, CHARGE)


@pytest.mark.parametrize(
    ("decline_code", "code"), [("insufficient_funds", "insufficient_funds"), (None, "card_declined")]
)
def test_a_failed_payment_says_why(decline_code: str | None, code: str) -> None:
    said = told("payment_intent.payment_failed", declined(decline_code=decline_code))
    assert said.facts == (Fact(FactKind.PAYMENT, INTENT, PaymentStage.FAILED, 0, code, "Your card was declined."),)
    assert said.purchase == NAME


@pytest.mark.requirement("C8")
def test_a_payment_that_failed_later_is_one_attempt_for_velocity_rules_though_two_events_tell_of_it() -> None:
    reports = (
        told("payment_intent.payment_failed", declined() | {"latest_charge": CHARGE}),
        told("checkout.session.async_payment_failed", session(payment_status="unpaid")),
    )
    counted = [events_in(ToldOfPurchase("purchase-1", said.facts, said.attempt), NOW) for said in reports]
    assert counted == [[VelocityEvent(VelocityKind.FAILED_PAYMENTS, f"{INTENT}/{CHARGE}", NOW)], []]


def test_yen_are_taken_as_they_are_counted() -> None:
    assert told("checkout.session.completed", session(currency="jpy", amount_total=500)).price == Money(500, "JPY")


def test_a_refunded_charge_tells_the_total_and_the_refunds_listed() -> None:
    listed = {"object": "list", "data": [refund(300, "succeeded")]}
    said = told("charge.refunded", charge(300, refunds=listed))
    assert said.references == (INTENT, CHARGE)
    assert said.currency == "THB"
    assert said.facts == (
        at(SECONDS, Fact(FactKind.REFUND_TOTAL, INTENT, 0, 300)),
        at(SECONDS, Fact(FactKind.REFUND, REFUND, RefundStage.SUCCEEDED, 300)),
        at(SECONDS, Fact(FactKind.REFUND_PROGRESS, REFUND, 0, 300)),
        at(SECONDS, Fact(FactKind.REFUND_MADE, REFUND, 0, 300)),
    )


@pytest.mark.parametrize("event_type", ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"])
@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("requires_action", RefundStage.REQUESTED),
        ("pending", RefundStage.PENDING),
        ("succeeded", RefundStage.SUCCEEDED),
        ("failed", RefundStage.FAILED),
        ("canceled", RefundStage.FAILED),
    ],
)
def test_a_refund_stands_where_its_status_says(event_type: str, status: str, stage: RefundStage) -> None:
    said = told(event_type, refund(300, status, created=SECONDS - 5))
    stands, *_, since = said.facts
    assert stands == at(SECONDS, Fact(FactKind.REFUND, REFUND, stage, 300))
    if stage is RefundStage.FAILED:
        assert since == stands._replace(kind=FactKind.REFUND_FAILURE)
    else:
        assert since == at(SECONDS - 5, Fact(FactKind.REFUND_MADE, REFUND, 0, 300))
    assert (said.references, said.currency) == ((INTENT, CHARGE), "THB")


def at(seconds: int, fact: Fact) -> Fact:
    return fact._replace(said_time=Instant(seconds * SECOND))


OPEN, CLOSED = (at(SECONDS, Fact(FactKind.DISPUTE, DISPUTE, stage, 1000)) for stage in DisputeStage)
WITHDRAWN = at(SECONDS, Fact(FactKind.DISPUTE_FUNDS, DISPUTE, FundsStage.WITHDRAWN, 1000))
REINSTATED = WITHDRAWN._replace(stage=FundsStage.REINSTATED)


@pytest.mark.parametrize(
    ("what", "status", "facts"),
    [
        ("created", "needs_response", (OPEN,)),
        ("created", "warning_needs_response", (OPEN,)),
        ("updated", "under_review", (OPEN,)),
        ("funds_withdrawn", "needs_response", (OPEN, WITHDRAWN)),
        ("funds_reinstated", "won", (CLOSED, REINSTATED)),
        ("closed", "won", (CLOSED,)),
        ("closed", "lost", (CLOSED,)),
        ("closed", "warning_closed", (CLOSED,)),
    ],
)
def test_the_money_of_a_dispute_without_transactions_moves_with_the_funds_alone(
    what: str, status: str, facts: tuple[Fact, ...]
) -> None:
    said = told(f"charge.dispute.{what}", dispute(status))
    assert (said.facts, said.references, said.currency) == (facts, (INTENT, CHARGE), "THB")


@pytest.mark.parametrize("what", ["created", "updated", "funds_withdrawn", "funds_reinstated", "closed"])
def test_the_transactions_of_a_dispute_say_what_moved_whatever_event_shows_them(what: str) -> None:
    told_of = [fact for fact in told(f"charge.dispute.{what}", dispute("lost", -1000, 400)).facts if fact != CLOSED]
    assert told_of == [
        at(SECONDS, Fact(FactKind.DISPUTE_TRANSACTION, f"{DISPUTE}/txn_0", Direction.OUT, 1000)),
        at(SECONDS, Fact(FactKind.DISPUTE_TRANSACTION, f"{DISPUTE}/txn_1", Direction.BACK, 400)),
    ]


@pytest.mark.parametrize(
    ("transaction", "amount"),
    [
        ({"amount": -36_000, "currency": "usd", "exchange_rate": 36.0}, 1000),
        ({"amount": -27, "currency": "usd", "exchange_rate": 0.0272}, 1000),
        ({"amount": -14, "currency": "usd", "exchange_rate": 0.028}, 500),
        ({"amount": -1000, "currency": "thb", "exchange_rate": None}, 1000),
    ],
)
def test_a_transaction_in_our_own_currency_is_reckoned_in_the_disputes(
    transaction: dict[str, Any], amount: int
) -> None:
    moved = dispute("needs_response", balance_transactions=[{"id": "txn_1", **transaction}])
    *_, fact = told("charge.dispute.funds_withdrawn", moved).facts
    assert (fact.stage, fact.amount) == (Direction.OUT, amount)


@pytest.mark.parametrize("rate", [None, 0, -1, "36", True])
def test_a_transaction_in_another_currency_without_its_rate_is_for_a_person(rate: Any) -> None:
    moves = [{"id": "txn_1", "amount": -27, "currency": "usd", "exchange_rate": rate}]
    with pytest.raises(ReportMismatch, match="exchange rate is not said"):
        interpret("charge.dispute.funds_withdrawn", dispute("needs_response", balance_transactions=moves))


def test_what_is_read_counts_from_its_own_creation_so_that_any_event_is_newer() -> None:
    read = refund_now(Seen(refund(300, "succeeded", created=SECONDS - 5), live=False))
    assert read is not None
    assert {fact.said_time for fact in read.facts} == {Instant((SECONDS - 5) * SECOND)}


def test_an_event_that_does_not_say_when_is_known_by_when_we_were_told() -> None:
    seen = Seen(refund(300, "failed", created=SECONDS), live=False, event_time=None, receive_time=NOW)
    said = refund_now(seen)
    assert said is not None
    assert {(fact.said_time, fact.receive_time) for fact in said.facts} == {(None, NOW)}


@pytest.mark.parametrize(
    ("event_type", "document"),
    [
        ("charge.refunded", charge(300, payment_intent=None)),
        ("refund.created", refund(300, "succeeded", payment_intent=None)),
        ("charge.dispute.funds_withdrawn", dispute("needs_response", payment_intent=None)),
        ("customer.created", {"id": "cus_1"}),
    ],
)
def test_what_is_of_no_payment_intent_tells_nothing(event_type: str, document: dict[str, Any]) -> None:
    assert interpret(event_type, document) is None


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        {},
        {"account_id": "a"},
        NAME._asdict() | {"account_id": "../account"},
        NAME._asdict() | {"purchase_id": "X"},
    ],
)
def test_what_is_no_name_of_a_purchase_is_no_hint(metadata: Any) -> None:
    said = told("checkout.session.completed", session(metadata=metadata, client_reference_id=None))
    assert said.purchase is None


def test_the_reference_of_a_session_is_no_hint_for_whoever_opens_a_payment_link_may_set_it() -> None:
    said = told("checkout.session.completed", session(metadata={"account_id": NAME.account_id}))
    assert (said.purchase, said.checkout) == (None, SESSION)


@pytest.mark.parametrize(
    ("event_type", "document"),
    [
        ("checkout.session.completed", session(amount_total=None)),
        ("checkout.session.completed", session(amount_total=10.5)),
        ("checkout.session.completed", session(amount_total=-1)),
        ("checkout.session.completed", session(amount_total=2**63)),
        ("checkout.session.completed", session(currency=None)),
        ("checkout.session.completed", session(id="../cs_1")),
        ("checkout.session.completed", session(payment_intent="pi/1")),
        ("payment_intent.succeeded", intent(amount_received=True)),
        ("charge.refunded", charge(0, amount_refunded="300")),
        ("charge.refunded", charge(300, currency=None)),
        ("charge.refunded", charge(300, refunds={"data": [refund(300, "succeeded", currency="usd")]})),
        ("refund.created", refund(300, "paid")),
        ("refund.created", refund(300, "succeeded", currency="baht")),
        ("charge.dispute.created", dispute("needs_response", currency=None)),
        ("charge.dispute.created", dispute("needs_response", -1.5)),  # type: ignore[arg-type]
        ("charge.dispute.created", dispute("needs_response", 2**63)),
    ],
)
def test_what_is_not_as_documented_is_for_a_person(event_type: str, document: dict[str, Any]) -> None:
    with pytest.raises(ReportMismatch):
        interpret(event_type, document)


BOUGHT = [
    ("payment_intent.payment_failed", declined()),
    ("payment_intent.succeeded", intent()),
    ("checkout.session.completed", session(payment_status="unpaid")),
    ("checkout.session.completed", session()),
    ("checkout.session.async_payment_succeeded", session()),
]
REFUNDED_PARTLY = [
    ("refund.created", refund(300, "pending")),
    ("charge.refunded", charge(300)),
    ("refund.updated", refund(300, "succeeded")),
]
REFUND_FAILED = [
    ("refund.created", refund(500, "pending", "re_2")),
    ("charge.refunded", charge(800)),
    ("charge.refund.updated", refund(500, "failed", "re_2")),
    ("refund.failed", refund(500, "failed", "re_2")),
]
DISPUTED = [
    ("charge.dispute.created", dispute("needs_response")),
    ("charge.dispute.funds_withdrawn", dispute("needs_response", -1000)),
    ("charge.dispute.updated", dispute("under_review", -1000)),
]
WON = [
    ("charge.dispute.funds_reinstated", dispute("won", -1000, 1000)),
    ("charge.dispute.closed", dispute("won", -1000, 1000)),
]

STORIES = {
    "never paid": ([*BOUGHT[:1], ("checkout.session.expired", session(payment_status="unpaid"))], 0, 0, 0, 0),
    "bought": (BOUGHT, 1000, 0, 0, 0),
    "refunded partly": (BOUGHT + REFUNDED_PARTLY, 1000, 300, 0, 0),
    "a second refund failed": (BOUGHT + REFUNDED_PARTLY + REFUND_FAILED, 1000, 300, 0, 0),
    "disputed": (BOUGHT + DISPUTED, 1000, 0, 1000, 1),
    "refunded and disputed": (BOUGHT + REFUNDED_PARTLY + DISPUTED, 1000, 300, 1000, 1),
    "dispute won": (BOUGHT + DISPUTED + WON, 1000, 0, 0, 0),
    "dispute lost": ([*BOUGHT, *DISPUTED, ("charge.dispute.closed", dispute("lost", -1000))], 1000, 0, 1000, 0),
    "inquiry closed": (
        [
            *BOUGHT,
            ("charge.dispute.created", dispute("warning_needs_response")),
            ("charge.dispute.closed", dispute("warning_closed")),
        ],
        1000,
        0,
        0,
        0,
    ),
}


@functools.cache
def reports_of(name: str) -> list[Report]:
    return [told(*event) for event in STORIES[name][0]]


def standing_after(reports: list[Report]) -> Standing:
    facts: dict[Any, Fact] = {}
    for report in reports:
        facts = merged(facts.values(), report.facts)
    return standing(facts.values())


@pytest.mark.parametrize("name", STORIES)
@given(data=st.data())
@settings(deadline=None)
def test_every_order_of_the_events_with_repeats_ends_the_same(name: str, data: st.DataObject) -> None:
    _, paid, refunded, disputed, open_disputes = STORIES[name]
    reports = reports_of(name)
    again = data.draw(st.lists(st.sampled_from(reports), max_size=5))
    stands = standing_after(data.draw(st.permutations(reports + again)))
    assert (stands.paid, stands.refunded, stands.disputed, stands.open_disputes) == (
        paid,
        refunded,
        disputed,
        open_disputes,
    )
    assert stands == standing_after(reports)
    assert (stands.state is PurchaseState.EXPIRED) == (name == "never paid")


def test_one_list_of_events_may_ask_for_all_types() -> None:
    """At most twenty: https://docs.stripe.com/api/events/list."""
    assert len(EVENT_TYPES) <= 20
