"""A fake's API fails in the ways that a provider's does, seen over a real connection."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from creditd.asgi import listening
from creditd.development.fakes.misbehaviour import Misbehaving
from creditd.development.fakes.server import fake_serving, url_of
from creditd.payments.client import Client
from creditd.payments.provider import CallFailed

ANSWER = {"id": "ch_1", "amount": 100}


class Charges:
    """An API that counts what was done."""

    def __init__(self) -> None:
        self.made = 0
        self.api = Misbehaving(Starlette(routes=[Route("/charges", self.make, methods=["POST"])]))

    async def make(self, request: Request) -> JSONResponse:
        """Make a charge."""
        del request
        self.made += 1
        return JSONResponse(ANSWER)


@asynccontextmanager
async def serving(charges: Charges) -> AsyncIterator[httpx.AsyncClient]:
    listener = listening("127.0.0.1:0")
    url = url_of(listener)
    headers = {"authorization": "Bearer sk_test_fake"}
    async with fake_serving(charges.api, listener), httpx.AsyncClient(base_url=url, headers=headers) as client:
        yield client


def run(test: Callable[[Charges, httpx.AsyncClient], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        charges = Charges()
        async with serving(charges) as client:
            await test(charges, client)

    asyncio.run(asyncio.wait_for(main(), 30))


@pytest.mark.parametrize("after_work", [False, True])
def test_it_errs_as_often_as_told_and_then_behaves(after_work: bool) -> None:  # noqa: FBT001 - an example's value.
    async def test(charges: Charges, client: httpx.AsyncClient) -> None:
        charges.api.misbehave("error", times=2, after_work=after_work)
        assert [(await client.post("/charges")).status_code for _ in range(3)] == [500, 500, 200]
        assert charges.made == (3 if after_work else 1)

    run(test)


def test_it_misbehaves_until_told_to_behave() -> None:
    async def test(charges: Charges, client: httpx.AsyncClient) -> None:
        charges.api.misbehave("busy", seconds=3)
        for _ in range(5):
            answer = await client.post("/charges")
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
        charges.api.behave()
        assert (await client.post("/charges")).json() == ANSWER

    run(test)


def test_it_talks_nonsense() -> None:
    async def test(charges: Charges, client: httpx.AsyncClient) -> None:
        charges.api.misbehave("html", times=1)
        page = await client.post("/charges")
        assert (page.status_code, page.text[:9], charges.made) == (200, "<!DOCTYPE", 0)
        charges.api.misbehave("truncated", times=1)
        half = await client.post("/charges")
        assert (half.status_code, charges.made) == (200, 1)
        assert '{"id":"ch_1","amount":100}'.startswith(half.text)

    run(test)


@pytest.mark.parametrize("after_work", [False, True])
def test_it_cuts_the_connection_before_or_after_the_work(after_work: bool) -> None:  # noqa: FBT001 - an example's value.
    async def test(charges: Charges, client: httpx.AsyncClient) -> None:
        charges.api.misbehave("cut", times=1, after_work=after_work)
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post("/charges")
        assert charges.made == after_work
        assert (await client.post("/charges")).status_code == 200

    run(test)


@pytest.mark.parametrize("after_work", [False, True])
def test_it_is_slow_before_or_after_the_work(after_work: bool) -> None:  # noqa: FBT001 - an example's value.
    async def test(charges: Charges, client: httpx.AsyncClient) -> None:
        charges.api.misbehave("slow", times=1, after_work=after_work, seconds=0.2)
        started = time.monotonic()
        assert (await client.post("/charges")).json() == ANSWER
        assert time.monotonic() - started >= 0.2
        charges.api.misbehave("slow", times=1, after_work=after_work, seconds=3600)
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/charges", timeout=1.0)
        assert charges.made == (2 if after_work else 1)

    run(test)


def test_what_is_late_is_answered_when_it_is_told_to_behave() -> None:
    async def test(charges: Charges, client: httpx.AsyncClient) -> None:
        charges.api.misbehave("slow", seconds=3600)
        late = asyncio.create_task(client.post("/charges"))
        await asyncio.wait({late}, timeout=0.1)
        assert not late.done()
        charges.api.behave()
        assert (await late).json() == ANSWER

    run(test)


def test_payers_who_have_no_key_see_nothing_of_it() -> None:
    async def test(charges: Charges, client: httpx.AsyncClient) -> None:
        charges.api.misbehave("error")
        del client.headers["authorization"]
        assert (await client.post("/charges")).status_code == 200

    run(test)


def test_an_unknown_way_to_misbehave_is_refused() -> None:
    with pytest.raises(ValueError, match="sulk"):
        Charges().api.misbehave("sulk")


def test_our_client_takes_a_cut_after_the_work_for_an_unknown_outcome() -> None:
    async def test(charges: Charges, client: httpx.AsyncClient) -> None:
        charges.api.misbehave("cut", times=1, after_work=True)
        api = Client(str(client.base_url), {"authorization": "Bearer sk_test_fake"})
        with pytest.raises(CallFailed):
            await api.post("/charges", is_repeatable=False)
        assert charges.made == 1
        await api.close()

    run(test)
