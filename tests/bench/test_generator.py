"""The load generator, held against grpc's own server: what it reports is what the server saw."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent import futures
from itertools import pairwise
from statistics import fmean, pstdev
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from credit.v1 import credit_service_pb2 as pb
from tests.bench import requests
from tests.bench.closed_loop import ClosedLoop
from tests.bench.job import Job, Operation, Outcome
from tests.bench.open_loop import MOST_ON_A_CONNECTION, OpenLoop, arrivals
from tests.bench.tally import Tally

_EVERY = 10


class Recorder:
    """Grants every request but each tenth, and keeps what it was asked."""

    def __init__(self) -> None:
        self.request_ids: list[str] = []
        self.accounts: Counter[str] = Counter()
        self.made: set[str] = set()
        self.confirmed: set[str] = set()
        self.tokens: set[str] = set()
        self.read: Counter[str] = Counter()
        self.standstill_s = 0.0

    def _hold(self, request: pb.ReserveRequest) -> pb.ReserveResponse | None:
        if self.standstill_s:
            time.sleep(self.standstill_s)
            self.standstill_s = 0.0
        self.request_ids.append(request.request_id)
        self.accounts[request.account_id] += 1
        number = len(self.request_ids)
        if number % _EVERY == 0:
            return None
        # Longer with each one, so that lengths of one byte and of two are read.
        name = f"accounts/{request.account_id}/reservations/{number}" + "x" * (number % 150)
        self.made.add(name)
        response = pb.ReserveResponse()
        response.reservation.name = name
        response.entry.version = number
        return response

    def reserve(self, request: pb.ReserveRequest, context: grpc.ServicerContext) -> pb.ReserveResponse:
        """Refuses by aborting, with a message that must not be taken for a status."""
        self.tokens.update(str(value) for key, value in context.invocation_metadata() if key == "authorization")
        response = self._hold(request)
        if response is None:
            return context.abort(grpc.StatusCode.FAILED_PRECONDITION, "grpc-status 0 is not what this is")
        return response

    def confirm(self, request: pb.ConfirmRequest, _context: grpc.ServicerContext) -> pb.ConfirmResponse:
        """Takes any name."""
        self.confirmed.add(request.name)
        return pb.ConfirmResponse()

    def batch_reserve(self, request: pb.BatchReserveRequest, _context: grpc.ServicerContext) -> pb.BatchReserveResponse:
        """Refuses item by item."""
        answer = pb.BatchReserveResponse()
        for single in request.requests:
            response = self._hold(single)
            if response is None:
                answer.results.add().error.code = 9
            else:
                answer.results.add().response.CopyFrom(response)
        return answer

    def get_balance(self, request: pb.GetBalanceRequest, _context: grpc.ServicerContext) -> pb.GetBalanceResponse:
        """Answers with nothing."""
        self.read[request.account_id] += 1
        return pb.GetBalanceResponse()

    def handlers(self) -> "dict[str, grpc.RpcMethodHandler[Any, Any]]":
        """What a server needs to know of the methods."""
        return {
            "Reserve": _handler(self.reserve, pb.ReserveRequest),
            "GetBalance": _handler(self.get_balance, pb.GetBalanceRequest),
            "Confirm": _handler(self.confirm, pb.ConfirmRequest),
            "BatchReserve": _handler(self.batch_reserve, pb.BatchReserveRequest),
        }


def _handler(answer: Callable[..., Message], request: type[Message]) -> "grpc.RpcMethodHandler[Any, Any]":
    def serialize(message: Message) -> bytes:
        return message.SerializeToString()

    return grpc.unary_unary_rpc_method_handler(answer, request.FromString, serialize)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def port(recorder: Recorder) -> Iterator[int]:
    # One thread, so that the recorder counts without a lock.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    server.add_registered_method_handlers("credit.v1.CreditService", recorder.handlers())
    number = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield number
    server.stop(None).wait()


def run(port: int, operations: tuple[Operation, ...], callers: int) -> Outcome:
    return ClosedLoop(Job(port, "token", operations, callers, 1, 50, measured_s=0.5)).run()


def test_what_is_acknowledged_and_refused_is_what_the_server_answered(recorder: Recorder, port: int) -> None:
    outcome = run(port, requests.reserve(), callers=20)
    assert outcome.acknowledged == outcome.operations == len(recorder.made) > 0
    assert outcome.refusals == {"9": len(recorder.request_ids) - len(recorder.made)}
    assert outcome.unanswered == 0
    assert recorder.tokens == {"Bearer token"}


def test_no_request_id_is_used_twice_and_every_account_is_drawn(recorder: Recorder, port: int) -> None:
    # Each caller makes a call, however short the time is: 1,280 draws among 50 accounts leave none out.
    run(port, requests.batch_reserve(), callers=20)
    assert len(set(recorder.request_ids)) == len(recorder.request_ids)
    assert set(recorder.accounts) == {f"account-{number:06}" for number in range(1, 51)}


def test_each_reservation_made_is_the_one_confirmed(recorder: Recorder, port: int) -> None:
    outcome = run(port, requests.reserve_and_confirm(), callers=3)
    assert recorder.confirmed == recorder.made
    assert outcome.acknowledged == 2 * outcome.operations == 2 * len(recorder.made)


def test_batches_beyond_the_flow_control_window_are_counted_item_by_item(recorder: Recorder, port: int) -> None:
    # 16 callers on one connection have 100 kB outstanding; the window is 64 kB.
    outcome = run(port, requests.batch_reserve(), callers=16)
    assert outcome.acknowledged == outcome.operations == len(recorder.made) > 0
    assert outcome.refusals == {"9": len(recorder.request_ids) - len(recorder.made)}
    assert outcome.calls * requests.BATCH == len(recorder.request_ids)


def test_each_account_is_visited_once_if_so_asked(recorder: Recorder, port: int) -> None:
    ClosedLoop(Job(port, "token", requests.reserve(), 7, 1, 50, each_once=True)).run()
    assert set(recorder.accounts.values()) == {1}
    assert len(recorder.accounts) == 50


def test_a_read_is_no_row_of_the_ledger(recorder: Recorder, port: int) -> None:
    outcome = run(port, requests.get_balance(), callers=3)
    assert outcome.operations == outcome.calls == sum(recorder.read.values()) > 0
    assert outcome.acknowledged == 0


def test_in_a_mix_each_call_counts_by_itself(recorder: Recorder, port: int) -> None:
    outcome = run(port, requests.mix(), callers=5)
    assert recorder.confirmed == recorder.made
    assert outcome.acknowledged == 2 * len(recorder.made) > 0
    assert outcome.operations == outcome.acknowledged + sum(recorder.read.values())
    assert outcome.calls == outcome.operations + outcome.refusals.get("9", 0)


def test_arrivals_are_as_many_as_the_rate_says_and_the_same_each_time() -> None:
    instants = list(arrivals(500, 100.0, 120.0))
    assert instants == list(arrivals(500, 100.0, 120.0)) == sorted(instants)
    assert instants[0] > 100.0
    assert instants[-1] < 120.0
    # Of a Poisson process of 10,000 on average, the count is within five deviations of 100.
    assert abs(len(instants) - 10_000) < 500
    gaps = [later - earlier for earlier, later in pairwise(instants)]
    # Exponential: of independent callers, some come close together. Even gaps would have a deviation of 0.
    assert pstdev(gaps) == pytest.approx(fmean(gaps), rel=0.1)


def open_loop(port: int, rate: float, measured_s: float, windows: int = 1) -> list[Outcome]:
    job = Job(port, "token", requests.reserve(), 16, 1, 50, measured_s=measured_s, rate=rate, windows=windows)
    return list(OpenLoop(job).run())


def test_an_open_loop_begins_all_that_is_due_and_counts_it_in_one_window(recorder: Recorder, port: int) -> None:
    outcomes = open_loop(port, 200.0, 0.4, windows=3)
    assert len(outcomes) == 3
    calls = sum(outcome.calls for outcome in outcomes)
    assert calls == len(recorder.request_ids) == len(list(arrivals(200.0, 0.0, 1.2)))
    assert sum(outcome.acknowledged for outcome in outcomes) == len(recorder.made)
    assert sum(outcome.refusals.get("9", 0) for outcome in outcomes) == calls - len(recorder.made)
    assert outcomes[-1].unanswered == 0


def test_an_open_loop_begins_also_what_was_due_when_its_time_was_over(recorder: Recorder, port: int) -> None:
    # All of it lies within ten microseconds: whoever looks first finds that its time is over.
    (outcome,) = open_loop(port, 1e7, 1e-5)
    assert outcome.calls == len(recorder.request_ids) == pytest.approx(len(list(arrivals(1e7, 0.0, 1e-5))), abs=1)
    assert outcome.calls > 50


def test_what_waits_for_a_server_that_stands_still_counts_from_when_it_was_due(recorder: Recorder, port: int) -> None:
    # The server has one thread. While it sleeps all that is due waits, what cannot be sent yet too: in a closed loop
    # of 16 callers it would be 16 latencies among all, here it is three quarters of them. So the median is one of those
    # that wait, about 0.5 s, however fast what is left is answered.
    recorder.standstill_s = 1.5
    outcome = open_loop(port, 400.0, 2.0)[-1]
    assert outcome.calls == len(list(arrivals(400.0, 0.0, 2.0))) > 2 * MOST_ON_A_CONNECTION
    assert outcome.p99_ms > 1_300
    assert outcome.p999_ms >= outcome.p99_ms > outcome.p50_ms > 300
    assert outcome.late_p99_ms > 100


def test_a_call_that_is_cut_off_leaves_open_what_became_of_it() -> None:
    tally = Tally(0.0, 10.0)
    (batch,), (read,) = requests.batch_reserve()[0].steps, requests.get_balance()[0].steps
    assert tally.answer(batch, 4, b"") == 0
    assert tally.answer(read, 14, b"") == 0
    assert tally.answer(batch, 9, b"") == 0
    assert (tally.in_doubt, tally.acknowledged) == (requests.BATCH, 0)
