"""Servers share rate limits through a real Redis, and go on without it (I2)."""

import logging
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.call_windows import Window
from creditd.server.redis_connection import LoginRefused, RedisConnection, RedisPlace, redis_place
from creditd.server.shared_counts import KEPT_SECONDS, command, read, stated, teach
from tests.databases.redis import Redis, running_redis
from tests.support.certificates import identity
from tests.support.patience import eventually
from tests.support.service import RunningService, running_service

pytestmark = [pytest.mark.databases, pytest.mark.requirement("I2"), pytest.mark.timeout(120)]

START = 1_800_000_000.0

ACL = "on nopass ~creditd:calls:* +eval +select +time +hmget +hset +expire"
"""What its user may do, as docs/rate-limits.md has it."""


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    """Return a Redis."""
    with running_redis() as running:
        yield running


@pytest.fixture(scope="module")
def servers(redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningService, RunningService]]:
    """Run two servers that share their counts through it."""
    folder = tmp_path_factory.mktemp("shared")
    settings = {"user_calls_per_minute": 5, "rate_limits_redis_url": redis.url}
    with running_service(folder, **settings) as one, running_service(folder, **settings) as other:
        for server in (one, other):
            await_exchange(server)
        yield one, other


def await_exchange(server: RunningService) -> None:
    """Wait until a server has exchanged all that was counted before."""
    statistics = server.server.exchange_statistics
    # The next one may have begun before the last call was counted.
    end = statistics.exchanges + 2
    eventually(lambda: statistics.exchanges >= end)


def calls(server: RunningService, subject: str, tries: int) -> int:
    """Make so many calls, and return how many were answered; the others were refused for their number."""
    stubs, answered = server.as_caller(subject, "USER"), 0
    for _ in range(tries):
        try:
            stubs.credit.GetBalance(credit.GetBalanceRequest(account_id=subject))
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # noqa: PT017 - others are answered.
        else:
            answered += 1
    return answered


def test_what_a_caller_makes_on_one_server_counts_on_the_other(servers: tuple[RunningService, RunningService]) -> None:
    """But for what it makes there until the next exchange."""
    one, other = servers
    assert calls(other, "ann", 1) == 1
    assert calls(one, "ann", 20) == 10
    await_exchange(one)
    assert calls(other, "ann", 1) <= 1
    await_exchange(other)
    assert calls(other, "ann", 20) == 0
    assert calls(other, "bob", 20) == 10


def test_a_burst_on_one_server_is_over_on_the_other(servers: tuple[RunningService, RunningService]) -> None:
    one, other = servers
    assert calls(one, "cat", 6) == 6
    await_exchange(one)
    for server in servers:
        server.clock.advance(10)
    assert calls(other, "cat", 1) == 1
    await_exchange(other)
    assert calls(other, "cat", 1) == 0


def test_limits_hold_while_redis_is_away_and_are_shared_again_when_it_is_back(
    servers: tuple[RunningService, RunningService], redis: Redis, process_log: pytest.LogCaptureFixture
) -> None:
    process_log.set_level(logging.INFO, "creditd.telemetry")
    one, other = servers
    redis.stop()
    try:
        eventually(lambda: all(server.server.exchange_statistics.failures for server in servers))
        assert (calls(one, "dan", 20), calls(other, "dan", 20)) == (10, 10)
        assert process_log.text.count("sharing rate limits through Redis failed") == len(servers)
    finally:
        redis.start()
    for server in servers:
        await_exchange(server)
    assert process_log.text.count("sharing rate limits through Redis works again") == len(servers)
    assert calls(other, "eve", 1) == 1
    assert calls(one, "eve", 20) == 10
    await_exchange(one)
    calls(other, "eve", 1)
    await_exchange(other)
    assert calls(other, "eve", 20) == 0


