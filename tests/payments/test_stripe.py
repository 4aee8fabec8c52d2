"""Calls to Stripe: what is sent, what is made of the answers, and what of no answer or of nonsense."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qs

import httpx
import pytest

from creditd.domain.instant import SECOND
from creditd.domain.payments.payment_facts import (
    Direction,
    DisputeStage,
    Fact,
    FactKind,
    PaymentStage,
    RefundStage,
)
from creditd.domain.payments.payment_standing import standing
from creditd.payments import client
from creditd.payments.documents import PAGE_SIZE
from creditd.payments.provider import CallFailed, CallRefused, Checkout, Report
from creditd.payments.stripe.provider import API_VERSION, SESSION_SECONDS, Stripe, StripeSettings
from tests.payments.stripe_payloads import (
    CHARGE,
    DISPUTE,
    INTENT,
    NAME,
    NOW,
    ORDER,
    REFUND,
    SECONDS,
    SESSION,
    charge,
    declined,
    dispute,
    event,
    intent,
    refund,
    session,
)

Answer = TypeVar("Answer")
OPEN = session(payment_intent=None, payment_status="unpaid", status="open")
MADE = ORDER._replace(reference=SESSION)
CHECKOUT = Checkout(SESSION, OPEN["url"], expire_time=NOW + SESSION_SECONDS * SECOND)  # type: ignore[arg-type]
NOT_OPEN = {"error": {"type": "invalid_request_error", "message": "Only Checkout Sessions with a status in ..."}}


class Api:
    """Answers by a list, the last one for ever, and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = list(answers)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def ask(self, call: Callable[[Stripe], Awaitable[Answer]]) -> Answer:
        """Have it called, and return what came of that."""

        async def ask() -> Answer:
            settings = StripeSettings("sk_test_1", (), "https://stripe.invalid/under", live=False)
            stripe = Stripe(settings, httpx.MockTransport(self.answer))
            try:
                return await call(stripe)
            finally:
                await stripe.close()

        return asyncio.run(ask())

    @property
    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [f"{request.method} {request.url.path}" for request in self.requests]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_PAUSE_SECONDS", 0.0)


def listed(*items: Any, has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(items), "has_more": has_more}


def test_a_session_is_made_as_the_purchase_says() -> None:
    api = Api(OPEN)
    assert api.ask(lambda stripe: stripe.begin(ORDER)) == CHECKOUT
    (request,) = api.requests
    assert request.url == "https://stripe.invalid/under/v1/checkout/sessions"
    assert request.headers["authorization"] == "Bearer sk_test_1"
    assert request.headers["stripe-version"] == API_VERSION
    assert request.headers["idempotency-key"] == NAME.purchase_id
    assert {name: value for name, (value,) in parse_qs(request.content.decode()).items()} == {
        "mode": "payment",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "thb",
        "line_items[0][price_data][unit_amount]": "1000",
        "line_items[0][price_data][product_data][name]": "100 credits",
        "client_reference_id": NAME.purchase_id,
        "metadata[account_id]": NAME.account_id,
        "metadata[purchase_id]": NAME.purchase_id,
        "payment_intent_data[metadata][account_id]": NAME.account_id,
        "payment_intent_data[metadata][purchase_id]": NAME.purchase_id,
        "adaptive_pricing[enabled]": "false",
        "success_url": ORDER.return_url,
        "cancel_url": ORDER.return_url,
        "expires_at": str(SECONDS + SESSION_SECONDS),
    }


