"""What no webhook told of, and the comparison with a provider that finds it."""

from collections.abc import Callable

from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import payment_admin_service_pb2 as admin_pb
from credit.v1.purchase_pb2 import Purchase
from tests.contract.payments.shopper import Shopper
from tests.support.signed_webhooks import seconds_now, stripe_event


def reconciled(
    shopper: Shopper, provider: int, since_seconds: int | None = None
) -> tuple[list[admin_pb.ReconciliationFind], admin_pb.ReconciliationSummary]:
    """Compare a provider since the test began, unless it is told; return the finds and the summary that ends them."""
    since = Timestamp(seconds=shopper.begin_seconds if since_seconds is None else since_seconds)
    request = admin_pb.ReconcilePaymentsRequest(provider=provider, since=since)  # type: ignore[arg-type]
    *finds, last = shopper.staff.payment_admin.ReconcilePayments(request)
    assert {one.WhichOneof("outcome") for one in finds} <= {"find"}
    assert last.WhichOneof("outcome") == "summary"
    found = [one.find for one in finds]
    assert last.summary.applied == sum(find.applied for find in found)
    assert last.summary.unresolved == sum(not find.applied for find in found)
    return found, last.summary


def unheard(shopper: Shopper, act: Callable[[], object]) -> None:
    """Do something of which every webhook is lost."""
    shopper.market.fakes.outgoing.mischief.drop_every = 1
    act()
    shopper.market.fakes.outgoing.mischief.drop_every = 0


def paid_unheard(shopper: Shopper, provider: int) -> Purchase:
    """Buy, and pay while every webhook is lost."""
    bought: list[Purchase] = []
    # Of its making neither: Omise's webhooks are hints, and one that is read late tells of the payment.
    unheard(shopper, lambda: bought.append(shopper.buy(provider)))
    unheard(shopper, lambda: shopper.pay(bought[0]))
    return bought[0]


def listed_at_stripe(shopper: Shopper, payment: dict[str, object]) -> None:
    """Have Stripe list the event of a payment, of which no webhook was ever sent."""
    event = stripe_event("payment_intent.succeeded", payment, created=seconds_now(shopper.market))
    shopper.market.act(shopper.market.fakes.stripe.events.__setitem__, event["id"], event)
