"""WatchBalance streams a wallet's movements as they are committed, without a gap (A13, B1)."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from creditd.domain.instant import SECOND
from creditd.server.authentication.callers import LEEWAY_SECONDS
from tests.support.customer import Customer, kind_of
from tests.support.held_up import locked
from tests.support.patience import eventually, patience
from tests.support.refusals import read_refusal, refused
from tests.support.tokens import bearer

PATIENCE_SECONDS = patience(30)
"""No test waits so long; a stream that says nothing fails it."""

LASTING_SECONDS = 600
"""How long a token lasts that a stream outlives."""

Watch = Callable[..., Any]


@pytest.fixture
def watch(customer: Customer) -> Iterator[Watch]:
    """Return the function that opens a stream on the customer's wallet; all are closed at the end."""
    streams: list[Any] = []

    def opened(**fields: Any) -> Any:
        fields = {"account_id": customer.account_id, "credit_type": "chat"} | fields
        streams.append(customer.app.credit.WatchBalance(credit.WatchBalanceRequest(**fields), timeout=PATIENCE_SECONDS))
        return streams[-1]

    yield opened
    for stream in streams:
        stream.cancel()


@pytest.mark.requirement("A13")
def test_it_begins_with_the_balance_as_it_is_then_shows_each_movement(customer: Customer, watch: Watch) -> None:
    customer.top_up(100)
    stream = watch()
    first = next(stream)
    assert (first.balance.available, first.balance.version, first.HasField("entry")) == (100, 1, False)
    held = customer.reserve(30)
    spent = customer.confirm(held.reservation.name, 10)
    for movement in (held, spent):
        seen = next(stream)
        assert (seen.entry, seen.balance) == (movement.entry, movement.balance)


@pytest.mark.requirement("B1")
def test_it_goes_on_after_a_version_without_a_gap(customer: Customer, watch: Watch) -> None:
    """However far behind, and on through what happens meanwhile."""
    customer.top_up(1_000)
    customer.app.credit.BatchDeduct(credit.BatchDeductRequest(requests=[customer.deducting(1) for _ in range(250)]))
    stream = watch(after_version=1)
    seen = [next(stream).entry.version for _ in range(250)]
    customer.deduct(1)
    seen.append(next(stream).entry.version)
    assert seen == list(range(2, 253))
    from_the_start = watch(after_version=0)
    assert kind_of(next(from_the_start).entry) == "ADMIN_ADD"


def test_a_version_that_the_wallet_has_not_come_to_is_told(customer: Customer, watch: Watch) -> None:
    """Nothing might ever come to it, and the stream would say nothing for ever."""
    customer.top_up(100)
    for stated, opened in ((2, watch(after_version=2)), (1, watch(after_version=1, account_id="nobody-yet"))):
        with pytest.raises(grpc.RpcError) as error:
            next(opened)
        refusal = read_refusal(error.value)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.OUT_OF_RANGE, "VERSION_AHEAD")
        assert refusal.metadata["stated"] == str(stated)
    going_on = watch(after_version=1)
    customer.deduct(1)
    assert next(going_on).entry.version == 2


def test_a_version_that_is_shown_can_be_watched_from_though_it_is_not_written_yet(
    customer: Customer, watch: Watch
) -> None:
    customer.top_up(100)
    customer.hold(30, seconds=60)
    customer.service.clock.advance(61)
    shown = customer.balance().version
    stream = watch(after_version=shown)
    customer.deduct(1)
    assert next(stream).entry.version == shown + 1


