"""Calls to Omise: what is asked for, what is made of the answers, and what of none or of nonsense."""

import asyncio
import base64
import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.payment_facts import PaymentStage
from creditd.domain.payments.provider import PaymentMethod
from creditd.payments import client
from creditd.payments.omise.provider import Omise, OmiseSettings
from creditd.payments.provider import CallFailed, CallRefused, Checkout, Report, ReportMismatch, Said
from tests.payments.omise_payloads import (
    CHARGE_ID,
    DISPUTE_ID,
    LINK_ID,
    NOW,
    PURCHASE,
    QR_URL,
    answering,
    charge_object,
    dispute_object,
    error,
    event_object,
    link_object,
    listed,
    omise,
    order,
    promptpay_charge,
    received,
)

CARD, LINK = PaymentMethod.CARD_TOKEN, PaymentMethod.LINK
CHARGE, CHARGES, A_LINK = f"/charges/{CHARGE_ID}", "/charges", f"/links/{LINK_ID}"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE_SECONDS", 0.0)


class Recorder:
    """Answers with one response after the other, the last one for ever, and remembers the requests."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self._answers: Iterator[httpx.Response | Exception] = iter(answers)
        self._last: httpx.Response | Exception = answers[-1]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.requests.append(request)
        answer = next(self._answers, self._last)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def document(self) -> dict[str, object]:
        """What the first request asked for."""
        asked: dict[str, object] = json.loads(self.requests[0].content)
        return asked


def ok(document: object) -> httpx.Response:
    return httpx.Response(200, json=document)


def recent(provider: Omise) -> list[Said]:
    async def all_of_it() -> list[Said]:
        return [said async for said in provider.recent(NOW)]

    return asyncio.run(all_of_it())


def test_a_promptpay_charge_answers_with_its_qr_code_and_its_end() -> None:
    recorder = Recorder(ok(promptpay_charge()))
    checkout = asyncio.run(omise(recorder).begin(order()))
    assert checkout == Checkout(CHARGE_ID, qr_image_url=QR_URL, expire_time=Instant(NOW + 86_400 * SECOND))
    assert recorder.document == {
        "amount": 100_000,
        "currency": "THB",
        "description": "500 credits",
        "metadata": PURCHASE._asdict(),
        "return_uri": "https://shop.example/thanks",
        "source": {"type": "promptpay", "amount": 100_000, "currency": "THB"},
    }


def test_a_call_carries_the_key_the_version_and_the_purchase_as_idempotency_key() -> None:
    recorder = Recorder(ok(promptpay_charge()))
    asyncio.run(omise(recorder).begin(order()))
    headers = recorder.requests[0].headers
    assert headers["authorization"] == f"Basic {base64.b64encode(b'key:').decode()}"
    assert headers["omise-version"] == "2019-05-29"
    assert headers["idempotency-key"] == PURCHASE.purchase_id


def test_a_card_whose_bank_asks_who_pays_answers_with_the_page_where_it_does() -> None:
    recorder = Recorder(ok(charge_object("pending", authorize_uri="https://pay.example/authorize")))
    checkout = asyncio.run(omise(recorder).begin(order(CARD)))
    assert checkout == Checkout(CHARGE_ID, redirect_url="https://pay.example/authorize")
    assert recorder.document["card"] == "tokn_test_5xuy4w91xqz7d1w9u0t"
    assert "source" not in recorder.document


def test_a_card_that_was_charged_at_once_needs_no_page() -> None:
    recorder = Recorder(ok(charge_object(authorize_uri="https://pay.example/authorize")))
    assert asyncio.run(omise(recorder).begin(order(CARD, return_url=""))) == Checkout(CHARGE_ID)
    assert "return_uri" not in recorder.document


def test_a_declined_card_is_a_refusal_with_its_code() -> None:
    declined = charge_object("failed", failure_code="insufficient_fund", failure_message="insufficient funds")
    with pytest.raises(CallRefused, match="insufficient funds") as refusal:
        asyncio.run(omise(Recorder(ok(declined))).begin(order(CARD)))
    assert refusal.value.code == "insufficient_fund"


def test_a_link_is_paid_once_and_ends_with_the_purchase() -> None:
    recorder = Recorder(ok(link_object()))
    checkout = asyncio.run(omise(recorder).begin(order(LINK, description="d" * 999)))
    assert checkout == Checkout(LINK_ID, redirect_url="https://link.omise.example/6344K6RZGCO9UL41CAP")
    assert recorder.document["multiple"] is False
    description = str(recorder.document["description"])
    assert description.endswith(f"d ({PURCHASE.purchase_id})")
    assert len(description) == 255


@pytest.mark.parametrize("method", [PaymentMethod.PROMPTPAY, LINK])
def test_another_currency_is_for_cards_alone(method: PaymentMethod) -> None:
    recorder = Recorder(ok(charge_object()))
    with pytest.raises(CallRefused):
        asyncio.run(omise(recorder).begin(order(method, price=Money(1, "USD"))))
    assert not recorder.requests


def test_what_omise_refuses_is_refused_with_its_code() -> None:
    with pytest.raises(CallRefused) as refusal:
        asyncio.run(omise(Recorder(error(400, "invalid_charge"))).begin(order()))
    assert refusal.value.code == "invalid_charge"


FAILURES = [
    httpx.ReadTimeout("slow"),
    httpx.ConnectError("down"),
    error(500, "internal_error"),
    error(429, "too_many_requests"),
    httpx.Response(200, text="<!DOCTYPE html>"),
    httpx.Response(502, text="bad gateway"),
    ok([]),
]
NONSENSE = [ok({}), ok(link_object(id="../account")), ok(promptpay_charge(source=None)), ok({"object": "charge"})]


@pytest.mark.parametrize("failure", [*FAILURES, *NONSENSE])
def test_a_payment_of_which_nothing_is_known_is_asked_for_once(failure: httpx.Response | Exception) -> None:
    recorder = Recorder(failure)
    with pytest.raises(CallFailed):
        asyncio.run(omise(recorder).begin(order()))
    assert len(recorder.requests) == 1


@pytest.mark.parametrize("failure", FAILURES)
def test_reading_is_tried_again(failure: httpx.Response | Exception) -> None:
    recorder = Recorder(failure, failure, ok(charge_object()))
    assert asyncio.run(omise(recorder).interpret(received("charge.complete", CHARGE_ID)))
    with pytest.raises(CallFailed):
        asyncio.run(omise(Recorder(failure)).interpret(received("charge.complete", CHARGE_ID)))


@pytest.mark.parametrize(
    "answer",
    [ok({}), ok(link_object()), ok(charge_object(id="chrg_test_another")), error(401, "authentication_failure")],
)
def test_an_answer_that_is_not_the_charge_is_asked_for_later(answer: httpx.Response) -> None:
    with pytest.raises(CallFailed):
        asyncio.run(omise(Recorder(answer)).interpret(received("charge.complete", CHARGE_ID)))


def test_an_event_of_the_other_mode_is_unfit_and_nothing_is_asked() -> None:
    recorder = Recorder(ok(charge_object()))
    with pytest.raises(ReportMismatch):
        asyncio.run(omise(recorder, live=True).interpret(received("charge.complete", CHARGE_ID)))
    assert not recorder.requests


@pytest.mark.parametrize("body", ['{"charge": "../account"}', '{"dispute": "../account"}', '{"link": "a"}', "{}"])
def test_what_is_no_id_is_never_asked_for(body: str) -> None:
    recorder = Recorder(ok(charge_object()))
    delivery = received("charge.complete", CHARGE_ID)._replace(body=body)
    with pytest.raises(ReportMismatch):
        asyncio.run(omise(recorder).interpret(delivery))
    assert not recorder.requests


def test_a_key_of_the_other_mode_is_told_at_once() -> None:
    for key, live in (("skey_test_1", True), ("skey_1", False)):
        with pytest.raises(ValueError, match="mode"):
            Omise(OmiseSettings(key, (), "https://api.omise.example", live), lambda: NOW)


def test_a_charge_that_was_made_is_found_on_a_later_page() -> None:
    others = [charge_object(id=f"chrg_test_{number}", metadata={}) for number in range(100)]
    recorder = Recorder(ok(listed(*others, total=101)), ok(listed(promptpay_charge(), total=101)))
    found = asyncio.run(omise(recorder).look_up(order()))
    assert found is not None
    assert found.reference == CHARGE_ID
    first, second = (request.url.params for request in recorder.requests)
    assert (first["from"], first["limit"], first["offset"]) == ("2023-11-14T22:03:20Z", "100", "0")
    assert second["offset"] == "100"


def test_a_link_that_was_made_is_found() -> None:
    links = listed(link_object(id="link_test_other", description="other"), link_object())
    found = asyncio.run(omise(answering({"/links": links})).look_up(order(LINK)))
    assert found is not None
    assert found.reference == LINK_ID


@pytest.mark.parametrize("method", list(omise().methods))
def test_what_was_never_made_is_not_found(method: PaymentMethod) -> None:
    nothing = answering({CHARGES: listed(charge_object(metadata={})), "/links": listed()})
    assert asyncio.run(omise(nothing).look_up(order(method))) is None


def test_a_list_that_does_not_end_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creditd.payments.omise.api.MAX_PAGES", 3)
    endless = Recorder(ok(listed(charge_object(metadata={}), total=10**9)))
    with pytest.raises(CallFailed):
        asyncio.run(omise(endless).look_up(order()))
    assert len(endless.requests) == 3


def test_a_charge_that_is_cancelled_expires() -> None:
    recorder = Recorder(ok(promptpay_charge()), ok(promptpay_charge("expired")))
    asyncio.run(omise(recorder).cancel(order(reference=CHARGE_ID)))
    assert [(made.method, made.url.path) for made in recorder.requests] == [
        ("GET", CHARGE),
        ("POST", f"{CHARGE}/expire"),
    ]


def test_a_link_that_is_cancelled_is_deleted() -> None:
    recorder = Recorder(ok(link_object()), ok(link_object(deleted=True)))
    asyncio.run(omise(recorder).cancel(order(LINK, LINK_ID)))
    assert [(made.method, made.url.path) for made in recorder.requests] == [("GET", A_LINK), ("DELETE", A_LINK)]


def test_what_omise_does_not_expire_is_left_as_it_is() -> None:
    pending = ok(promptpay_charge())
    recorder = Recorder(pending, error(400, "failed_expire"), pending)
    asyncio.run(omise(recorder).cancel(order(reference=CHARGE_ID)))
    assert [(made.method, made.url.path) for made in recorder.requests] == [
        ("GET", CHARGE),
        ("POST", f"{CHARGE}/expire"),
        ("GET", CHARGE),
    ]


@pytest.mark.parametrize(
    "over",
    [
        error(404, "not_found"),
        ok(charge_object("expired")),
        ok(charge_object("failed")),
        ok(charge_object(voided=True)),
    ],
)
def test_what_is_over_is_not_cancelled_again(over: httpx.Response) -> None:
    recorder = Recorder(over)
    asyncio.run(omise(recorder).cancel(order(reference=CHARGE_ID)))
    assert len(recorder.requests) == 1


@pytest.mark.parametrize(
    "answers",
    [
        [ok(charge_object())],
        [ok(promptpay_charge()), error(400, "failed_expire"), ok(charge_object())],
    ],
)
def test_what_is_paid_is_not_cancelled_even_if_it_is_at_that_moment(answers: list[httpx.Response]) -> None:
    with pytest.raises(CallRefused) as refusal:
        asyncio.run(omise(Recorder(*answers)).cancel(order(reference=CHARGE_ID)))
    assert refusal.value.code == "paid"


def test_a_link_that_is_paid_is_not_cancelled() -> None:
    with pytest.raises(CallRefused):
        asyncio.run(omise(Recorder(ok(link_object(charge_object())))).cancel(order(LINK, LINK_ID)))


@pytest.mark.parametrize(
    ("reference", "objects"),
    [(CHARGE_ID, {CHARGE: charge_object()}), (LINK_ID, {A_LINK: link_object(charge_object(link=LINK_ID))})],
)
def test_a_purchase_is_inspected_by_its_charge_or_link(reference: str, objects: dict[str, object]) -> None:
    (report,) = asyncio.run(omise(answering(objects)).inspect(order(reference=reference)))
    assert reference in report.references
    assert report.facts[0].stage == PaymentStage.PAID


@pytest.mark.parametrize("objects", [{}, {CHARGE: promptpay_charge(), A_LINK: link_object()}])
def test_a_purchase_of_which_nothing_is_known_yet_has_no_report(objects: dict[str, object]) -> None:
    for reference in (CHARGE_ID, LINK_ID):
        assert not asyncio.run(omise(answering(objects)).inspect(order(reference=reference)))


def references(said: list[Said]) -> list[str]:
    return [report.references[0] for report in said if isinstance(report, Report)]


def test_recent_charges_and_older_ones_with_recent_events_are_told_of_once() -> None:
    older = charge_object(id="chrg_test_older", dispute=DISPUTE_ID)
    events = [
        event_object("charge.complete", CHARGE_ID),
        event_object("dispute.create", DISPUTE_ID, id="evnt_test_2"),
        event_object("dispute.create", DISPUTE_ID, id="evnt_test_3"),
        event_object("charge.complete", "../account", id="evnt_test_4"),
        event_object("customer.create", {}, id="evnt_test_5"),
        event_object("charge.complete", "chrg_test_gone", id="evnt_test_6"),
    ]
    objects = {
        CHARGES: listed(
            charge_object(), promptpay_charge(id="chrg_test_pending"), charge_object(id="chrg_test_odd", amount=-1)
        ),
        "/events": listed(*events),
        "/charges/chrg_test_older": older,
        f"/disputes/{DISPUTE_ID}": dispute_object("open", charge="chrg_test_older"),
    }
    assert references(recent(omise(answering(objects)))) == [CHARGE_ID, "chrg_test_older"]


@pytest.mark.parametrize("broken", [error(500, "internal_error"), error(401, "authentication_failure"), ok({})])
def test_a_list_that_cannot_be_read_ends_the_telling(broken: httpx.Response) -> None:
    with pytest.raises(CallFailed):
        recent(omise(Recorder(broken)))


def test_an_answer_never_leads_to_another_address() -> None:
    away: Callable[[httpx.Request], httpx.Response] = Recorder(
        httpx.Response(302, headers={"location": "https://evil.example"})
    )
    with pytest.raises(CallFailed):
        asyncio.run(omise(away).interpret(received("charge.complete", CHARGE_ID)))
