"""A caller makes so many calls a minute, and is told when the next one is due (I2)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from creditd.config import Config, ConfigError, require_fit
from tests.support.patience import eventually
from tests.support.ports import free_port
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("I2")


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service with small limits, and without the Redis that it should share them through."""
    with running_service(
        tmp_path_factory.mktemp("limited"),
        user_calls_per_minute=5,
        premium_calls_per_minute=10,
        staff_calls_per_minute=15,
        service_calls_per_minute=20,
        method_calls_per_minute={"credit.v1.CreditService/ListCreditTypes": 2},
        rate_limits_redis_url=f"redis://127.0.0.1:{free_port()}",
    ) as running:
        yield running


def answered(call: Callable[[], object], tries: int) -> int:
    """Return how many of so many calls were answered; the others were refused for their number."""
    codes = []
    for _ in range(tries):
        try:
            call()
        except grpc.RpcError as error:
            codes.append(error.code())
    assert set(codes) <= {grpc.StatusCode.RESOURCE_EXHAUSTED}
    return tries - len(codes)


def balance_of(stubs: SimpleNamespace, account_id: str) -> Callable[[], object]:
    """Return the call for an account's balance."""
    return lambda: stubs.credit.GetBalance(credit.GetBalanceRequest(account_id=account_id))


@pytest.mark.parametrize(
    ("roles", "scope", "limit"),
    [(("USER",), "", 5), (("PREMIUM",), "", 10), (("ADMIN",), "", 15), (("SERVICE",), "credits.read", 20)],
)
def test_each_tier_has_its_limit_and_bursts_to_twice_of_it(
    limited: RunningService, roles: tuple[str, ...], scope: str, limit: int
) -> None:
    stubs = limited.as_caller(f"limited-{roles[0]}", *roles, scope=scope)
    request = credit.ListTransactionsRequest(account_id=f"limited-{roles[0]}")
    assert answered(lambda: stubs.credit.ListTransactions(request), 3 * limit) == 2 * limit


def test_a_refused_call_says_whose_limit_it_is_and_when_the_next_one_is_due(limited: RunningService) -> None:
    """And it is: by the server's own clock."""
    stubs = limited.as_caller("told", "USER")
    get = balance_of(stubs, "told")
    assert answered(get, 20) == 10
    error = refused(stubs.credit.GetBalance, credit.GetBalanceRequest(account_id="told"))
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert (error.metadata["by"], error.metadata["limit"]) == ("caller", "5")
    assert error.retry
    assert error.quota
    seconds = error.retry.retry_delay.seconds
    assert error.metadata["retry_seconds"] == str(seconds)
    assert error.trailing["grpc-retry-pushback-ms"] == str(seconds * 1_000)
    limited.clock.advance(seconds)
    get()


def test_a_method_has_a_limit_of_its_own(limited: RunningService) -> None:
    stubs = limited.as_caller("lister", "SERVICE", scope="credits.read")
    assert answered(lambda: stubs.credit.ListCreditTypes(credit.ListCreditTypesRequest()), 10) == 4
    assert refused(stubs.credit.ListCreditTypes, credit.ListCreditTypesRequest()).metadata["by"] == "method"
    balance_of(stubs, "anybody")()


def test_strangers_are_counted_by_their_address_and_keep_nobody_out_who_is_known(tmp_path: Path) -> None:
    with running_service(tmp_path, address_calls_per_minute=5) as service:
        stranger = CreditServiceStub(service.channel())
        request = credit.GetBalanceRequest(account_id="ann")
        reasons = [refused(stranger.GetBalance, request).reason for _ in range(12)]
        assert reasons == ["TOKEN_INVALID"] * 10 + ["RATE_LIMITED"] * 2
        assert answered(balance_of(service.as_caller("ann", "USER"), "ann"), 20) == 10
        assert refused(service.as_caller("bob", "USER").credit.GetBalance, request).metadata["by"] == "address"
        app = service.as_caller("app", "SERVICE", scope="credits.read")
        assert answered(balance_of(app, "ann"), 20) == 20


def test_what_is_refused_for_another_reason_counts(limited: RunningService) -> None:
    """Whoever may not do something, or sends what cannot be read, costs as much as whoever may."""
    stubs = limited.as_caller("denied", "USER")
    request = credit.BatchReserveRequest(requests=[credit.ReserveRequest(account_id="other")] * 100)
    reasons = [refused(stubs.credit.BatchReserve, request).reason for _ in range(12)]
    assert reasons == ["PERMISSION_DENIED"] * 10 + ["RATE_LIMITED"] * 2


def test_limits_hold_while_redis_is_away(limited: RunningService) -> None:
    """As in all tests here: it never was there."""
    assert eventually(lambda: limited.server.exchange_statistics.failures["ConnectionRefusedError"])
    assert answered(balance_of(limited.as_caller("lonely", "USER"), "lonely"), 20) == 10


def test_a_limit_of_an_rpc_that_there_is_not_is_a_mistake() -> None:
    """It would limit nothing."""
    config = Config(method_calls_per_minute={"credit.v1.CreditService/GetBalances": 1})
    with pytest.raises(ConfigError, match=r"did you mean credit\.v1\.CreditService/GetBalance\?"):
        require_fit(config)