def test_it_ends_with_its_callers_token(customer: Customer) -> None:
    """It goes on while the token is taken, and what a new call would be told then ends it."""
    customer.top_up(100)
    # The service's clock is ahead by as much as tests have turned it on.
    ahead_seconds = int(customer.service.clock.now() / SECOND - time.time())
    token = bearer(customer.account_id, ["USER"], ttl_seconds=ahead_seconds + LASTING_SECONDS)
    stub = CreditServiceStub(customer.service.channel())
    request = credit.WatchBalanceRequest(account_id=customer.account_id, credit_type="chat")
    stream = stub.WatchBalance(request, metadata=(("authorization", token),), timeout=PATIENCE_SECONDS)
    assert next(stream).balance.available == 100
    customer.deduct(1)
    assert next(stream).balance.available == 99
    customer.service.clock.advance(LASTING_SECONDS + LEEWAY_SECONDS)
    with pytest.raises(grpc.RpcError) as error:
        next(stream)
    refusal = read_refusal(error.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")


@pytest.mark.requirement("A13")
def test_every_watcher_sees_every_movement(customer: Customer, watch: Watch) -> None:
    customer.top_up(100)
    streams = [watch() for _ in range(5)]
    for stream in streams:
        assert next(stream).balance.available == 100
    customer.deduct(1)
    customer.deduct(2)
    for stream in streams:
        assert [next(stream).balance.available for _ in range(2)] == [99, 97]


@pytest.mark.requirement("A2")
def test_it_shows_what_expires_by_itself(customer: Customer, watch: Watch) -> None:
    customer.top_up(100, seconds=60)
    stream = watch()
    assert next(stream).balance.available == 100
    customer.service.clock.advance(61)
    seen = next(stream)
    assert (kind_of(seen.entry), seen.balance.available) == ("EXPIRE", 0)


def test_it_shows_one_wallet_alone(customer: Customer, watch: Watch) -> None:
    customer.top_up(100)
    stream = watch()
    next(stream)
    customer.top_up(5, credit_type="THB")
    customer.another("other").top_up(5)
    customer.deduct(1)
    assert kind_of(next(stream).entry) == "DEDUCT"


def test_it_waits_for_the_first_movement_of_a_wallet(customer: Customer, watch: Watch) -> None:
    stream = watch()
    assert next(stream).balance.version == 0
    customer.top_up(7)
    assert next(stream).balance.available == 7


@pytest.mark.requirement("H3")
def test_it_ends_with_the_callers_deadline(customer: Customer) -> None:
    request = credit.WatchBalanceRequest(account_id=customer.account_id, credit_type="chat")
    refusal = refused(customer.app.credit.WatchBalance, request, timeout=0.5)
    assert refusal.code == grpc.StatusCode.DEADLINE_EXCEEDED


def test_an_unknown_credit_type_is_not_found(customer: Customer) -> None:
    request = credit.WatchBalanceRequest(account_id=customer.account_id, credit_type="nothing")
    refusal = refused(customer.app.credit.WatchBalance, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "CREDIT_TYPE_NOT_FOUND")


@pytest.mark.requirement("D3")
def test_a_user_watches_no_account_but_their_own(customer: Customer) -> None:
    user = customer.service.as_caller(customer.account_id, "USER")
    own = credit.WatchBalanceRequest(account_id=customer.account_id, credit_type="spec")
    stream = user.credit.WatchBalance(own, timeout=PATIENCE_SECONDS)
    assert next(stream).balance.available == 1
    stream.cancel()
    other = credit.WatchBalanceRequest(account_id=customer.another("other").account_id, credit_type="spec")
    assert refused(user.credit.WatchBalance, other).code == grpc.StatusCode.PERMISSION_DENIED


def test_streams_that_come_and_go_leave_nothing_behind(customer: Customer) -> None:
    """Also those that end while it is looked what has moved."""
    customer.top_up(100)
    wallets = [customer.another(str(number)) for number in range(20)]
    for wallet in wallets:
        wallet.top_up(5)
    requests = [credit.WatchBalanceRequest(account_id=w.account_id, credit_type="chat") for w in wallets]
    eventually(lambda: not customer.service.server.credit.watched)
    for _ in range(3):
        streams = [customer.app.credit.WatchBalance(request, timeout=PATIENCE_SECONDS) for request in requests]
        for stream in streams:
            assert next(stream).balance.available == 5
        assert customer.service.server.credit.watched == len(wallets)
        with locked(customer.service, "wallets") as table:
            table.until(1)
            for stream in streams:
                stream.cancel()
            eventually(lambda: not customer.service.server.credit.watched)
        # The look that was held up comes back now, with the versions of wallets that nobody watches.
        stream = customer.app.credit.WatchBalance(requests[0], timeout=PATIENCE_SECONDS)
        assert next(stream).balance.available == 5
        wallets[0].top_up(1)
        assert next(stream).balance.available == 6
        assert customer.service.server.credit.watched == 1
        stream.cancel()
        wallets[0].remove(1)
    eventually(lambda: not customer.service.server.credit.watched)