def test_without_an_address_to_come_back_to_nothing_is_asked() -> None:
    api = Api(OPEN)
    with pytest.raises(CallRefused) as refused:
        api.ask(lambda stripe: stripe.begin(ORDER._replace(return_url="")))
    assert (refused.value.code, api.requests) == ("return_url_missing", [])


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("down"),
        httpx.Response(500),
        httpx.Response(429, headers={"retry-after": "30"}),
        httpx.Response(409, json={"error": {"code": "idempotency_key_in_use"}}),
        httpx.Response(200, text="<!DOCTYPE html>"),
        httpx.Response(200, json=[]),
    ],
)
def test_a_passing_failure_is_tried_again_with_the_same_key_and_call(failure: Any) -> None:
    api = Api(failure, OPEN)
    assert api.ask(lambda stripe: stripe.begin(ORDER)) == CHECKOUT
    first, second = api.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.content == second.content


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("slow"), httpx.Response(503), httpx.Response(200, text="{")])
def test_a_lasting_failure_leaves_the_outcome_unknown(failure: Any) -> None:
    api = Api(failure)
    with pytest.raises(CallFailed):
        api.ask(lambda stripe: stripe.begin(ORDER))
    assert len(api.requests) == client.TRIES


@pytest.mark.parametrize("answer", [{}, OPEN | {"id": "../cs"}, OPEN | {"id": 1}, OPEN | {"expires_at": None}])
def test_an_answer_that_is_no_session_leaves_the_outcome_unknown(answer: Any) -> None:
    with pytest.raises(CallFailed):
        Api(answer).ask(lambda stripe: stripe.begin(ORDER))


def test_a_refusal_is_told_with_its_code() -> None:
    error = {"error": {"type": "invalid_request_error", "code": "amount_too_small", "message": "At least ฿10."}}
    with pytest.raises(CallRefused) as refused:
        Api(httpx.Response(400, json=error)).ask(lambda stripe: stripe.begin(ORDER))
    assert (refused.value.code, str(refused.value)) == ("amount_too_small", "At least ฿10.")


def test_what_was_made_is_found_on_a_later_page() -> None:
    others = [session(id=f"cs_{number}", client_reference_id=None) for number in range(2)]
    api = Api(listed(*others, has_more=True), listed(OPEN))
    assert api.ask(lambda stripe: stripe.look_up(ORDER)) == CHECKOUT
    first, second = (dict(request.url.params) for request in api.requests)
    assert first["limit"] == str(PAGE_SIZE)
    assert int(first["created[gte]"]) < SECONDS < int(first["created[lte]"])
    assert "starting_after" not in first
    assert second["starting_after"] == "cs_1"


def test_what_was_never_made_is_not_found() -> None:
    assert Api(listed(session(client_reference_id="another"))).ask(lambda stripe: stripe.look_up(ORDER)) is None


@pytest.mark.parametrize("answer", [{}, {"data": {}}, {"data": ["cs_1"]}, httpx.Response(401, json={"error": {}})])
def test_looking_in_vain_is_not_finding_nothing(answer: Any) -> None:
    with pytest.raises(CallFailed):
        Api(answer).ask(lambda stripe: stripe.look_up(ORDER))


def test_an_open_session_is_cancelled() -> None:
    api = Api(session(status="expired"))
    api.ask(lambda stripe: stripe.cancel(MADE))
    assert api.paths == [f"POST /under/v1/checkout/sessions/{SESSION}/expire"]


def test_a_session_that_expired_is_cancelled_already() -> None:
    api = Api(httpx.Response(400, json=NOT_OPEN), session(status="expired"))
    api.ask(lambda stripe: stripe.cancel(MADE))
    assert api.paths == [
        f"POST /under/v1/checkout/sessions/{SESSION}/expire",
        f"GET /under/v1/checkout/sessions/{SESSION}",
    ]


def test_a_session_that_is_complete_cannot_be_cancelled() -> None:
    with pytest.raises(CallRefused):
        Api(httpx.Response(400, json=NOT_OPEN), session()).ask(lambda stripe: stripe.cancel(MADE))


def test_a_session_of_an_unknown_outcome_is_found_and_cancelled() -> None:
    api = Api(listed(OPEN), session(status="expired"))
    api.ask(lambda stripe: stripe.cancel(ORDER))
    assert api.paths[-1].endswith(f"/{SESSION}/expire")


