"""What an executor answers, lawful or not, comes to one of three things: and never costs what it may not."""

import asyncio
from collections.abc import Callable
from typing import Final

import grpc
import pytest

from creditd.domain.workflows.execution import Failed, Progress, Succeeded, Unreached
from creditd.executors import client as client_module
from creditd.executors.answers import ANSWER_INVALID, MAX_MESSAGE_BYTES, MAX_OUTPUT_BYTES
from creditd.executors.client import Result
from creditd.executors.progress_sampler import INTERVAL_SECONDS, MOST_PER_INTERVAL
from tests.support.scripted_executor import (
    Line,
    ScriptedExecutor,
    calling,
    execution,
    failure,
    progress,
    serving,
    success,
)

pytestmark = pytest.mark.requirement("G2")

HOSTILE: Final = "\u202e<script>alert(1)</script>\0" + "ก" * 4_096


async def said(*scripts: Callable[[], list[Line]]) -> tuple[Result, list[Progress], ScriptedExecutor]:
    """Return what an execution comes to, the progress on the way, and the executor."""
    executor, seen = ScriptedExecutor(list(scripts)), list[Progress]()
    async with serving(executor) as port, calling(port) as client:
        return await client.execute(execution(), seen.append), seen, executor


def result_of(*scripts: Callable[[], list[Line]]) -> Result:
    """Return what an execution comes to."""
    return asyncio.run(said(*scripts))[0]


def test_an_execution_is_asked_for_in_whole_and_tells_how_it_goes() -> None:
    result, seen, executor = asyncio.run(said(lambda: [progress(10, "half a verse"), success(7, b'{"poem": "x"}')]))
    assert result == Succeeded(7, b'{"poem": "x"}')
    assert seen == [Progress(10, "half a verse")]
    (request,) = executor.asked
    assert (request.run_id, request.account_id, request.workflow_id) == ("run-1", "ann", "poem")
    assert (request.attempt, request.input, request.credit_type, request.held_amount) == (1, b"{}", "spec", 100)
    assert request.deadline.seconds > 0


@pytest.mark.parametrize(
    ("line", "result"),
    [
        (success(), Succeeded(None, b"")),
        (success(0), Succeeded(0, b"")),
        (success(100), Succeeded(100, b"")),
        (failure("INPUT_UNREADABLE", "it is Greek"), Failed("INPUT_UNREADABLE", "it is Greek")),
    ],
)
def test_what_is_lawful_stands(line: Line, result: Result) -> None:
    assert result_of(lambda: [line]) == result


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([success(101)], "101 was used of the 100 held"),
        ([success(-1)], "-1 was used"),
        ([success(1, b"poem")], "no JSON object"),
        ([success(1, b"[1]")], "no JSON object"),
        ([success(1, b'{"a": NaN}')], "no JSON object"),
        ([success(1, b'{"a":' + b"[" * 60_000)], "no JSON object"),
        ([success(1, b'{"a": "' + b"x" * MAX_OUTPUT_BYTES + b'"}')], "and may have 65536"),
        ([success(1), success(2)], "two results"),
        ([success(1), failure("LATER")], "two results"),
        ([failure("no such reason", "two results")], "two results"),
    ],
)
def test_what_is_final_and_not_lawful_costs_nothing(lines: list[Line], problem: str) -> None:
    result = result_of(lambda: lines)
    assert isinstance(result, Failed)
    assert result.reason == ANSWER_INVALID
    assert problem in result.message


@pytest.mark.parametrize(
    "lines",
    [[], [progress(50)], [progress(50), grpc.StatusCode.UNAVAILABLE], [grpc.StatusCode.INTERNAL]],
)
def test_without_a_result_nobody_knows(lines: list[Line]) -> None:
    assert isinstance(result_of(lambda: lines), Unreached)


def test_a_result_that_was_told_stands_though_the_stream_breaks() -> None:
    assert result_of(lambda: [success(3), grpc.StatusCode.UNAVAILABLE]) == Succeeded(3, b"")


def test_a_stream_that_stays_open_after_its_result_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "END_SECONDS", 0.05)
    assert result_of(lambda: [success(3), asyncio.sleep(60)]) == Succeeded(3, b"")


def test_hostile_words_are_words_and_have_an_end() -> None:
    result, seen, _ = asyncio.run(said(lambda: [progress(250, HOSTILE), failure("BAD", HOSTILE)]))
    kept = HOSTILE.encode()[:MAX_MESSAGE_BYTES].decode(errors="ignore").replace("\0", " ")
    assert result == Failed("BAD", kept)
    assert seen == [Progress(None, kept)]


def test_of_a_flood_little_is_read_and_less_is_passed_on() -> None:
    async def flood() -> tuple[list[Progress], float, Result]:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        result, seen, _ = await said(lambda: [*(progress(n % 101) for n in range(2 * MOST_PER_INTERVAL)), success()])
        return seen, loop.time() - begin, result

    seen, seconds, result = asyncio.run(flood())
    assert result == Succeeded(None, b"")
    # At least so long, and so no more than one for each interval, with the first and the last.
    assert seconds >= INTERVAL_SECONDS
    assert 1 < len(seen) <= 2 + seconds / INTERVAL_SECONDS
    assert seen[-1].percent == (2 * MOST_PER_INTERVAL - 1) % 101
