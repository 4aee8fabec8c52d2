"""The calls to Lemon Squeezy: a checkout is made once and found again, and what was missed is found in its lists."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_facts import FactKind, PaymentStage
from creditd.domain.payments.payment_standing import standing
from creditd.domain.payments.subscription import Subscription, SubscriptionStatus
from creditd.payments.lemonsqueezy.provider import LemonSqueezy
from creditd.payments.provider import CallFailed, CallRefused, Checkout, Report, Said
from tests.payments.lemonsqueezy_payloads import (
    CHECKOUT_ID,
    IDENTIFIER,
    NOW,
    ORDER,
    OTHER,
    PLAN,
    PURCHASE,
    STORE,
    VARIANT,
    Answer,
    checkout_object,
    lemon_squeezy,
    order_object,
    page,
    subscription_object,
)

DAY = 86_400 * SECOND
URL = checkout_object()["attributes"]["url"]
CHECKOUT = Checkout(CHECKOUT_ID, redirect_url=URL, expire_time=Instant(NOW + DAY))
LATER = "2023-12-01T00:00:00.000000Z"


class Api:
    """Answers by the path asked for, and remembers what was asked; a list is served as its pages in turn."""

    def __init__(self, **answers: Any) -> None:
        """Take an answer, or a list of objects, or a list of such pages, for each kind of object."""
        self.answers = answers
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        self.asked.append(request)
        kind, _, one = request.url.path.removeprefix("/v1/").partition("/")
        answer = self.answers.get(f"{kind}_1" if one else kind, [])
        if not isinstance(answer, list):
            return httpx.Response(200, json=answer) if isinstance(answer, dict) else answer
        pages = answer if answer and isinstance(answer[0], list) else [answer]
        return page(*pages[int(request.url.params["page[number]"]) - 1], last=len(pages))


def begun(answer: Answer) -> Checkout:
    return asyncio.run(lemon_squeezy(answer).begin(ORDER))


def reports(answer: Answer) -> list[Report]:
    return list(asyncio.run(lemon_squeezy(answer).inspect(ORDER)))


def recent(answer: Answer, since: int = NOW - DAY) -> list[Said]:
    async def listed(provider: LemonSqueezy) -> list[Said]:
        return [said async for said in provider.recent(Instant(since))]

    return asyncio.run(listed(lemon_squeezy(answer)))


def test_a_checkout_asks_for_our_price_and_carries_the_purchase() -> None:
    api = Api(checkouts={"data": checkout_object(preview={"currency": "USD"})})
    assert begun(api) == CHECKOUT
    [request] = api.asked
    assert (request.method, request.headers["authorization"]) == ("POST", "Bearer a key")
    assert request.headers["content-type"] == request.headers["accept"] == "application/vnd.api+json"
    data = json.loads(request.content)["data"]
    assert data["attributes"] == {
        "custom_price": 999,
        "product_options": {
            "name": f"500 credits ({PURCHASE.purchase_id})",
            "redirect_url": ORDER.return_url,
            "enabled_variants": [VARIANT],
        },
        "checkout_options": {"discount": False},
        "checkout_data": {"custom": {"account_id": "alice", "purchase_id": PURCHASE.purchase_id}},
        "expires_at": "2023-11-15T22:13:20+00:00",
        "test_mode": False,
        "preview": True,
    }
    assert data["relationships"] == {
        "store": {"data": {"type": "stores", "id": str(STORE)}},
        "variant": {"data": {"type": "variants", "id": str(VARIANT)}},
    }


def test_a_price_in_another_currency_than_the_stores_is_refused() -> None:
    with pytest.raises(CallRefused) as refused:
        begun(Api(checkouts={"data": checkout_object(preview={"currency": "EUR"})}))
    assert refused.value.code == "currency"


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(500), httpx.Response(429, json={}), httpx.Response(200, text="<html>"), {"data": {"id": "../1"}}],
)
def test_a_checkout_of_unknown_outcome_is_not_asked_for_twice(answer: Any) -> None:
    api = Api(checkouts=answer)
    with pytest.raises(CallFailed):
        begun(api)
    assert len(api.asked) == 1


def test_a_refusal_says_why() -> None:
    error = {"status": "422", "title": "Unprocessable Entity", "detail": "The custom price must be at least 50."}
    with pytest.raises(CallRefused, match="at least 50") as refused:
        begun(Api(checkouts=httpx.Response(422, json={"errors": [error]})))
    assert refused.value.code == "422"


def test_a_checkout_is_found_again_on_a_later_page_by_what_it_carries() -> None:
    others = checkout_object(checkout_data={"custom": []})
    api = Api(checkouts=[[others], [checkout_object()]])
    assert asyncio.run(lemon_squeezy(api).look_up(ORDER)) == CHECKOUT
    assert [dict(request.url.params) for request in api.asked] == [
        {"filter[store_id]": "7", "filter[variant_id]": "11", "page[number]": str(number), "page[size]": "100"}
        for number in (1, 2)
    ]


def test_looking_for_a_checkout_ends_with_those_from_before_the_purchase() -> None:
    older = checkout_object(created_at="2023-11-14T21:00:00.000000Z", checkout_data={"custom": []})
    api = Api(checkouts=[[older], [checkout_object()]])
    assert asyncio.run(lemon_squeezy(api).look_up(ORDER)) is None
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, json={"errors": [{"status": "401"}]}),
        {"data": "none"},
        {"data": [], "meta": []},
        {"data": [{"id": 1}], "meta": {"page": {"lastPage": 1}}},
        {"data": [checkout_object(created_at=None)], "meta": {"page": {"lastPage": 1}}},
    ],
)
def test_an_answer_that_lists_nothing_is_no_answer(answer: Any) -> None:
    with pytest.raises(CallFailed):
        asyncio.run(lemon_squeezy(Api(checkouts=answer)).look_up(ORDER))


def test_cancelling_asks_nothing_and_returns() -> None:
    api = Api()
    asyncio.run(lemon_squeezy(api).cancel(ORDER))
    assert api.asked == []


def test_an_order_whose_webhook_never_came_is_suggested_by_the_name_of_what_was_bought_and_names_nothing() -> None:
    """Nobody promises that an order has the name that the checkout gave to what was sold."""
    others = order_object(2, item={"product_name": "500 credits (0190b5c2-0000-7000-8000-000000000000)"})
    another_product = order_object(3, item={"variant_id": OTHER})
    [report] = reports(Api(orders=[others, another_product, order_object()]))
    assert (report.purchase, report.suggested, report.is_ours) == (None, PURCHASE, True)
    assert report.references == ("order:1", IDENTIFIER)
    assert report.price == ORDER.price
    assert report.facts[0][:3] == (FactKind.PAYMENT, "order:1", PaymentStage.PAID)
    assert standing(report.facts).returned == 0


def test_a_purchase_that_nobody_paid_has_expired_with_its_checkout() -> None:
    [report] = reports(Api(checkouts_1={"data": checkout_object()}))
    assert (report.references, report.purchase, report.price) == ((CHECKOUT_ID,), PURCHASE, None)
    assert [(fact.kind, fact.stage) for fact in report.facts] == [(FactKind.PAYMENT, PaymentStage.EXPIRED)]


@pytest.mark.parametrize(
    "answers",
    [
        {"checkouts_1": {"data": checkout_object(expires_at="2999-01-01T00:00:00.000000Z")}},
        {"checkouts_1": {"data": checkout_object(expires_at=None)}},
        {"checkouts_1": httpx.Response(404, json={"errors": [{"status": "404", "title": "Not Found"}]})},
        {"checkouts_1": {"data": checkout_object()}, "orders": [order_object(status="pending")]},
    ],
)
def test_a_purchase_that_may_still_be_paid_has_not_expired(answers: dict[str, Any]) -> None:
    assert reports(Api(**answers)) == []


def test_recent_orders_are_ours_and_suggest_the_purchase_of_their_checkout() -> None:
    unknown = order_object(2, identifier=None, item={"product_name": "500 credits"})
    found, other = recent(Api(checkouts=[checkout_object()], orders=[order_object(), unknown]))
    assert isinstance(found, Report)
    assert isinstance(other, Report)
    assert (found.purchase, found.suggested, found.references) == (None, PURCHASE, ("order:1", IDENTIFIER))
    assert (other.purchase, other.suggested, other.references) == (None, None, ("order:2",))
    assert found.is_ours
    assert other.is_ours


def test_an_old_order_is_recent_once_it_is_refunded() -> None:
    refunded = order_object(status="refunded", refunded=True, refunded_at=LATER)
    [report] = recent(Api(orders=[order_object(2), refunded]), since=NOW + DAY)
    assert isinstance(report, Report)
    assert report.references[0] == "order:1"


def test_recent_subscriptions_to_the_plan_do_not_say_whose_they_are() -> None:
    api = Api(subscriptions=[subscription_object(), subscription_object(status="expired", updated_at=LATER)])
    [said] = recent(api, since=NOW + DAY)
    assert isinstance(said, Subscription)
    assert (said.subscription_id, said.account_id, said.status) == ("1", "", SubscriptionStatus.EXPIRED)
    assert api.asked[-1].url.params["filter[variant_id]"] == str(PLAN)


def test_what_cannot_be_read_hides_nothing_else() -> None:
    orders = [order_object(1, status="on the moon"), order_object(2, updated_at="yesterday"), order_object(3)]
    subscriptions = [subscription_object(status="gone fishing"), subscription_object()]
    said = recent(Api(orders=orders, subscriptions=subscriptions))
    assert [one.references[0] if isinstance(one, Report) else one.status for one in said] == [
        "order:2",
        "order:3",
        SubscriptionStatus.ACTIVE,
    ]
