"""Staff list the events of providers, and replay or dismiss those that need them, with a reason that is kept."""

from collections.abc import Callable

import grpc
import pytest

from credit.v1 import account_pb2
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import payment_event_pb2 as event_pb
from creditd.domain.resource_names import payment_event_name
from creditd.ledger.ids import uuid7
from creditd.storage.payments import payment_events
from tests.contract.payments.events import dismiss, event_becomes, events_listed, replay, stripe_event_ingested
from tests.contract.payments.shopper import Shopper, event_state, facts_of, state_of
from tests.support.customer import Customer
from tests.support.error_reasons import documented
from tests.support.market import LEMON_SQUEEZY, PRICE, STRIPE
from tests.support.refusals import RefusedCall, refused
from tests.support.signed_webhooks import (
    body_of,
    lemon_squeezy_order,
    new_id,
    signed,
    stripe_payment,
)

UNKNOWN = "01890000-0000-7000-8000-000000000000"

EVENT_STATE = event_pb.PaymentEventState

DOCUMENTED = documented()


def parked(shopper: Shopper) -> event_pb.PaymentEvent:
    """Return an event of a payment whose amount is wrong."""
    payment = stripe_payment(shopper.buy().name, amount_received=PRICE + 1)
    return stripe_event_ingested(shopper, "payment_intent.succeeded", payment)


def acts_of(shopper: Shopper, event: event_pb.PaymentEvent) -> list[tuple[str, str, str]]:
    """Return what staff did with an event: what, who, why."""
    return [
        (event_pb.PaymentEventActKind.Name(act.kind).removeprefix("PAYMENT_EVENT_ACT_KIND_"), act.actor, act.reason)
        for act in shopper.shown(event.name).acts
    ]


@pytest.mark.requirement("C1", "E3")
def test_once_the_account_is_open_again_what_was_paid_is_there_without_anybody(
    shopper: Shopper, customer: Customer
) -> None:
    purchase = shopper.buy()
    customer.top_up(1)
    customer.become(account_pb2.ACCOUNT_STATUS_CLOSED, allow_balance=True)
    event = stripe_event_ingested(shopper, "payment_intent.succeeded", stripe_payment(purchase.name))
    assert (event_state(event), event.problem.partition(":")[0]) == ("PARKED", "ACCOUNT_CLOSED")
    customer.become(account_pb2.ACCOUNT_STATUS_ACTIVE)
    applied = event_becomes(shopper, event, "APPLIED")
    assert (applied.purchase, applied.account_id, applied.problem) == (purchase.name, shopper.account_id, "")
    assert acts_of(shopper, applied) == []
    assert state_of(shopper.purchase(purchase.name)) == "COMPLETED"
    assert shopper.figures() == (101, 0)


@pytest.mark.requirement("E3")
def test_a_replay_that_mends_nothing_does_no_harm(shopper: Shopper) -> None:
    event = parked(shopper)
    for count in (1, 2):
        replay(shopper, event)
        again = event_becomes(shopper, event, "PARKED")
        assert (again.problem, again.attempts) == (event.problem, 1)
        assert [act for act, _, _ in acts_of(shopper, again)] == ["REPLAY"] * count
    assert shopper.figures() == (0, 0)


@pytest.mark.requirement("D2")
def test_a_dismissed_event_stays_aside_with_who_and_why(shopper: Shopper) -> None:
    event = parked(shopper)
    aside = dismiss(shopper, event, "a test payment")
    assert (event_state(aside), aside.problem) == ("DISMISSED", event.problem)
    seen = shopper.shown(event.name)
    assert acts_of(shopper, event) == [("DISMISS", "staff", "a test payment")]
    assert seen.acts[0].create_time == seen.payment_event.update_time
    assert event.name not in {one.name for one in events_listed(shopper, state=EVENT_STATE.PAYMENT_EVENT_STATE_PARKED)}


def test_a_dismissed_event_may_be_replayed(shopper: Shopper) -> None:
    event = parked(shopper)
    dismiss(shopper, event, "first")
    replay(shopper, event, "second")
    assert [reason for _, _, reason in acts_of(shopper, event_becomes(shopper, event, "PARKED"))] == ["first", "second"]


def test_the_last_acts_are_shown_and_how_many_there_are(shopper: Shopper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payment_events, "MAX_ACTS", 2)
    event = parked(shopper)
    assert shopper.shown(event.name).act_count == 0
    for reason in ("first", "second", "third"):
        replay(shopper, event_becomes(shopper, event, "PARKED"), reason)
    shown = shopper.shown(event.name)
    assert ([act.reason for act in shown.acts], shown.act_count) == (["second", "third"], 3)


def _of_no_interest(shopper: Shopper) -> event_pb.PaymentEvent:
    return stripe_event_ingested(shopper, "customer.created", {"id": new_id("cus")})


def _applied(shopper: Shopper) -> event_pb.PaymentEvent:
    return stripe_event_ingested(shopper, "payment_intent.succeeded", stripe_payment(shopper.buy().name))


def _pending(shopper: Shopper) -> event_pb.PaymentEvent:
    return stripe_event_ingested(shopper, "payment_intent.succeeded", stripe_payment())


def _dismissed(shopper: Shopper) -> event_pb.PaymentEvent:
    event = parked(shopper)
    dismiss(shopper, event)
    return shopper.event_called(event.name)


