"""What no webhook told is found at the provider, applied, and told of (requirement E8)."""

from typing import Any

import grpc
import psycopg
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import payment_admin_service_pb2 as payment_admin
from creditd.domain.events.outbox import SCHEMA_VERSION, OutboxKind
from creditd.ledger.ids import uuid7
from creditd.service.payments import reconciliation
from tests.contract.payments.reconciliation import listed_at_stripe, paid_unheard, reconciled, unheard
from tests.contract.payments.shopper import LABELS, PROVIDER_NAMES, Shopper
from tests.support.event_schemas import require_schema
from tests.support.market import LEMON_SQUEEZY, OMISE, STRIPE
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.row_locks import WALLET, held
from tests.support.signed_webhooks import seconds_now, stripe_payment

pytestmark = pytest.mark.requirement("E8")

EVERY = [STRIPE, OMISE, LEMON_SQUEEZY]

NAMED = [STRIPE, OMISE]
"""Those of which every payment that is listed says what it is for. Lemon Squeezy's orders do not."""


def found_by(shopper: Shopper, provider: int, how: str) -> int:
    """Return how many finds of a kind there were so far, for the metric."""
    return shopper.market.service.core.payment_statistics.finds[LABELS[provider], how]


@pytest.mark.parametrize("provider", NAMED, ids=PROVIDER_NAMES.get)
def test_a_payment_that_no_webhook_told_of_is_found_and_applied(shopper: Shopper, provider: int) -> None:
    purchase = paid_unheard(shopper, provider)
    before = found_by(shopper, provider, "applied")
    finds, summary = reconciled(shopper, provider)
    ours = [find for find in finds if find.purchase == purchase.name]
    assert ours
    assert all(find.applied and find.reference and find.description for find in ours)
    assert summary.compared >= len(finds)
    assert found_by(shopper, provider, "applied") == before + summary.applied
    seen = shopper.becomes(purchase.name, "COMPLETED")
    assert shopper.figures() == (100, 0)
    assert shopper.history(seen)[-1] == ("COMPLETED", LABELS[provider])
    assert shopper.changes(seen.name)[-1].reason == "seen at the provider"
    told = announced(shopper)
    assert [kind for kind, _ in told] == ["TOP_UP_SUCCEEDED", "RECONCILED"]
    assert {payload["purchase"] for _, payload in told} == {purchase.name}


def announced(shopper: Shopper) -> list[tuple[str, dict[str, Any]]]:
    """Return what others are told of the account, in order; each keeps to its schema."""
    query = "SELECT kind, payload FROM outbox_events WHERE account_id = %s ORDER BY announce_time"
    with psycopg.connect(shopper.market.service.config.database_url) as connection:
        told = [(OutboxKind(kind).name, payload) for kind, payload in connection.execute(query, [shopper.account_id])]
    for kind, payload in told:
        require_schema(kind, SCHEMA_VERSION, payload)
    return told


@pytest.mark.parametrize("provider", NAMED, ids=PROVIDER_NAMES.get)
def test_a_second_comparison_finds_nothing_more(shopper: Shopper, provider: int) -> None:
    paid_unheard(shopper, provider)
    reconciled(shopper, provider)
    finds, summary = reconciled(shopper, provider)
    assert not [find for find in finds if find.applied]
    assert summary.compared
    assert shopper.kinds() == ["TOP_UP"]


def test_a_refund_that_no_webhook_told_of_is_found_too(shopper: Shopper) -> None:
    purchase = shopper.bought(LEMON_SQUEEZY)
    order_id = purchase.payment_id.removeprefix("order:")
    unheard(shopper, lambda: shopper.market.act(shopper.market.fakes.lemonsqueezy.refund, order_id, 50_000))
    reconciled(shopper, LEMON_SQUEEZY)
    shopper.becomes(purchase.name, "PARTIALLY_REFUNDED")
    assert shopper.figures() == (50, 0)


def test_a_webhook_that_comes_after_all_changes_nothing(shopper: Shopper) -> None:
    purchase = shopper.buy()
    shopper.market.fakes.outgoing.mischief.hold = True
    shopper.pay(purchase)
    reconciled(shopper, STRIPE)
    shopper.becomes(purchase.name, "COMPLETED")
    shopper.market.act(shopper.market.fakes.outgoing.release)
    shopper.quiet()
    assert shopper.kinds() == ["TOP_UP"]


def test_what_does_not_fit_is_told_and_left_for_a_person(shopper: Shopper) -> None:
    purchase = shopper.buy()
    session = shopper.market.fakes.stripe.sessions[purchase.provider_reference]
    session["amount_total"] -= 1
    unheard(shopper, lambda: shopper.pay(purchase))
    before = found_by(shopper, STRIPE, "unresolved")
    finds, summary = reconciled(shopper, STRIPE)
    ours = [find for find in finds if "999.99 THB was charged" in find.description]
    assert ours
    assert not any(find.applied for find in ours)
    assert found_by(shopper, STRIPE, "unresolved") == before + summary.unresolved
    assert shopper.figures() == (0, 0)


