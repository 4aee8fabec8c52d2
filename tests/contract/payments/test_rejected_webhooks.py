"""Webhooks that are not authentic are refused, counted as security events, and nothing of them is kept (E7)."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping

import grpc
import pytest

from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import rejected_webhooks_pb2
from credit.v1 import webhook_service_pb2 as webhook_pb
from creditd.telemetry.metrics import make_registry
from creditd.telemetry.payment_metrics import PaymentMetrics
from tests.contract.payments.shopper import LABELS, PROVIDER_NAMES, Shopper, facts_of
from tests.support.market import LEMON_SQUEEZY, OMISE, STRIPE
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.signed_webhooks import (
    SIGN,
    body_of,
    ingesting,
    lemon_squeezy_order,
    new_id,
    seconds_now,
    signed,
    stripe_event,
    stripe_payment,
)

pytestmark = pytest.mark.requirement("E7")

Forge = Callable[[Shopper, int, bytes], webhook_pb.IngestWebhookRequest]


def document_of(shopper: Shopper, provider: int) -> dict[str, object]:
    """Return what a provider could send of a purchase that is paid."""
    if provider == OMISE:
        return {"object": "event", "id": new_id("evnt_test"), "livemode": False, "key": "charge.complete", "data": {}}
    name = shopper.buy(provider).name
    if provider == STRIPE:
        return stripe_event("payment_intent.succeeded", stripe_payment(name))
    return lemon_squeezy_order(name)


def _with(change: Callable[[str], str]) -> Forge:
    """Return what changes every header of a webhook."""

    def forge(shopper: Shopper, provider: int, body: bytes) -> webhook_pb.IngestWebhookRequest:
        request = signed(shopper.market, provider, body)
        for header in request.headers:
            header.value = change(header.value)
        return request

    return forge


def _by(secret: bytes) -> Forge:
    def forge(shopper: Shopper, provider: int, body: bytes) -> webhook_pb.IngestWebhookRequest:
        return ingesting(provider, body, SIGN[provider](secret, body, seconds_now(shopper.market)))

    return forge


def _re_serialised(shopper: Shopper, provider: int, body: bytes) -> webhook_pb.IngestWebhookRequest:
    request = signed(shopper.market, provider, body)
    request.body = json.dumps(json.loads(body), separators=(",", ":")).encode()
    return request


def _changed(shopper: Shopper, provider: int, body: bytes) -> webhook_pb.IngestWebhookRequest:
    request = signed(shopper.market, provider, body)
    request.body = body.replace(b'"', b'" ', 1)
    return request


FORGED: Mapping[str, Forge] = {
    "another's secret": _by(b"whsec_another"),
    "an empty secret": _by(b""),
    "another body": _changed,
    "the same JSON written anew": _re_serialised,
    "cut off": _with(lambda value: value[:-2]),
    "longer": _with(lambda value: value + "00"),
    "not ASCII": _with(lambda value: value + "é"),
    "letters beyond hex": _with(lambda value: value[:-1] + "z"),
    "digits of other scripts": _with(lambda value: value.translate({ord("0") + n: 0x660 + n for n in range(10)})),
    "spaces": _with(lambda _: " "),
    "commas": _with(lambda _: ",,,=,=" * 50),
}


def told(shopper: Shopper, provider: int, reason: str) -> tuple[int, str]:
    """Return how many of a provider's webhooks were rejected for a reason, and where the last one came from."""
    listed = shopper.staff.payment_admin.ListRejectedWebhooks(
        payment_admin.ListRejectedWebhooksRequest(page_size=100)
    ).rejected_webhooks
    number = rejected_webhooks_pb2.RejectionReason.Value(f"REJECTION_REASON_{reason.upper()}")
    rows = [row for row in listed if (row.provider, row.reason) == (provider, number)]
    return sum(row.count for row in rows), rows[0].last_remote_address if rows else ""


def measured(shopper: Shopper, provider: int, reason: str) -> float:
    """Return what the metric says of it."""
    registry = make_registry(PaymentMetrics(shopper.market.service.core.payment_statistics))
    labels = {"provider": LABELS[provider], "reason": reason}
    return registry.get_sample_value("creditd_payments_rejected_total", labels) or 0.0


def require_rejected(shopper: Shopper, request: webhook_pb.IngestWebhookRequest, problem: str) -> None:
    """Have a webhook rejected for a reason, counted, and nothing stored."""
    before = measured(shopper, request.provider, problem)
    newest = shopper.market.events()[:1]
    refusal = refused(shopper.staff.webhook.IngestWebhook, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "WEBHOOK_REJECTED")
    assert facts_of(refusal) == {"problem": problem}
    assert measured(shopper, request.provider, problem) == before + 1
    assert [event.name for event in shopper.market.events()[:1]] == [event.name for event in newest]


def require_told(shopper: Shopper, provider: int, problem: str, remote_address: str) -> None:
    """Require that staff are soon told of as many as the metric counts, and where the last one came from."""
    expected = measured(shopper, provider, problem), remote_address
    eventually(lambda: told(shopper, provider, problem) == expected)


