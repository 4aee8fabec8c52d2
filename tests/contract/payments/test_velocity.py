"""Velocity rules over the wire: what happens too often flags or suspends, and a person clears it with a reason (C8)."""

from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from prometheus_client import CollectorRegistry

from credit.v1 import account_flag_pb2 as pb
from credit.v1 import account_pb2
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import webhook_service_pb2 as webhook
from creditd.ledger.ids import uuid7
from creditd.telemetry.payment_metrics import PaymentMetrics
from tests.contract.at_once import answers, at_once, reasons, was_replayed
from tests.contract.payments.audited import rows
from tests.contract.payments.shopper import Shopper
from tests.support.flags import raise_flag
from tests.support.market import SECONDS, STRIPE
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.signed_webhooks import body_of, key_of, metadata_of, new_id, signed, stripe_event

pytestmark = pytest.mark.requirement("C8")

FLAGGED, SUSPENDED = pb.VELOCITY_ACTION_FLAG, pb.VELOCITY_ACTION_SUSPEND
CLOSED_TO_SPENDING = account_pb2.ACCOUNT_STATUS_SUSPENDED


def attempts(purchase_name: str, count: int) -> list[dict[str, Any]]:
    """Return that so many cards in turn were declined for a purchase."""
    payment = new_id("pi")
    return [
        stripe_event(
            "payment_intent.payment_failed",
            {
                "id": payment,
                "object": "payment_intent",
                "status": "requires_payment_method",
                "currency": "thb",
                "latest_charge": new_id("ch"),
                "last_payment_error": {"code": "card_declined", "message": "It was declined."},
                "metadata": metadata_of(purchase_name),
            },
        )
        for _ in range(count)
    ]


def delivering(shopper: Shopper, document: dict[str, Any]) -> webhook.IngestWebhookRequest:
    return signed(shopper.market, STRIPE, body_of(document))


def fail(shopper: Shopper, count: int) -> None:
    """Have so many attempts at one purchase fail, one after the other."""
    for document in attempts(shopper.buy().name, count):
        shopper.staff.webhook.IngestWebhook(delivering(shopper, document))
        shopper.settled(key_of(document))


def flags(shopper: Shopper, by: SimpleNamespace | None = None, **fields: Any) -> list[pb.AccountFlag]:
    """Return the account's flags, newest first."""
    request = pb.ListAccountFlagsRequest(account_id=shopper.account_id, **fields)
    return list((by or shopper.staff).admin.ListAccountFlags(request).account_flags)


def clearing(name: str, **fields: Any) -> pb.ClearAccountFlagRequest:
    stated = {"reason": "it was a test of ours", "request_id": uuid7()} | fields
    return pb.ClearAccountFlagRequest(name=name, **stated)


def raised(shopper: Shopper) -> str:
    return raise_flag(shopper.market.service.config.database_url, shopper.account_id)


def test_sixteen_deliveries_at_once_flag_and_suspend_once(shopper: Shopper) -> None:
    """Each comes twice, as providers do; ten failures a day are allowed, and twelve do not suspend yet."""
    documents = [one for _ in range(4) for one in attempts(shopper.buy().name, 4)]
    requests = [delivering(shopper, document) for document in documents * 2]
    assert reasons(at_once(shopper.staff.webhook.IngestWebhook, requests)) == ["OK"] * 32
    for document in documents:
        shopper.settled(key_of(document))
    suspending, flagging = flags(shopper)
    assert (flagging.action, flagging.kind, flagging.most, flagging.event_count) == (FLAGGED, 1, 10, 11)
    assert (suspending.action, suspending.event_count, suspending.suspended) == (SUSPENDED, 13, True)
    assert shopper.account().status == CLOSED_TO_SPENDING
    told = rows(shopper.market.service.config.database_url, "account = %s", shopper.account_id)
    assert [row.kind for row in told] == ["account_flag.raise", "account.set_status", "account_flag.raise"]
    assert {row.actor for row in told} == {"velocity"}


def test_what_is_allowed_flags_nobody(shopper: Shopper) -> None:
    fail(shopper, 10)
    assert flags(shopper) == []