def test_a_wallet_that_is_held_keeps_no_other_from_being_compared(
    shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds it, and for however long: what is listed after its payment is found."""
    monkeypatch.setattr(reconciliation, "BUSY_PAUSES", (0.0,))
    stuck, other = shopper.another("stuck"), shopper.another("other")
    stuck.bought()
    found, held_up = paid_unheard(other, STRIPE), paid_unheard(stuck, STRIPE)
    with held(shopper.market.service.config.database_url, WALLET, stuck.account_id):
        finds, summary = reconciled(shopper, STRIPE)
    assert found.name in {find.purchase for find in finds if find.applied}
    left = [find.description for find in finds if not find.applied]
    assert len(left) == summary.unresolved
    assert any(description.startswith("it could not be recorded (RecordBusy)") for description in left)
    assert stuck.figures() == (100, 0)
    reconciled(shopper, STRIPE)
    stuck.becomes(held_up.name, "COMPLETED")


def test_another_sale_on_the_same_account_at_the_provider_is_no_find(shopper: Shopper) -> None:
    payment = stripe_payment()
    listed_at_stripe(shopper, payment)
    finds, summary = reconciled(shopper, STRIPE)
    assert summary.compared
    assert not [find for find in finds if find.reference == payment["id"]]


def test_a_payment_that_names_a_purchase_which_there_is_not_needs_a_person(shopper: Shopper) -> None:
    payment = stripe_payment(f"accounts/{shopper.account_id}/purchases/{uuid7()}")
    listed_at_stripe(shopper, payment)
    finds, _ = reconciled(shopper, STRIPE)
    (find,) = (find for find in finds if find.reference == payment["id"])
    assert (find.applied, find.purchase) == (False, "")
    assert find.description.startswith("no purchase is known for " + payment["id"])
    assert not shopper.entries()


def test_of_a_time_in_which_nothing_happened_nothing_is_compared(shopper: Shopper) -> None:
    shopper.bought()
    tomorrow = seconds_now(shopper.market) + 86_400
    for provider in EVERY:
        assert reconciled(shopper, provider, tomorrow) == ([], payment_admin.ReconciliationSummary())


@pytest.mark.parametrize("provider", EVERY, ids=PROVIDER_NAMES.get)
@pytest.mark.parametrize("how", ["error", "html"])
def test_a_provider_that_is_away_cannot_be_compared(shopper: Shopper, provider: int, how: str) -> None:
    shopper.misbehave(provider, how)
    request = payment_admin.ReconcilePaymentsRequest(provider=provider)  # type: ignore[arg-type]
    refusal = refused(shopper.staff.payment_admin.ReconcilePayments, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
    assert refusal.metadata["provider"] == LABELS[provider].upper()


@pytest.mark.parametrize(
    ("fields", "field"), [({}, "provider"), ({"provider": 9}, "provider"), ({"since": -(10**15)}, "since")], ids=str
)
def test_a_request_out_of_bounds_is_refused(shopper: Shopper, fields: dict[str, int], field: str) -> None:
    since = Timestamp(seconds=fields["since"]) if "since" in fields else None
    provider = fields.get("provider", STRIPE if since else 0)
    request = payment_admin.ReconcilePaymentsRequest(provider=provider, since=since)  # type: ignore[arg-type]
    refusal = refused(shopper.staff.payment_admin.ReconcilePayments, request)
    assert (refusal.reason, refusal.violations) == ("INVALID_FIELD", [field])


@pytest.mark.parametrize("provider", NAMED, ids=PROVIDER_NAMES.get)
def test_an_open_purchase_is_looked_at_by_itself_after_a_while(shopper: Shopper, provider: int) -> None:
    purchase = paid_unheard(shopper, provider)
    before = found_by(shopper, provider, "polled")
    shopper.market.service.clock.advance(61)
    seen = shopper.becomes(purchase.name, "COMPLETED")
    assert shopper.changes(seen.name)[-1].reason == "seen at the provider"
    assert shopper.figures() == (100, 0)
    assert eventually(lambda: found_by(shopper, provider, "polled") > before)


def test_a_checkout_made_unheard_is_found_though_its_caller_never_came_back(shopper: Shopper) -> None:
    request = shopper.buying()
    shopper.misbehave(STRIPE, "error", after_work=True)
    refused(shopper.staff.payment.CreatePurchase, request)
    shopper.behave(STRIPE)
    (pending,) = shopper.purchases()
    shopper.market.service.clock.advance(61)
    seen = shopper.when(pending.name, lambda purchase: purchase.provider_reference)
    assert shopper.checkouts() == [seen.provider_reference]
