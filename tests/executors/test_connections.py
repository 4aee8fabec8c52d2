"""How executors are reached: retries, the breaker, deadlines, cancellation, and over TLS."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import grpc
import pytest

from creditd.bootstrap.executors import make_executors
from creditd.config import Config
from creditd.domain.workflows.execution import Succeeded, Unreached
from creditd.executors import client as client_module
from creditd.executors import pauses
from creditd.executors.breaker import MOST_FAILURES, OPEN_SECONDS, PROBE_SECONDS, Breaker, BreakerState
from creditd.executors.pauses import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, MOST_TRIES, pause_seconds
from creditd.telemetry.executor_metrics import ExecutorMetrics
from creditd.telemetry.statistics import ExecutorStatistics
from tests.support.certificates import Identity, identity
from tests.support.ports import free_port
from tests.support.scripted_executor import (
    ScriptedExecutor,
    calling,
    execution,
    now,
    progress,
    serving,
    success,
)

pytestmark = pytest.mark.requirement("G2")

AWAY: Final = grpc.StatusCode.UNAVAILABLE


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have tries follow each other soon."""
    monkeypatch.setattr(pauses, "FIRST_PAUSE_SECONDS", 0.001)


def nothing(_: object) -> None:
    """Take no note of progress."""


def test_one_that_is_away_for_a_moment_is_tried_again_by_the_same_id() -> None:
    async def run() -> None:
        statistics = ExecutorStatistics()
        executor = ScriptedExecutor([lambda: [AWAY], lambda: [AWAY], lambda: [success(1)]])
        async with serving(executor) as port, calling(port, statistics) as client:
            assert await client.execute(execution(), nothing) == Succeeded(1, b"")
        assert [request.run_id for request in executor.asked] == ["run-1"] * 3
        assert statistics.retries == 2
        assert statistics.calls == {("execute", "succeeded"): 1}

    asyncio.run(run())


def test_what_has_begun_is_not_tried_again_here() -> None:
    async def run() -> None:
        executor = ScriptedExecutor([lambda: [progress(1), AWAY]])
        async with serving(executor) as port, calling(port) as client:
            assert isinstance(await client.execute(execution(), nothing), Unreached)
        assert len(executor.asked) == 1

    asyncio.run(run())


def test_tries_end_before_the_deadline_and_after_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        executor = ScriptedExecutor([lambda: [AWAY]])
        async with serving(executor) as port, calling(port) as client:
            assert isinstance(await client.execute(execution(), nothing), Unreached)
            assert len(executor.asked) == MOST_TRIES
            # It would have to pause until after its end.
            monkeypatch.setattr(client_module, "pause_seconds", lambda _: 11.0)
            assert await client.execute(execution(10), nothing) == Unreached("UNAVAILABLE: as the script says")
            assert len(executor.asked) == MOST_TRIES + 1
            assert isinstance(await client.execute(execution(-1), nothing), Unreached)
            assert len(executor.asked) == MOST_TRIES + 1

    asyncio.run(run())


def test_a_call_ends_at_the_deadline_and_says_nothing_of_the_executor() -> None:
    async def run() -> None:
        statistics = ExecutorStatistics()
        executor = ScriptedExecutor([lambda: [asyncio.sleep(60)]])
        async with serving(executor) as port, calling(port, statistics) as client:
            for _ in range(MOST_FAILURES):
                result = await client.execute(execution(0.05), nothing)
                assert isinstance(result, Unreached)
            assert statistics.breaker_state == BreakerState.CLOSED

    asyncio.run(run())


def test_whoever_stops_waiting_ends_the_call_alone() -> None:
    async def run() -> None:
        began = asyncio.Event()
        executor = ScriptedExecutor([lambda: [progress(1), asyncio.sleep(60)]])
        async with serving(executor) as port, calling(port) as client:
            waiting = asyncio.create_task(client.execute(execution(), lambda _: began.set()))
            await began.wait()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await executor.gone.wait()
            assert not executor.given_up

    asyncio.run(run())


def test_an_executor_is_told_that_a_run_was_given_up() -> None:
    async def run() -> None:
        statistics = ExecutorStatistics()
        executor = ScriptedExecutor([list], cancel_status=[AWAY])
        async with serving(executor) as port, calling(port, statistics) as client:
            assert await client.cancel("run-1", "its time is over")
        assert [(one.run_id, one.why) for one in executor.given_up] == [("run-1", "its time is over")]
        async with calling(free_port(), statistics) as client:
            assert not await client.cancel("run-1", "its time is over")
        assert statistics.calls == {("cancel", "told"): 1, ("cancel", "unreached"): 1}

    asyncio.run(run())