def test_a_suspended_account_spends_again_once_its_flag_is_cleared_with_activation(shopper: Shopper) -> None:
    shopper.bought()
    fail(shopper, 13)
    request = credit.DeductRequest(account_id=shopper.account_id, credit_type="chat", amount=1, request_id=uuid7())
    assert refused(shopper.staff.credit.Deduct, request).reason == "ACCOUNT_SUSPENDED"
    suspending, flagging = flags(shopper)
    shopper.staff.admin.ClearAccountFlag(clearing(flagging.name))
    assert shopper.account().status == CLOSED_TO_SPENDING
    cleared = shopper.staff.admin.ClearAccountFlag(clearing(suspending.name, activate=True)).account_flag
    assert cleared.activated
    assert shopper.account().status == account_pb2.ACCOUNT_STATUS_ACTIVE
    shopper.spend(1)
    # Both count anew.
    fail(shopper, 10)
    assert flags(shopper) == []
    fail(shopper, 1)
    assert [flag.event_count for flag in flags(shopper)] == [11]
    history = flags(shopper, show_cleared=True)
    assert [flag.clear_reason for flag in history] == ["", "it was a test of ours", "it was a test of ours"]


def test_disputes_are_counted_by_default(shopper: Shopper) -> None:
    for _ in range(2):
        purchase = shopper.bought()
        shopper.market.act(shopper.market.fakes.stripe.open_dispute, purchase.payment_id)
        shopper.when(purchase.name, lambda seen: seen.open_disputes == 1)
    (flag,) = flags(shopper)
    assert (flag.kind, flag.event_count, flag.suspended) == (pb.VELOCITY_KIND_DISPUTES, 2, False)


def test_money_given_back_by_staff_and_at_the_provider_counts_together(shopper: Shopper) -> None:
    """Each purchase once, in however many parts; three in thirty days are allowed."""
    first, *others = [shopper.bought() for _ in range(4)]
    shopper.market.act(shopper.market.fakes.stripe.refund, first.payment_id)
    shopper.becomes(first.name, "REFUNDED")
    for purchase in others:
        shopper.staff.payment_admin.ReversePurchase(shopper.reverse(purchase, 100, validate_only=True))
        assert flags(shopper) == []
        for _ in range(2):
            shopper.staff.payment_admin.ReversePurchase(shopper.reverse(purchase, 100))
    (flag,) = flags(shopper)
    assert (flag.kind, flag.event_count) == (pb.VELOCITY_KIND_REFUNDS, 4)


def test_staff_see_with_an_account_how_many_flags_are_open(shopper: Shopper) -> None:
    shopper.bought()
    assert shopper.overview().open_flags == 0
    names = [raised(shopper) for _ in range(2)]
    assert shopper.overview().open_flags == 2
    shopper.staff.admin.ClearAccountFlag(clearing(names[0]))
    assert shopper.overview().open_flags == 1


def test_a_flag_is_cleared_once_with_who_when_and_why(shopper: Shopper, market: Any) -> None:
    name = raised(shopper)
    finance = market.service.as_caller("ann", "FINANCE")
    request = clearing(name)
    cleared = finance.admin.ClearAccountFlag(request).account_flag
    assert (cleared.cleared_by, cleared.clear_reason, cleared.name) == ("ann", "it was a test of ours", name)
    assert cleared.clear_time.seconds >= cleared.raise_time.seconds > 0
    again, call = finance.admin.ClearAccountFlag.with_call(request)
    assert (again.account_flag, was_replayed(call)) == (cleared, True)
    assert (flags(shopper), flags(shopper, show_cleared=True)) == ([], [cleared])
    refusal = refused(finance.admin.ClearAccountFlag, clearing(name))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ACCOUNT_FLAG_CLEARED")
    assert (refusal.metadata["account_flag"], refusal.metadata["cleared_by"]) == (name, "ann")
    request.reason = "another"
    assert refused(finance.admin.ClearAccountFlag, request).reason == "REQUEST_ID_REUSED"
    assert flags(shopper, show_cleared=True) == [cleared]


def test_a_request_id_clears_one_flag(shopper: Shopper) -> None:
    request = clearing(raised(shopper))
    shopper.staff.admin.ClearAccountFlag(request)
    request.name = raised(shopper)
    assert refused(shopper.staff.admin.ClearAccountFlag, request).reason == "REQUEST_ID_REUSED"
    assert [flag.name for flag in flags(shopper)] == [request.name]


