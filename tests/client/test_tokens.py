"""Who calls is asked before each call: a token that ends is followed by the next one."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from credit.v1.api_key_service_pb2 import CreateApiKeyRequest
from credit.v1.credit_service_pb2 import GetBalanceRequest
from credit_client import ApiKey, AsyncCredits, Credits, Manner, NotAuthenticated, TokenFile
from tests.client.onlooker import Onlooker
from tests.client.styles import Style
from tests.support.customer import Customer
from tests.support.office import Office, creating
from tests.support.service import RunningService

pytestmark = pytest.mark.requirement("H4", "G3")

CALLERS = 8


@pytest.fixture(scope="module")
def secret(service: RunningService) -> str:
    """Return the secret of an API key of a service that may read."""
    office = Office(service)
    name = f"reader-{uuid4().hex[:8]}"
    office.admin.access.CreateServiceAccount(creating(name, scopes=["credits.read"]))
    office.await_effect()
    request = CreateApiKeyRequest(service_account_id=name, reason="a test", request_id=uuid4().hex)
    made: str = office.admin.api_keys.CreateApiKey(request).secret
    return made


def asking(customer: Customer) -> GetBalanceRequest:
    """Return a request to read."""
    return GetBalanceRequest(account_id=customer.account_id)


def test_an_api_key_is_exchanged_once_for_many_calls(style: Style, secret: str, customer: Customer) -> None:
    onlooker, key = Onlooker(), ApiKey(secret)
    known = style.with_(token=key, manner=Manner(observer=onlooker))
    assert all(answer.account_balance.wallets for answer in known.calls(*[asking(customer)] * 3))
    assert sorted(onlooker.methods) == ["ExchangeApiKey", "GetBalance", "GetBalance", "GetBalance"]
    assert secret not in repr(key)


def test_it_is_exchanged_again_before_its_token_ends(
    style: Style, secret: str, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credit_client.tokens.SHARE", 0.0)
    onlooker = Onlooker()
    known = style.with_(token=ApiKey(secret), manner=Manner(observer=onlooker))
    for _ in range(2):
        known.call(asking(customer))
    assert onlooker.methods.count("ExchangeApiKey") == 2


def test_many_who_need_a_token_at_once_get_one(secret: str, customer: Customer) -> None:
    onlooker = Onlooker()
    manner = Manner(observer=onlooker)
    with (
        Credits(customer.service.address, ApiKey(secret), manner=manner) as credits,
        ThreadPoolExecutor(CALLERS) as threads,
    ):
        list(threads.map(credits.call, [asking(customer)] * CALLERS))
    assert onlooker.methods.count("ExchangeApiKey") == 1

    async def at_once() -> None:
        async with AsyncCredits(customer.service.address, ApiKey(secret), manner=manner) as credits:
            await asyncio.gather(*(credits.call(asking(customer)) for _ in range(CALLERS)))

    asyncio.run(at_once())
    assert onlooker.methods.count("ExchangeApiKey") == 2


def test_a_key_that_is_nobodys_is_refused(style: Style, customer: Customer) -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        style.with_(token=ApiKey("nobody's")).call(asking(customer))
    assert refusal.value.reason == "API_KEY_INVALID"


@pytest.fixture
def each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a file be looked at before each call."""
    monkeypatch.setattr("credit_client.tokens.LOOK_SECONDS", 0.0)


@pytest.mark.usefixtures("each_time")
def test_a_token_in_a_file_is_read_again(style: Style, customer: Customer, token: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    in_file = style.with_(token=TokenFile(file))
    with pytest.raises(FileNotFoundError):
        in_file.call(asking(customer))
    file.write_text("expired")
    with pytest.raises(NotAuthenticated):
        in_file.call(asking(customer))
    file.write_text(f"{token}\n")
    assert in_file.call(asking(customer)).account_balance.wallets
    # While it is replaced, the one before is as good as it was.
    file.unlink()
    assert in_file.call(asking(customer)).account_balance.wallets


def test_whatever_gives_a_token_is_asked_before_each_call(style: Style, customer: Customer, token: str) -> None:
    tokens = [token, "wrong"]
    asked = style.with_(token=tokens.pop)
    with pytest.raises(NotAuthenticated):
        asked.call(asking(customer))
    assert asked.call(asking(customer)).account_balance.wallets


def test_it_may_be_awaited(customer: Customer, token: str) -> None:
    async def fetch() -> str:
        await asyncio.sleep(0)
        return token

    async def run() -> None:
        async with AsyncCredits(customer.service.address, fetch) as credits:
            answer = await credits.call(asking(customer))
            assert answer.account_balance.wallets

    asyncio.run(run())