def exchanging(connection: RedisConnection) -> Callable[[list[Window]], None]:
    """Return what has processes exchange the windows of one caller until each knows what each has."""
    name = f"caller {random.random()}"

    def exchange(windows: list[Window]) -> None:
        for _ in range(2):
            for number, window in enumerate(windows):
                one = stated(name, window)
                _, (learned,) = read(connection.ask(*command(b"process %d" % number, [one])), 1)
                teach(window, one.start, learned)

    return exchange


def test_processes_that_know_of_each_other_decide_as_one(redis: Redis) -> None:
    """As tests/server/test_shared_counts.py has it, here with Redis itself between them."""
    with RedisConnection(redis_place(redis.url)) as connection:
        for limit in (3, 7, 20):
            windows, alone, now = [Window(START) for _ in range(3)], Window(START), START
            exchange = exchanging(connection)
            for process in [0, 1, 2, *random.choices(range(3), k=60)]:
                assert windows[process].take(limit, now) == alone.take(limit, now)
                exchange(windows)
                now = min(now + random.random(), START + 59.0)


def test_what_redis_has_lost_is_there_again_with_the_next_exchange_and_nothing_is_kept(redis: Redis) -> None:
    with RedisConnection(redis_place(redis.url)) as connection:
        exchange, windows = exchanging(connection), [Window(START) for _ in range(3)]
        for window in windows:
            window.count, window.before = 3, 4
        connection.ask(b"FLUSHALL")
        exchange(windows)
        exchange(windows)
        assert [(window.others_before, window.others) for window in windows] == [(8, 6)] * 3
        ttls = connection.ask(
            b"EVAL",
            b"local found = {} for _, key in ipairs(redis.call('KEYS', 'creditd:*')) do "
            b"found[#found + 1] = redis.call('TTL', key) end return table.concat(found, ' ')",
            b"0",
        )
        assert len(ttls.split()) == 2
        assert all(0 < int(ttl) <= KEPT_SECONDS for ttl in ttls.split())


def test_a_thousand_callers_are_one_command(redis: Redis) -> None:
    with RedisConnection(redis_place(redis.url)) as connection:
        windows = [Window(START) for _ in range(1_000)]
        for window in windows:
            window.take(5, START)
        told = [stated(f"user {number}", window) for number, window in enumerate(windows)]
        _, learned = read(connection.ask(*command(b"other", told)), 1_000)
        assert {one.others for one in learned} == {0}
        _, learned = read(connection.ask(*command(b"me", told)), 1_000)
        assert {one.others for one in learned} == {1}


def test_redis_is_asked_over_tls_and_with_a_password(tmp_path: Path) -> None:
    authority = identity("an authority")
    shown = identity("localhost", authority)
    files = {"ca.pem": authority.certificate_pem, "certificate.pem": shown.certificate_pem, "key.pem": shown.key_pem}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    names = ("--tls-ca-cert-file", "--tls-cert-file", "--tls-key-file")
    pairs = [word for name, file in zip(names, files, strict=True) for word in (name, str(tmp_path / file))]
    tls = ("--port", "0", "--tls-port", "{port}", "--tls-auth-clients", "no", *pairs)
    with running_redis(*tls, "--requirepass", "a password") as running:
        ca_file = str(tmp_path / "ca.pem")
        place = redis_place(f"rediss://:a%20password@localhost:{running.port}/3")
        with RedisConnection(place, ca_file) as connection:
            connection.ask(b"ACL", b"SETUSER", b"counter", *ACL.encode().split())
        place = redis_place(f"rediss://counter:any@localhost:{running.port}")
        with RedisConnection(place, ca_file) as connection:
            _, (learned,) = read(connection.ask(*command(b"me", [stated("ann", Window(START))])), 1)
            assert learned.others == 0
            with pytest.raises(LoginRefused):
                connection.ask(b"FLUSHALL")
        with pytest.raises(LoginRefused):
            RedisConnection(RedisPlace(place.host, place.port, is_encrypted=True, password="wrong"), ca_file)  # noqa: S106
        with (
            RedisConnection(RedisPlace(place.host, place.port, is_encrypted=True), ca_file) as connection,
            pytest.raises(LoginRefused),
        ):
            connection.ask(*command(b"me", []))