def assert_told_where_it_stands(refusal: RefusedCall, event: event_pb.PaymentEvent) -> None:
    """Assert that a refusal is of the state that an event is in."""
    state = event_state(event)
    told = "PENDING" if state == "WAITING" else state
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, f"PAYMENT_EVENT_{told}")
    facts = {"payment_event": event.name} | ({"state": state} if told == "PENDING" else {})
    assert facts_of(refusal) == facts
    assert DOCUMENTED[refusal.reason].metadata.keys() == facts.keys()


@pytest.mark.parametrize("make", [_of_no_interest, _applied, _pending], ids=lambda make: make.__name__[1:])
def test_only_what_waits_for_a_person_is_replayed(
    shopper: Shopper, make: Callable[[Shopper], event_pb.PaymentEvent]
) -> None:
    event = make(shopper)
    request = payment_admin.ReplayPaymentEventRequest(name=event.name, reason="why not", request_id=uuid7())
    refusal = refused(shopper.staff.payment_admin.ReplayPaymentEvent, request)
    assert_told_where_it_stands(refusal, event)
    assert not acts_of(shopper, event)


@pytest.mark.parametrize("make", [_of_no_interest, _applied, _pending, _dismissed], ids=lambda make: make.__name__[1:])
def test_only_what_is_parked_is_dismissed(shopper: Shopper, make: Callable[[Shopper], event_pb.PaymentEvent]) -> None:
    event = make(shopper)
    before = acts_of(shopper, event)
    request = payment_admin.DismissPaymentEventRequest(name=event.name, reason="why not", request_id=uuid7())
    refusal = refused(shopper.staff.payment_admin.DismissPaymentEvent, request)
    assert_told_where_it_stands(refusal, event)
    assert acts_of(shopper, event) == before


def test_an_event_that_there_is_not_is_not_found(shopper: Shopper) -> None:
    for call, request in (
        (
            shopper.staff.payment_admin.GetPaymentEvent,
            payment_admin.GetPaymentEventRequest(name=payment_event_name(UNKNOWN)),
        ),
        (
            shopper.staff.payment_admin.ReplayPaymentEvent,
            payment_admin.ReplayPaymentEventRequest(name=payment_event_name(UNKNOWN), reason="r", request_id=uuid7()),
        ),
        (
            shopper.staff.payment_admin.DismissPaymentEvent,
            payment_admin.DismissPaymentEventRequest(name=payment_event_name(UNKNOWN), reason="r", request_id=uuid7()),
        ),
    ):
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "PAYMENT_EVENT_NOT_FOUND")
        assert facts_of(refusal) == {"payment_event": payment_event_name(UNKNOWN)}


@pytest.mark.parametrize(
    ("name", "reason", "field"),
    [
        ("", "r", "name"),
        ("paymentEvents/../x", "r", "name"),
        (payment_event_name(UNKNOWN), "", "reason"),
        (payment_event_name(UNKNOWN), "x" * 501, "reason"),
        (payment_event_name(UNKNOWN), "a\x00b", "reason"),
    ],
)
def test_an_act_without_a_proper_reason_or_event_is_refused(
    shopper: Shopper, name: str, reason: str, field: str
) -> None:
    for call, kind in (
        (shopper.staff.payment_admin.ReplayPaymentEvent, payment_admin.ReplayPaymentEventRequest),
        (shopper.staff.payment_admin.DismissPaymentEvent, payment_admin.DismissPaymentEventRequest),
    ):
        refusal = refused(call, kind(name=name, reason=reason, request_id=uuid7()))
        assert (refusal.reason, refusal.violations) == ("INVALID_FIELD", [field])


def test_events_are_listed_by_state_and_provider_newest_first(shopper: Shopper) -> None:
    wrong, paid = parked(shopper), _applied(shopper)
    everything = events_listed(shopper)
    ids = [event.name for event in everything]
    assert ids.index(paid.name) < ids.index(wrong.name)
    assert ids == sorted(ids, reverse=True)
    in_parked = events_listed(shopper, state=EVENT_STATE.PAYMENT_EVENT_STATE_PARKED)
    assert {event_state(event) for event in in_parked} == {"PARKED"}
    assert wrong.name in {event.name for event in in_parked}
    order = lemon_squeezy_order(shopper.buy(LEMON_SQUEEZY).name, event="license_key_created")
    shopper.staff.webhook.IngestWebhook(signed(shopper.market, LEMON_SQUEEZY, body_of(order)))
    assert {event.provider for event in events_listed(shopper, provider=LEMON_SQUEEZY)} == {LEMON_SQUEEZY}


def test_pages_of_events_follow_one_another(shopper: Shopper) -> None:
    made = [_of_no_interest(shopper).name for _ in range(3)][::-1]
    first = shopper.staff.payment_admin.ListPaymentEvents(payment_admin.ListPaymentEventsRequest(page_size=2))
    rest = payment_admin.ListPaymentEventsRequest(page_size=1, page_token=first.next_page_token)
    second = shopper.staff.payment_admin.ListPaymentEvents(rest)
    pages = [*first.payment_events, *second.payment_events]
    assert [event.name for event in pages] == made
    other = payment_admin.ListPaymentEventsRequest(page_token=first.next_page_token, provider=STRIPE)
    assert refused(shopper.staff.payment_admin.ListPaymentEvents, other).reason == "PAGE_TOKEN_INVALID"
