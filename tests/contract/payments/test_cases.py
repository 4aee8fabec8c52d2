"""Cases: what belongs to us and cannot be applied is shown to a person once, and ends when nothing is left to do."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import account_pb2, payment_event_pb2, purchase_pb2
from credit.v1 import payment_admin_service_pb2 as payment_admin
from creditd.domain.payments.provider import Provider
from tests.contract.payments.events import dismiss, event_becomes, events_listed, replay, stripe_event_ingested
from tests.contract.payments.reconciliation import listed_at_stripe, paid_unheard, reconciled, unheard
from tests.contract.payments.shopper import PROVIDER_NAMES, Shopper, event_state, state_of
from tests.support.customer import Customer
from tests.support.market import LEMON_SQUEEZY, OMISE, PRICE, STRIPE
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.signed_webhooks import body_of, key_of, new_id, signed, stripe_event, stripe_payment

PARKED = payment_event_pb2.PAYMENT_EVENT_STATE_PARKED

Event = payment_event_pb2.PaymentEvent


def shown(shopper: Shopper, reference: str) -> list[Event]:
    """Return what a person is shown that has an id of the provider's."""
    return [event for event in events_listed(shopper, state=PARKED) if reference in event.waits_for]


def finds_of(shopper: Shopper, provider: int, reference: str) -> list[bool]:
    """Compare, and return for each find of something whether it was applied."""
    finds, _ = reconciled(shopper, provider)
    return [find.applied for find in finds if find.reference == reference]


def refund_of(payment: dict[str, Any], amount: int = PRICE) -> dict[str, Any]:
    """Return a refund of a payment as Stripe tells of it: without our metadata."""
    known = {"id": new_id("re"), "object": "refund", "amount": amount, "currency": "thb", "status": "succeeded"}
    return known | {"payment_intent": payment["id"], "charge": payment["latest_charge"], "metadata": {}}


# What belongs to us and cannot be placed.


def test_an_order_of_ours_that_no_webhook_told_of_is_shown_once_and_placed_by_a_person(shopper: Shopper) -> None:
    purchase = paid_unheard(shopper, LEMON_SQUEEZY)
    (order,) = (
        f"order:{one['id']}"
        for one in shopper.market.fakes.lemonsqueezy.orders.values()
        if purchase.name.rpartition("/")[2] in str(one)
    )
    for _ in range(2):
        assert finds_of(shopper, LEMON_SQUEEZY, order) == [False]
    (case,) = shown(shopper, order)
    assert f"it may be for {purchase.name}" in case.problem
    assert state_of(shopper.purchase(purchase.name)) == "PENDING"
    replay(shopper, case, "the payer's mail says so")
    shopper.becomes(purchase.name, "COMPLETED")
    assert shopper.figures() == (100, 0)
    assert event_becomes(shopper, case, "APPLIED").purchase == purchase.name
    assert finds_of(shopper, LEMON_SQUEEZY, order) == []


def test_a_look_at_an_open_purchase_shows_it_too_and_one_case_stays_one(shopper: Shopper) -> None:
    purchase = paid_unheard(shopper, LEMON_SQUEEZY)
    shopper.market.service.clock.advance(61)
    suggested = f"it may be for {purchase.name}"
    cases = eventually(lambda: [e for e in events_listed(shopper, state=PARKED) if suggested in e.problem])
    reconciled(shopper, LEMON_SQUEEZY)
    assert [e for e in events_listed(shopper, state=PARKED) if suggested in e.problem] == cases
    assert len(cases) == 1


def test_a_live_subscription_that_no_account_knows_is_shown_until_a_person_puts_it_aside(shopper: Shopper) -> None:
    made: list[str] = []
    fake = shopper.market.fakes.lemonsqueezy
    unheard(shopper, lambda: made.append(shopper.market.act(fake.subscribe, shopper.account_id)))
    reference = f"subscription:{made[0]}"
    for _ in range(2):
        assert finds_of(shopper, LEMON_SQUEEZY, reference) == [False]
    (case,) = shown(shopper, reference)
    dismiss(shopper, case, "a friend of the house")
    assert finds_of(shopper, LEMON_SQUEEZY, reference) == []
    assert shown(shopper, reference) == []