def test_of_sixteen_who_clear_it_at_once_one_does(shopper: Shopper) -> None:
    name = raised(shopper)
    outcomes = at_once(shopper.staff.admin.ClearAccountFlag, [clearing(name) for _ in range(16)])
    assert reasons(outcomes) == ["ACCOUNT_FLAG_CLEARED"] * 15 + ["OK"]
    same = clearing(raised(shopper))
    (answer, *others) = answers(at_once(shopper.staff.admin.ClearAccountFlag, [same] * 16))
    assert len(others) == 15
    assert all(other == answer for other in others)


def test_a_flag_that_is_not_there_is_not_found(shopper: Shopper) -> None:
    name = raised(shopper)
    for wrong in (name[:-12] + "000000000000", name.replace(shopper.account_id, f"{shopper.account_id[:100]}.x")):
        refusal = refused(shopper.staff.admin.ClearAccountFlag, clearing(wrong))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "ACCOUNT_FLAG_NOT_FOUND")


def test_support_sees_flags_and_clears_none_and_finance_activates_nobody(shopper: Shopper, market: Any) -> None:
    name = raised(shopper)
    support, finance = market.service.as_caller("sue", "SUPPORT"), market.service.as_caller("ann", "FINANCE")
    assert [flag.name for flag in flags(shopper, support)] == [name]
    assert refused(support.admin.ClearAccountFlag, clearing(name)).reason == "PERMISSION_DENIED"
    refusal = refused(finance.admin.ClearAccountFlag, clearing(name, activate=True))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert [flag.name for flag in flags(shopper)] == [name]


def test_they_are_listed_in_pages_newest_first_of_one_kind_or_all(shopper: Shopper) -> None:
    names = [raised(shopper) for _ in range(5)][::-1]
    shopper.staff.admin.ClearAccountFlag(clearing(names[2]))
    for shown, expected in ((False, names[:2] + names[3:]), (True, names)):
        for kind in (pb.VELOCITY_KIND_UNSPECIFIED, pb.VELOCITY_KIND_REFUNDS):
            asked = {"account_id": shopper.account_id, "kind": kind, "show_cleared": shown, "page_size": 2}
            assert [flag.name for flag in paged(shopper, **asked)] == expected
    assert flags(shopper, kind=pb.VELOCITY_KIND_TOP_UPS) == []
    # Of all accounts these are among the others, in the same order.
    everybody = [flag.name for flag in paged(shopper, page_size=100) if flag.account_id == shopper.account_id]
    assert everybody == names[:2] + names[3:]


def paged(shopper: Shopper, **fields: Any) -> list[pb.AccountFlag]:
    """Return what all pages show."""
    found: list[pb.AccountFlag] = []
    token = ""
    while True:
        answer = shopper.staff.admin.ListAccountFlags(pb.ListAccountFlagsRequest(page_token=token, **fields))
        found += answer.account_flags
        token = answer.next_page_token
        if not token:
            return found


def test_a_token_is_of_its_own_filters(shopper: Shopper) -> None:
    for _ in range(3):
        raised(shopper)
    request = pb.ListAccountFlagsRequest(account_id=shopper.account_id, page_size=1)
    token = shopper.staff.admin.ListAccountFlags(request).next_page_token
    other = pb.ListAccountFlagsRequest(account_id=shopper.account_id, page_token=token, show_cleared=True)
    assert refused(shopper.staff.admin.ListAccountFlags, other).reason == "PAGE_TOKEN_INVALID"


def test_open_flags_are_measured_in_the_database(shopper: Shopper) -> None:
    def measured(kind: str) -> float | None:
        registry = CollectorRegistry()
        registry.register(PaymentMetrics(shopper.market.service.core.payment_statistics))
        return registry.get_sample_value("creditd_account_flags_open", {"kind": kind, "action": "flag"})

    raised(shopper)
    assert eventually(lambda: (measured("refunds") or 0) >= 1, SECONDS)
    # What there is none of is 0, not missing.
    assert measured("top_ups") is not None