@pytest.mark.requirement("E2")
@pytest.mark.parametrize("provider", [STRIPE, OMISE, LEMON_SQUEEZY], ids=PROVIDER_NAMES.get)
@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_signature_is_rejected(shopper: Shopper, provider: int, forged: str) -> None:
    request = FORGED[forged](shopper, provider, body_of(document_of(shopper, provider)))
    require_rejected(shopper, request, "bad_signature")
    assert shopper.figures() == (0, 0)


@pytest.mark.parametrize("provider", [STRIPE, OMISE, LEMON_SQUEEZY], ids=PROVIDER_NAMES.get)
@pytest.mark.parametrize("value", [None, ""])
def test_without_a_signature_it_is_rejected_as_such(shopper: Shopper, provider: int, value: str | None) -> None:
    request = signed(shopper.market, provider, body_of(document_of(shopper, provider)))
    names = [header.name for header in request.headers]
    headers = [] if value is None else [(name, value) for name in names]
    require_rejected(shopper, ingesting(provider, request.body, headers), "no_signature")


@pytest.mark.parametrize("provider", [STRIPE, OMISE], ids=PROVIDER_NAMES.get)
@pytest.mark.parametrize(("age", "problem"), [(310, "too_old"), (-310, "in_the_future"), (10**9, "too_old")])
def test_an_old_or_future_signature_is_rejected(shopper: Shopper, provider: int, age: int, problem: str) -> None:
    body = body_of(document_of(shopper, provider))
    require_rejected(shopper, signed(shopper.market, provider, body, age), problem)


@pytest.mark.parametrize("age", [290, -290])
def test_within_five_minutes_either_way_it_is_taken(shopper: Shopper, age: int) -> None:
    document = stripe_event("customer.created", {"id": new_id("cus"), "object": "customer"})
    assert shopper.staff.webhook.IngestWebhook(signed(shopper.market, STRIPE, body_of(document), age)).result


def test_a_signature_of_an_older_scheme_counts_for_nothing(shopper: Shopper) -> None:
    """Stripe's v0 is for its own test events alone."""
    request = signed(shopper.market, STRIPE, body_of(document_of(shopper, STRIPE)))
    request.headers[0].value = request.headers[0].value.replace("v1=", "v0=")
    require_rejected(shopper, request, "bad_signature")


@pytest.mark.parametrize("provider", [STRIPE, OMISE, LEMON_SQUEEZY], ids=PROVIDER_NAMES.get)
def test_staff_are_told_how_many_were_rejected_for_which_reason(shopper: Shopper, provider: int) -> None:
    body = body_of(document_of(shopper, provider))
    requests = {
        "no_signature": ingesting(provider, body, []),
        "bad_signature": FORGED["another's secret"](shopper, provider, body),
        "malformed": signed(shopper.market, provider, b"[]"),
    }
    for problem, request in requests.items():
        require_rejected(shopper, request, problem)
    for problem in requests:
        require_told(shopper, provider, problem, "192.0.2.1")
    listed = shopper.staff.payment_admin.ListRejectedWebhooks(
        payment_admin.ListRejectedWebhooksRequest(page_size=100)
    ).rejected_webhooks
    for row in listed:
        assert row.hour.seconds % 3_600 == row.hour.nanos == 0
        assert 0 <= row.last_time.seconds - row.hour.seconds <= 3_600
    assert [row.hour.seconds for row in listed] == sorted((row.hour.seconds for row in listed), reverse=True)


def test_an_address_cannot_break_the_log(shopper: Shopper) -> None:
    request = ingesting(STRIPE, b"{}", [])
    request.remote_address = "192.0.2.1\n\x00\x1b[2J"
    refused(shopper.staff.webhook.IngestWebhook, request)
    eventually(lambda: told(shopper, STRIPE, "no_signature")[1] == "192.0.2.1???[2J")


def test_what_a_forged_webhook_said_shows_nowhere(shopper: Shopper) -> None:
    marker = new_id("marker")
    refused(shopper.staff.webhook.IngestWebhook, ingesting(STRIPE, marker.encode(), [("stripe-signature", marker)]))
    listed = shopper.staff.payment_admin.ListRejectedWebhooks(payment_admin.ListRejectedWebhooksRequest(page_size=100))
    assert marker not in f"{listed}{shopper.market.events()}"


def test_the_same_over_http_is_a_400_and_counted_with_where_it_came_from(shopper: Shopper) -> None:
    before = measured(shopper, LEMON_SQUEEZY, "bad_signature")
    request = urllib.request.Request(  # noqa: S310 - our own adapter.
        f"{shopper.market.webhooks_url}/webhooks/lemonsqueezy", b"{}", {"X-Signature": "00" * 32}
    )
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(request)  # noqa: S310 - our own adapter.
    assert answer.value.code == 400
    assert measured(shopper, LEMON_SQUEEZY, "bad_signature") == before + 1
    require_told(shopper, LEMON_SQUEEZY, "bad_signature", "127.0.0.1")