def test_a_subscription_that_was_shown_is_placed_by_itself_once_it_says_whose_it_is(shopper: Shopper) -> None:
    made: list[str] = []
    fake = shopper.market.fakes.lemonsqueezy
    unheard(shopper, lambda: made.append(shopper.market.act(fake.subscribe, shopper.account_id)))
    finds_of(shopper, LEMON_SQUEEZY, f"subscription:{made[0]}")
    (case,) = shown(shopper, f"subscription:{made[0]}")
    shopper.market.act(fake.renew, made[0])
    assert event_becomes(shopper, case, "APPLIED").account_id == shopper.account_id


def test_a_payment_that_names_a_purchase_of_ours_that_there_is_not_is_one_case_however_it_is_met(
    shopper: Shopper,
) -> None:
    payment = stripe_payment(f"accounts/{shopper.account_id}/purchases/01890000-0000-7000-8000-000000000000")
    listed_at_stripe(shopper, payment)
    for _ in range(2):
        assert finds_of(shopper, STRIPE, payment["id"]) == [False]
    (case,) = shown(shopper, payment["id"])
    assert case.account_id == shopper.account_id
    dismiss(shopper, case)
    assert finds_of(shopper, STRIPE, payment["id"]) == []


def test_another_sale_on_the_same_account_at_the_provider_is_no_case(shopper: Shopper) -> None:
    payment = stripe_payment()
    listed_at_stripe(shopper, payment)
    assert finds_of(shopper, STRIPE, payment["id"]) == []
    assert shown(shopper, payment["id"]) == []


# A case ends.


def paid_twice(shopper: Shopper) -> tuple[purchase_pb2.Purchase, dict[str, Any], Event]:
    """Have a purchase paid twice; return it as it was after the first payment, the second one, and its event."""
    purchase = shopper.bought()
    second = stripe_payment(purchase.name)
    return purchase, second, stripe_event_ingested(shopper, "payment_intent.succeeded", second)


@pytest.mark.requirement("E5")
def test_a_second_payment_given_back_at_the_provider_ends_its_case_by_itself(shopper: Shopper) -> None:
    purchase, second, event = paid_twice(shopper)
    assert event_state(event) == "PARKED"
    assert shopper.purchase(purchase.name).extra_amount_left == PRICE
    assert shopper.overview().extra_payments == 1
    refund = stripe_event_ingested(shopper, "refund.created", refund_of(second))
    assert (event_state(refund), refund.purchase, refund.account_id) == ("APPLIED", purchase.name, shopper.account_id)
    assert event_state(shopper.event_called(event.name)) == "APPLIED"
    stands = shopper.purchase(purchase.name)
    assert (state_of(stands), stands.extra_amount_left, list(stands.extra_payment_ids)) == (
        "COMPLETED",
        0,
        [second["id"]],
    )
    assert (shopper.overview().extra_payments, shopper.figures()) == (0, (100, 0))


@pytest.mark.requirement("E5")
def test_the_first_payment_given_back_instead_leaves_the_second_to_pay(shopper: Shopper) -> None:
    purchase, second, event = paid_twice(shopper)
    unheard(shopper, lambda: shopper.market.act(shopper.market.fakes.stripe.refund, purchase.payment_id))
    reconciled(shopper, STRIPE)
    stands = shopper.when(purchase.name, lambda seen: seen.payment_id == second["id"])
    assert (state_of(stands), stands.extra_amount_left, list(stands.extra_payment_ids)) == (
        "COMPLETED",
        0,
        [purchase.payment_id],
    )
    assert event_state(shopper.event_called(event.name)) == "APPLIED"
    assert shopper.figures() == (100, 0)


