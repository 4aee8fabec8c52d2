"""What has a price: functions that are paid for by each call, and requests of an ASGI application."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from credit.v1.limits_pb2 import Limit
from credit_client import AsyncCredits, Credits, InsufficientCredit, Manner
from credit_client.asgi import Price, PricedApp
from tests.client.styles import Asynchronous, Style
from tests.support.customer import CHAT, Customer

pytestmark = pytest.mark.requirement("H4")


def greet(name: str, number: int) -> str:
    """Greet so many times."""
    if not number:
        raise ZeroDivisionError
    return " ".join([name] * number)


def test_a_function_is_paid_for_when_it_returns(style: Style, customer: Customer) -> None:
    paid = style.priced(greet, customer.account_id, 30)
    assert paid("ann", 2) == "ann ann"
    assert customer.figures() == (70, 0)
    with pytest.raises(ZeroDivisionError):
        paid("ann", 0)
    assert customer.figures() == (70, 0)


def test_who_pays_and_how_much_is_found_in_what_it_is_called_with(style: Style, customer: Customer) -> None:
    calls: list[str] = []

    def noted(name: str, number: int) -> str:
        calls.append(name)
        return greet(name, number)

    paid = style.priced(noted, lambda name, _: name, lambda _, number: 40 * number)
    assert paid(customer.account_id, 2)
    assert customer.figures() == (20, 0)
    with pytest.raises(InsufficientCredit):
        paid(customer.account_id, 3)
    assert calls == [customer.account_id]


def test_it_keeps_its_name(customer: Customer) -> None:
    credits = AsyncCredits(customer.service.address)
    assert credits.priced("ann", CHAT, 1)(fetch_nothing).__name__ == "fetch_nothing"


async def fetch_nothing() -> None:
    """Do nothing."""


async def stream_nothing() -> AsyncIterator[str]:
    """Begin nothing before it is asked for a piece."""
    yield ""


def answer_one_by_one() -> Iterator[str]:
    """Begin nothing either."""
    yield ""


def test_what_has_done_nothing_when_its_call_returns_is_refused(customer: Customer) -> None:
    """It would be paid for before its work, and also if that fails."""
    decorate: Any = Credits(customer.service.address).priced("ann", CHAT, 1)
    for function in (fetch_nothing, stream_nothing, answer_one_by_one):
        with pytest.raises(TypeError, match="only begins"):
            decorate(function)
    streams: Any = stream_nothing
    with pytest.raises(TypeError, match="only begins"):
        AsyncCredits(customer.service.address).priced("ann", CHAT, 1)(streams)


async def answered(request: Request) -> PlainTextResponse:
    """Answer with the status that is asked for."""
    status = int(request.query_params.get("status", "200"))
    if not status:
        raise ZeroDivisionError
    return PlainTextResponse("done", status)


def ask(
    asynchronous: Asynchronous, customer: Customer, amount: int, *paths: str, **settings: Any
) -> list[httpx.Response]:
    """Ask an application whose requests below /priced cost credits of the customer's."""

    def price_of(scope: Any) -> Price | None:
        return Price(customer.account_id, CHAT, amount) if scope["path"].startswith("/priced") else None

    async def run(credits: AsyncCredits) -> list[httpx.Response]:
        app = PricedApp(Starlette(routes=[Route("/{path}", answered)]), credits, price_of)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return [await client.get(path) for path in paths]

    return asyncio.run(with_credits(asynchronous, run, settings))


async def with_credits(
    asynchronous: Asynchronous,
    run: Callable[[AsyncCredits], Awaitable[list[httpx.Response]]],
    settings: dict[str, Any],
) -> list[httpx.Response]:
    """Run something with a client of its own."""
    target = settings.pop("target", asynchronous.target)
    async with AsyncCredits(target, asynchronous.token, **settings) as credits:
        return await run(credits)


def test_a_request_is_paid_for_if_it_succeeds(asynchronous: Asynchronous, customer: Customer) -> None:
    paths = ["/priced", "/priced?status=404", "/priced?status=0", "/free"]
    statuses = [answer.status_code for answer in ask(asynchronous, customer, 30, *paths)]
    assert statuses == [200, 404, 500, 200]
    assert customer.figures() == (70, 0)


def test_without_credit_it_is_answered_with_402_and_the_figures(asynchronous: Asynchronous, customer: Customer) -> None:
    (answer,) = ask(asynchronous, customer, 130, "/priced")
    assert answer.status_code == 402
    told = answer.json()
    assert (told["reason"], told["facts"]["required"], told["facts"]["available"]) == (
        "INSUFFICIENT_CREDIT",
        "130",
        "100",
    )
    assert told["message"]


@pytest.mark.usefixtures("same_day")
def test_a_limit_and_a_service_that_is_away_say_when_to_come_again(
    asynchronous: Asynchronous, customer: Customer
) -> None:
    customer.limit(Limit(credit_type=CHAT, most_per_day=10))
    customer.deduct(7)
    (limited,) = ask(asynchronous, customer, 4, "/priced")
    assert limited.status_code == 429
    assert int(limited.headers["retry-after"]) > 0
    (away,) = ask(asynchronous, customer, 4, "/priced", target="127.0.0.1:9", manner=Manner(call_seconds=0.2))
    assert away.status_code == 503


def test_where_our_own_token_is_refused_nobody_is_told_why(asynchronous: Asynchronous, customer: Customer) -> None:
    (answer,) = ask(asynchronous.with_(token=""), customer, 4, "/priced")
    assert answer.status_code == 503
    assert answer.json() == {"reason": "", "message": "", "facts": {}}