def test_one_that_is_away_is_left_alone_until_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        time = [0.0]
        monkeypatch.setattr(client_module, "time", SimpleNamespace(monotonic=lambda: time[0]))
        statistics, port = ExecutorStatistics(), free_port()
        executor = ScriptedExecutor([lambda: [success(1)]])
        async with calling(port, statistics) as client:
            while statistics.breaker_state != BreakerState.OPEN:
                assert isinstance(await client.execute(execution(), nothing), Unreached)
            async with serving(executor, port):
                assert await client.execute(execution(), nothing) == Unreached(client_module.SHUT)
                assert not executor.asked
                time[0] += OPEN_SECONDS
                result = await client.execute(execution(), nothing)
                while isinstance(result, Unreached):
                    # Its channel is between two tries to connect.
                    time[0] += OPEN_SECONDS
                    await asyncio.sleep(0.05)
                    result = await client.execute(execution(), nothing)
                assert result == Succeeded(1, b"")
                assert statistics.breaker_state == BreakerState.CLOSED

    asyncio.run(run())


def test_the_breaker_opens_after_failures_in_a_row_and_lets_one_try() -> None:
    time, statistics = [0.0], ExecutorStatistics()
    breaker = Breaker("poems", statistics, lambda: time[0])
    for _ in range(MOST_FAILURES - 1):
        breaker.failed()
    breaker.reached()
    for _ in range(MOST_FAILURES - 1):
        breaker.failed()
    assert breaker.admits()
    breaker.failed()
    assert not breaker.admits()
    time[0] += OPEN_SECONDS
    assert breaker.admits()
    assert statistics.breaker_state == 1
    assert not breaker.admits()
    time[0] += PROBE_SECONDS
    assert breaker.admits()
    breaker.failed()
    assert statistics.breaker_state == 2
    time[0] += OPEN_SECONDS
    assert breaker.admits()
    breaker.reached()
    assert statistics.breaker_state == 0


def test_pauses_double_and_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "FIRST_PAUSE_SECONDS", FIRST_PAUSE_SECONDS)
    monkeypatch.setattr(pauses, "random", SimpleNamespace(uniform=lambda least, most: least + most))
    drawn = [pause_seconds(tries) for tries in range(1, 7)]
    assert drawn == [min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**n) for n in range(6)]


def written(folder: Path, name: str, content: bytes) -> str:
    """Write a file, and return its path."""
    (folder / name).write_bytes(content)
    return str(folder / name)


def test_over_tls_each_side_shows_a_certificate(tmp_path: Path) -> None:
    authority, stranger = identity("authority"), identity("stranger")
    server = identity("server", authority)
    shown = [(server.key_pem, server.certificate_pem)]
    credentials = grpc.ssl_server_credentials(shown, authority.certificate_pem, require_client_auth=True)

    async def run(port: int, trusted: Identity, signer: Identity) -> bool:
        own = identity("service", signer)
        config = Config(
            executors_tls_ca_file=written(tmp_path, "ca.pem", trusted.certificate_pem),
            executors_tls_certificate_file=written(tmp_path, "own.pem", own.certificate_pem),
            executors_tls_key_file=written(tmp_path, "own.key", own.key_pem),
            executors=(f"poems=localhost:{port}",),
        )
        executors = make_executors(config, {"poems": ExecutorStatistics()}, now)
        poems = executors.get("poems")
        assert poems
        result = await poems.execute(execution(), nothing)
        await executors.close()
        return result == Succeeded(1, b"")

    async def all_of_them() -> list[bool]:
        async with serving(ScriptedExecutor([lambda: [success(1)]]), credentials=credentials) as port:
            return [
                await run(port, authority, authority),
                await run(port, authority, stranger),
                await run(port, stranger, authority),
            ]

    assert asyncio.run(all_of_them()) == [True, False, False]


def test_executors_are_those_that_are_configured(tmp_path: Path) -> None:
    """One that may be called in plaintext is, beside others that are not."""
    trusted = written(tmp_path, "ca.pem", identity("authority").certificate_pem)

    async def run() -> None:
        async with serving(ScriptedExecutor([lambda: [success(1)]])) as port:
            names = ("poems", "songs")
            config = Config(
                executors=tuple(f"{name}=localhost:{port}" for name in names),
                plaintext_executors=("poems",),
                executors_tls_ca_file=trusted,
            )
            statistics = {name: ExecutorStatistics() for name in names}
            executors = make_executors(config, statistics, now)
            assert tuple(executors.names) == names
            assert executors.get("dances") is None
            poems, songs = map(executors.get, names)
            assert poems
            assert songs
            assert await poems.execute(execution(), nothing) == Succeeded(1, b"")
            assert isinstance(await songs.execute(execution(), nothing), Unreached)
            await executors.close()
            samples = {
                (one.name, one.labels["executor"], one.labels.get("outcome")): one.value
                for metric in ExecutorMetrics(statistics).collect()
                for one in metric.samples
            }
            assert samples["creditd_executor_calls_total", "poems", "succeeded"] == 1
            assert samples["creditd_executor_calls_total", "songs", "unreached"] == 1
            assert samples["creditd_executor_breaker_state", "poems", None] == 0

    asyncio.run(run())