def test_half_of_a_second_payment_given_back_leaves_the_case_open(shopper: Shopper) -> None:
    purchase, second, event = paid_twice(shopper)
    stripe_event_ingested(shopper, "refund.created", refund_of(second, PRICE // 2))
    assert shopper.purchase(purchase.name).extra_amount_left == PRICE // 2
    assert event_state(shopper.event_called(event.name)) == "PARKED"
    stripe_event_ingested(shopper, "refund.created", refund_of(second, PRICE // 2))
    assert event_state(shopper.event_called(event.name)) == "APPLIED"


def test_what_is_parked_keeps_its_owner_and_is_listed_by_account_purchase_and_time(shopper: Shopper) -> None:
    purchase = shopper.buy()
    wrong = stripe_event_ingested(
        shopper, "payment_intent.succeeded", stripe_payment(purchase.name, amount_received=PRICE + 1)
    )
    other = shopper.another("other")
    stripe_event_ingested(other, "payment_intent.succeeded", stripe_payment(other.buy().name))
    assert (wrong.account_id, wrong.purchase) == (shopper.account_id, purchase.name)
    for fields in ({"account_id": shopper.account_id}, {"purchase": purchase.name}):
        assert [event.name for event in events_listed(shopper, **fields)] == [wrong.name]
    at = wrong.receive_time
    after = Timestamp(seconds=at.seconds, nanos=at.nanos + 1_000)
    assert wrong.name in {event.name for event in events_listed(shopper, start_time=at, end_time=after)}
    assert wrong.name not in {event.name for event in events_listed(shopper, end_time=at)}
    assert wrong.name not in {event.name for event in events_listed(shopper, start_time=after)}


def test_the_token_of_a_page_is_of_its_filter_alone(shopper: Shopper) -> None:
    for _ in range(2):
        stripe_event_ingested(
            shopper, "payment_intent.succeeded", stripe_payment(shopper.buy().name, amount_received=1)
        )
    first = shopper.staff.payment_admin.ListPaymentEvents(
        payment_admin.ListPaymentEventsRequest(page_size=1, account_id=shopper.account_id)
    )
    token = first.next_page_token
    assert token
    (second,) = events_listed(shopper, account_id=shopper.account_id, page_token=token)
    assert second.name < first.payment_events[0].name
    for account, purchase in (("", ""), ("somebody", ""), ("", second.purchase)):
        request = payment_admin.ListPaymentEventsRequest(page_token=token, account_id=account, purchase=purchase)
        assert refused(shopper.staff.payment_admin.ListPaymentEvents, request).reason == "PAGE_TOKEN_INVALID"


# A fact and its consequence.


@pytest.mark.requirement("C1", "E6")
def test_a_plan_that_ended_while_the_account_was_closed_is_over_when_it_is_open_again(
    shopper: Shopper, customer: Customer
) -> None:
    fake = shopper.market.fakes.lemonsqueezy
    subscription = shopper.market.act(fake.subscribe, shopper.account_id)
    shopper.figures()
    eventually(lambda: shopper.account().plan.kind == account_pb2.PLAN_KIND_UNLIMITED)
    customer.become(account_pb2.ACCOUNT_STATUS_CLOSED, allow_balance=True)
    shopper.market.act(fake.expire, subscription)
    shopper.quiet()
    customer.become(account_pb2.ACCOUNT_STATUS_ACTIVE)
    assert shopper.account().plan.kind == account_pb2.PLAN_KIND_STANDARD
    assert events_listed(shopper, account_id=shopper.account_id, state=PARKED) == []


# A hint read too early.


def omise_hint(purchase: purchase_pb2.Purchase) -> dict[str, Any]:
    """Return a hint about a purchase's charge."""
    data = {"object": "charge", "id": purchase.provider_reference}
    event_id = new_id("evnt_test")
    return {"object": "event", "id": event_id, "livemode": False, "key": "charge.complete", "data": data}


def hinted(shopper: Shopper, hint: dict[str, Any]) -> Event:
    """Hand a hint in, and return its event once it was read."""
    shopper.staff.webhook.IngestWebhook(signed(shopper.market, OMISE, body_of(hint)))
    return shopper.settled(key_of(hint))


@pytest.mark.requirement("E3")
def test_a_hint_that_came_before_the_payment_is_read_again_when_it_comes_again(shopper: Shopper) -> None:
    purchase = shopper.buy(OMISE)
    hint = omise_hint(purchase)
    early = event_becomes(shopper, hinted(shopper, hint), "WAITING")
    assert (early.account_id, early.purchase) == (shopper.account_id, purchase.name)
    unheard(shopper, lambda: shopper.pay(purchase))
    shopper.staff.webhook.IngestWebhook(signed(shopper.market, OMISE, body_of(hint)))
    shopper.becomes(purchase.name, "COMPLETED")
    assert event_state(event_becomes(shopper, early, "APPLIED")) == "APPLIED"
    assert shopper.kinds() == ["TOP_UP"]


@pytest.mark.requirement("E3")
def test_a_hint_that_came_before_the_payment_is_read_again_by_itself(shopper: Shopper) -> None:
    purchase = shopper.buy(OMISE)
    early = hinted(shopper, omise_hint(purchase))
    unheard(shopper, lambda: shopper.pay(purchase))
    # Nobody says anything more; the next read is a few seconds after the first.
    event_becomes(shopper, early, "APPLIED")
    assert state_of(shopper.purchase(purchase.name)) == "COMPLETED"


def test_a_later_hint_about_the_same_charge_wakes_an_earlier_one(shopper: Shopper) -> None:
    purchase = shopper.buy(OMISE)
    early = hinted(shopper, omise_hint(purchase))
    unheard(shopper, lambda: shopper.pay(purchase))
    hinted(shopper, omise_hint(purchase))
    event_becomes(shopper, early, "APPLIED")
    assert shopper.kinds() == ["TOP_UP"]


# What names nothing of ours.


def test_a_foreign_payment_is_tried_once_and_waits_without_an_alarm(shopper: Shopper) -> None:
    event = stripe_event_ingested(shopper, "payment_intent.succeeded", stripe_payment())
    assert (event_state(event), event.attempts, event.account_id) == ("WAITING", 1, "")
    waited = event.next_attempt_time.seconds - event.receive_time.seconds
    assert waited == 3 * 86_400
    statistics = shopper.market.service.core.payment_statistics
    eventually(lambda: statistics.waiting > 0, 20)
    eventually(lambda: (statistics.pending, statistics.oldest_pending_seconds) == (0, 0), 20)


@pytest.mark.parametrize("provider", [STRIPE, OMISE, LEMON_SQUEEZY], ids=PROVIDER_NAMES.get)
def test_a_webhook_wakes_the_worker_of_its_own_provider_alone(
    shopper: Shopper, provider: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = shopper.market.service.server.credit.payments
    woken = []
    for kind, worker in payments._inbox_workers.items():
        monkeypatch.setattr(worker.background, "wake", lambda kind=kind: woken.append(int(kind)))
    payments._wake(Provider(provider))
    assert woken == [provider]


def test_an_event_of_a_stripe_event_names_its_owner_before_it_is_tried(shopper: Shopper) -> None:
    purchase = shopper.bought()
    refund = refund_of({"id": purchase.payment_id, "latest_charge": new_id("ch")}, 1)
    event = stripe_event_ingested(shopper, "refund.created", refund)
    assert (event.account_id, event.purchase) == (shopper.account_id, purchase.name)
    document = stripe_event("charge.dispute.created", {"id": "no id!", "payment_intent": purchase.payment_id})
    shopper.staff.webhook.IngestWebhook(signed(shopper.market, STRIPE, body_of(document)))
    unfit = shopper.settled(key_of(document))
    assert (event_state(unfit), unfit.account_id, unfit.purchase) == ("PARKED", shopper.account_id, purchase.name)