def test_there_is_nothing_to_cancel_where_nothing_was_made() -> None:
    api = Api(listed())
    api.ask(lambda stripe: stripe.cancel(ORDER))
    assert {path.partition(" ")[0] for path in api.paths} == {"GET"}


def test_a_reference_with_path_tricks_is_never_called() -> None:
    api = Api({})
    with pytest.raises(CallFailed):
        api.ask(lambda stripe: stripe.inspect(ORDER._replace(reference="../charges")))
    assert api.requests == []


def facts_of(reports: list[Report]) -> set[Fact]:
    return {fact for report in reports for fact in report.facts}


def inspect(*answers: Any) -> set[Fact]:
    return facts_of(list(Api(*answers).ask(lambda stripe: stripe.inspect(MADE))))


def test_an_open_session_tells_nothing_yet() -> None:
    assert inspect(OPEN) == set()


def test_an_expired_session_tells_so() -> None:
    assert inspect(session(payment_intent=None, payment_status="unpaid", status="expired")) == {
        Fact(FactKind.PAYMENT, SESSION, PaymentStage.EXPIRED, 0)
    }


def test_a_failed_try_tells_why() -> None:
    assert inspect(OPEN | {"payment_intent": declined()}, listed()) == {
        Fact(FactKind.PAYMENT, INTENT, PaymentStage.FAILED, 0, "card_declined", "Your card was declined.")
    }


def test_a_paid_session_tells_of_its_payment_refunds_and_disputes() -> None:
    paid = session(payment_intent=intent(latest_charge=charge(300)))
    taken_back = listed(refund(300, "succeeded")), listed(dispute("needs_response", -1000))
    assert inspect(paid, *taken_back) == {
        Fact(FactKind.PAYMENT, INTENT, PaymentStage.PAID, 1000),
        Fact(FactKind.REFUND, REFUND, RefundStage.SUCCEEDED, 300),
        Fact(FactKind.REFUND_PROGRESS, REFUND, 0, 300),
        Fact(FactKind.REFUND_MADE, REFUND, 0, 300),
        Fact(FactKind.DISPUTE, DISPUTE, DisputeStage.OPEN, 1000),
        Fact(FactKind.DISPUTE_TRANSACTION, f"{DISPUTE}/txn_0", Direction.OUT, 1000),
    }


@pytest.mark.parametrize(("moves", "held"), [((), 0), ((-1000,), 1000), ((-1000, 1000), 0), ((-1000, 400), 600)])
def test_the_money_of_a_dispute_is_where_its_balance_transactions_say(moves: tuple[int, ...], held: int) -> None:
    facts = inspect(session(payment_intent=intent()), listed(), listed(dispute("won", *moves)))
    assert standing(facts).disputed == held


def test_every_reference_of_a_payment_is_told() -> None:
    paid = session(payment_intent=intent(latest_charge=charge(0)))
    reports = Api(paid, listed()).ask(lambda stripe: stripe.inspect(MADE))
    assert {reference for report in reports for reference in report.references} == {SESSION, INTENT, CHARGE}
    assert all(report.purchase == NAME for report in reports)


def test_recent_events_are_told_page_by_page_as_they_are_listed() -> None:
    """None is kept until the last has come: a day may have a hundred thousand."""
    newest_first = [
        event("refund.created", refund(300, "succeeded"), "evt_3"),
        event("checkout.session.completed", session(payment_status="no_payment_required"), "evt_2"),
        {"id": "evt_nonsense"},
        event("checkout.session.completed", session(), "evt_1"),
    ]
    api = Api(listed(*newest_first))

    async def recent(stripe: Stripe) -> list[Any]:
        return [said async for said in stripe.recent(NOW)]

    taken_back, paid = api.ask(recent)
    assert (paid.facts[0].kind, taken_back.facts[0].kind) == (FactKind.PAYMENT, FactKind.REFUND)
    (request,) = api.requests
    assert "charge.refunded" in request.url.params.get_list("types[]")
    assert int(request.url.params["created[gte]"]) < SECONDS
