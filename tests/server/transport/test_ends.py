"""How a call ends that nobody waits for any more: what it waited for is given up, and nothing of it stays."""

import gc
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.server import pipeline
from creditd.server.headers import read_headers
from creditd.server.transport import queue_server
from creditd.server.transport.hot_call import HotCall
from creditd.telemetry.calls import CallEnd
from tests.support.customer import Customer
from tests.support.held_up import held_up, locked
from tests.support.patience import eventually
from tests.support.raw_http2 import CANCEL, HEADERS, NO_WINDOW, RST_STREAM, SETTINGS, RawConnection
from tests.support.refusals import refused
from tests.support.service import RunningService
from tests.support.tokens import bearer

SERVICE = "/credit.v1.CreditService"
BALANCE, RESERVE, HISTORY = f"{SERVICE}/GetBalance", f"{SERVICE}/Reserve", f"{SERVICE}/ListTransactions"
WATCH = f"{SERVICE}/WatchBalance"
REQUESTS = {HISTORY: credit.ListTransactionsRequest, WATCH: credit.WatchBalanceRequest}
CANCELLED = 20
CALLS, CALLS_OF_A_CONNECTION = 500, 10
"""Fewer of a connection than a stranger may make."""

PARTS = {"HotCall", "LoopCall", "Exchange", "RequestCallEvent", "CallDetails"}
"""What a call consists of, by the names of the classes."""

FEW = 8


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[CallEnd]:
    """Collect what is noted about calls that have ended."""
    noted: list[CallEnd] = []

    def note(*fields: Any) -> CallEnd:
        noted.append(CallEnd(*fields))
        return noted[-1]

    monkeypatch.setattr(pipeline, "CallEnd", note)
    return noted


@pytest.fixture
def one(service: RunningService, account: str) -> Customer:
    """Return a customer of either transport with 100 credits."""
    app: SimpleNamespace = service.as_caller("app", "ADMIN")
    customer = Customer(service, app, service.as_caller("staff", "ADMIN"), account)
    customer.top_up(100)
    return customer


def noted(ends: list[CallEnd], subject: str) -> tuple[str, str]:
    """Return code and reason that are noted about the last call of a caller."""
    last: CallEnd = eventually(lambda: next((end for end in reversed(ends) if end.subject == subject), None))
    return last.code, last.reason


@pytest.mark.parametrize("path", [BALANCE, HISTORY])
def test_one_that_is_cancelled_before_its_message_came(service: RunningService, ends: list[CallEnd], path: str) -> None:
    with RawConnection(service.address, bearer("early", ["USER"])) as caller:
        caller.send(RST_STREAM, 0, caller.begin(path), CANCEL)
        assert noted(ends, "early") == ("CANCELLED", "")


def test_one_that_is_cancelled_while_it_is_saved(one: Customer, ends: list[CallEnd]) -> None:
    """It is done all the same."""
    late = one.service.as_caller("late", "ADMIN")
    with held_up(one) as until_it_waits:
        call = late.credit.Deduct.future(one.deducting(10))
        until_it_waits()
        call.cancel()
        # A later call of the same connection is answered once the server has heard of the end of this one.
        refused(late.credit.GetBalance, credit.GetBalanceRequest(account_id="nobody"))
    ours = ("late", one.account_id)
    assert eventually(lambda: [end.code for end in ends if (end.subject, end.account_id) == ours]) == ["CANCELLED"]
    eventually(lambda: one.figures() == (90, 0))


GIVEN_UP: dict[str, tuple[float | None, Callable[[Any], object]]] = {
    "cancelled": (None, lambda call: call.cancel()),
    "its deadline passed": (2.0, lambda call: call.exception()),
}


@pytest.mark.parametrize(("timeout", "act"), GIVEN_UP.values(), ids=GIVEN_UP)
def test_one_that_is_given_up_while_the_database_is_asked(
    one: Customer, ends: list[CallEnd], timeout: float | None, act: Callable[[Any], object]
) -> None:
    """The database is asked no longer whether there is such a credit type."""
    reader = one.service.as_caller("reader", "ADMIN")
    abandoned = one.service.server.credit._threads.lookups.occupancy.abandoned
    with locked(one.service, "credit_types") as table:
        call = reader.credit.Reserve.future(one.reserving(1, credit_type="unheard_of"), timeout=timeout)
        table.until(1)
        act(call)
        assert noted(ends, "reader") == ("CANCELLED", "")
        table.until(0)
    assert one.service.server.credit._threads.lookups.occupancy.abandoned == abandoned + 1


