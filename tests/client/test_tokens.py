"""Who calls is asked before each call: a token that ends is followed by the next one."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from credit.v1.api_key_service_pb2 import CreateApiKeyRequest
from credit.v1.credit_service_pb2 import GetBalanceRequest
from credit_client import ApiKey, AsyncCredits, Credits, Hold, Manner, NoAnswer, NotAuthenticated, TokenFile
from creditd.identity.api_keys import ApiKeys
from creditd.identity.refusals import ApiKeyInvalid
from tests.client.onlooker import Onlooker
from tests.client.styles import Style
from tests.support.customer import Customer
from tests.support.office import Office, creating
from tests.support.programs import PATIENCE_SECONDS
from tests.support.service import RunningService

pytestmark = pytest.mark.requirement("H4", "G3")

CALLERS = 8

TOKEN_SECONDS = 1_000
"""Longer than a token of an API key lives: a quarter of an hour."""


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


def test_the_last_token_goes_on_where_no_other_one_is_to_be_had(
    style: Style, secret: str, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credit_client.tokens.SHARE", 0.0)
    onlooker = Onlooker()
    known = style.with_(token=ApiKey(secret), manner=Manner(observer=onlooker))
    known.call(asking(customer))

    async def refuse(*_: object) -> None:
        raise ApiKeyInvalid

    monkeypatch.setattr(ApiKeys, "exchange", refuse)
    assert len(known.calls(*[asking(customer)] * 2)) == 2
    # And is not asked for before each call.
    assert onlooker.methods.count("ExchangeApiKey") == 2


def test_a_token_of_a_key_that_is_refused_is_followed_by_another_one(
    style: Style, secret: str, customer: Customer
) -> None:
    """However long it should have lived, by the clock of this machine."""
    known = style.with_(token=ApiKey(secret))
    known.call(asking(customer))
    customer.service.clock.advance(TOKEN_SECONDS)
    assert known.call(asking(customer)).account_balance.wallets


def test_a_token_that_cannot_be_had_hides_no_error_of_a_block(style: Style, customer: Customer, token: str) -> None:
    is_gone = False

    def give() -> str:
        if is_gone:
            raise OSError
        return token

    def fail(_: Hold) -> None:
        nonlocal is_gone
        is_gone = True
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        style.with_(token=give).pay(fail, customer.account_id, 30)


def test_a_token_that_does_not_come_is_waited_for_as_long_as_for_an_answer(customer: Customer) -> None:
    async def never() -> str:
        await asyncio.Event().wait()
        raise AssertionError

    async def run() -> None:
        async with AsyncCredits(customer.service.address, never, manner=Manner(call_seconds=0.1)) as credits:
            with pytest.raises(NoAnswer):
                await asyncio.wait_for(credits.call(asking(customer)), PATIENCE_SECONDS)

    asyncio.run(run())


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
    file.write_text("wrong.by.now")
    with pytest.raises(NotAuthenticated):
        in_file.call(asking(customer))
    file.write_text(f"{token}\n")
    assert in_file.call(asking(customer)).account_balance.wallets
    # While it is replaced, the one before is as good as it was.
    for half in ("", token[:20]):
        file.write_text(half)
        assert in_file.call(asking(customer)).account_balance.wallets
    file.unlink()
    assert in_file.call(asking(customer)).account_balance.wallets


def test_a_file_without_a_token_is_said_to_be_one(style: Style, customer: Customer, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch()
    with pytest.raises(ValueError, match="no token"):
        style.with_(token=TokenFile(file)).call(asking(customer))


def test_a_token_in_a_file_that_is_refused_is_read_again_at_once(
    style: Style, customer: Customer, token: str, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("wrong.by.now")
    source = TokenFile(file)
    assert source() == "wrong.by.now"
    file.write_text(token)
    assert style.with_(token=source).call(asking(customer)).account_balance.wallets


def test_whatever_gives_a_token_is_asked_before_each_call(style: Style, customer: Customer, token: str) -> None:
    # However often a call is tried.
    given = ["wrong"]
    asked = style.with_(token=lambda: given[-1])
    with pytest.raises(NotAuthenticated):
        asked.call(asking(customer))
    given.append(token)
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