@pytest.mark.parametrize("path", [BALANCE, RESERVE])
def test_one_whose_answer_is_not_taken(queue_service: RunningService, ends: list[CallEnd], path: str) -> None:
    """Its caller goes after the answer was given, and before it was sent."""
    subject = f"slow-{path[-7:]}"
    token = bearer(subject, ["SERVICE"], "credits.spend credits.read")
    with RawConnection(queue_service.address, token) as caller:
        caller.send(SETTINGS, 0, 0, NO_WINDOW)
        if path == RESERVE:
            request: Any = credit.ReserveRequest(account_id=subject, credit_type="spec", amount=1, request_id="1")
        else:
            request = credit.GetBalanceRequest(account_id=subject)
        stream = caller.call(path, request.SerializeToString())
        assert next(frame for frame in caller.frames() if frame.kind == HEADERS).stream == stream
        caller.send(RST_STREAM, 0, stream, CANCEL)
        assert noted(ends, subject) == ("CANCELLED", "")


def parts() -> Counter[str]:
    """Count what there is of calls."""
    return Counter(name for each in gc.get_objects() if (name := type(each).__name__) in PARTS)


@pytest.mark.parametrize("token", [bearer("owner", ["USER"]), ""], ids=["owner", "stranger"])
@pytest.mark.parametrize("path", [BALANCE, HISTORY, f"{SERVICE}/Nothing"])
def test_nothing_of_a_refused_call_stays(queue_service: RunningService, path: str, token: str) -> None:
    """Though nobody looks for cycles of garbage: what it brought along was much."""
    more = [(b"accept-language", b"th," * 3_000)]
    gc.collect()
    gc.disable()
    try:
        for _ in range(CALLS // CALLS_OF_A_CONNECTION):
            with RawConnection(queue_service.address, token) as caller:
                told = caller.ends()
                for _ in range(CALLS_OF_A_CONNECTION):
                    caller.say(caller.begin(path, more), 0, end=True)
                assert all(next(told)[1] for _ in range(CALLS_OF_A_CONNECTION))
        # The bell is one of them.
        eventually(lambda: parts().total() <= FEW)
    finally:
        gc.enable()


@pytest.mark.parametrize("path", [HISTORY, WATCH])
def test_nothing_of_a_cancelled_call_stays(queue_service: RunningService, path: str) -> None:
    """To the core a call that is kept counts as one that its connection has open, and others are refused for it."""
    request = REQUESTS[path](account_id="cancels", credit_type="spec").SerializeToString()
    gc.collect()
    gc.disable()
    try:
        with (
            locked(queue_service, "entries"),
            RawConnection(queue_service.address, bearer("cancels", ["USER"])) as caller,
        ):
            begun = [caller.call(path, request) for _ in range(CANCELLED)]
            eventually(lambda: parts()["LoopCall"] >= CANCELLED)
            for stream in begun:
                caller.send(RST_STREAM, 0, stream, CANCEL)
            # The bell is one of them.
            eventually(lambda: parts().total() <= FEW)
    finally:
        gc.enable()


def test_a_call_whose_start_fails_is_that_callers_alone(
    queue_service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told so as of any other defect; everybody else is served as before."""

    def failing(metadata: Any) -> Any:
        headers = read_headers(metadata)
        if "x-doom" in headers:
            raise ArithmeticError
        return headers

    monkeypatch.setattr(pipeline, "read_headers", failing)
    owner = queue_service.as_caller("owner", "USER").credit
    request = credit.GetBalanceRequest(account_id="owner")
    refusal = refused(owner.GetBalance, request, metadata=[("x-doom", "1")])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert owner.GetBalance(request).account_balance.account_id == "owner"


def test_a_call_that_cannot_be_taken_in_is_that_callers_alone(
    queue_service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where there is nothing yet that could explain it."""

    def failing(thread: Any, method: Any, event: Any) -> Any:
        if event.call_details.method == RESERVE.encode():
            raise ArithmeticError
        return HotCall(thread, method, event)

    monkeypatch.setattr(queue_server, "HotCall", failing)
    with RawConnection(queue_service.address, bearer("owner", ["USER"])) as caller:
        told = caller.ends()
        doomed = caller.begin(RESERVE)
        assert next(told) == (doomed, grpc.StatusCode.INTERNAL.value[0])
        good = caller.call(BALANCE, credit.GetBalanceRequest(account_id="owner").SerializeToString())
        assert next(told) == (good, 0)
