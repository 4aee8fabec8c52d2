"""What processes tell each other of the calls that they have counted, and what becomes of it (I2)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditd.bootstrap.rate_limits import make_shared_counts
from creditd.call_windows import BURST_SECONDS, NEVER, WINDOW_SECONDS, Window, Windows
from creditd.certificates import InvalidCertificate
from creditd.config import Config
from creditd.server.authentication.callers import Caller
from creditd.server.rate_limits import CallLimits, RateLimits
from creditd.server.redis_connection import UnreadableAnswer
from creditd.server.refusals import RateLimited
from creditd.server.shared_counts import MOST_OTHERS, Learned, SharedCounts, Stated, command, read, stated, teach
from creditd.telemetry.statistics import ExchangeStatistics
from tests.support.certificates import identity
from tests.support.patience import eventually
from tests.support.scripted_peer import Script, closed_port, scripted_peer, shown

pytestmark = pytest.mark.requirement("I2")

START = 1_800_000_000.0
"""The beginning of a minute."""


class Shelf:
    """What Redis keeps, and answers, by the same rules; tests/databases holds Redis itself against it."""

    def __init__(self) -> None:
        """Begin empty."""
        self.counts: dict[tuple[str, float], dict[int, int]] = defaultdict(dict)
        self.bursts: dict[tuple[str, float], tuple[float, float]] = {}

    def learned(self, process: int, one: Stated) -> Learned:
        """Note what a process states, and return what the others have."""
        minutes = (one.name, one.start - WINDOW_SECONDS), (one.name, one.start)
        others: list[int] = []
        for minute, count in zip(minutes, (one.own_before, one.own), strict=True):
            self.counts[minute][process] = count
            others.append(sum(self.counts[minute].values()) - count)
        if one.over_time > NEVER:
            first, last = self.bursts.get(minutes[1], (inf, NEVER))
            self.bursts[minutes[1]] = min(first, one.burst_time), max(last, one.over_time)
        others_before, others_now = others
        return Learned(others_before, others_now, [self.bursts.get(minute, (NEVER, NEVER)) for minute in minutes])


def exchange(shelf: Shelf, windows: Sequence[Window]) -> None:
    """Have all processes exchange, so that each knows what each has."""
    for _ in range(2):
        for process, window in enumerate(windows):
            one = stated("ann", window)
            teach(window, one.start, shelf.learned(process, one))


@given(
    limit=st.integers(3, 20),
    calls=st.lists(st.tuples(st.integers(0, 2), st.floats(0.0, 2.0, allow_nan=False)), max_size=60),
)
def test_processes_that_know_of_each_other_decide_as_one(limit: int, calls: list[tuple[int, float]]) -> None:
    """The same calls are taken, bursts included, and the same times to wait are told."""
    shelf, windows, alone, now = Shelf(), [Window(START) for _ in range(3)], Window(START), START
    for process, pause in [(0, 0.0), (1, 0.0), (2, 0.0), *calls]:
        now = min(now + pause, START + 59.0)
        assert windows[process].take(limit, now) == alone.take(limit, now)
        exchange(shelf, windows)
    assert sum(window.count for window in windows) == alone.count


def test_a_caller_that_never_stops_is_held_to_its_limit_by_all_together() -> None:
    """What is known late is made up for: the limit goes by what was counted, not by what was let pass."""
    shelf, windows, taken, step = Shelf(), [Window(START) for _ in range(3)], 0, 0.05
    for number in range(int(20 * WINDOW_SECONDS / step)):
        now = START + number * step
        taken += sum(not window.take(60, now) for window in windows)
        if number % 5 == 0:
            exchange(shelf, windows)
    # In a quarter of a second 3 processes take 15 at most; for one alone it would be 20 minutes and a burst.
    assert 60 * 20 * 0.9 <= taken <= (60 + 15) * 21 + 60


def test_a_burst_that_is_over_in_one_process_does_not_begin_in_another() -> None:
    shelf, (one, other), now = Shelf(), (Window(START), Window(START)), START + 1.0
    assert [one.take(5, now) for _ in range(6)] == [0.0] * 6
    now += BURST_SECONDS
    assert other.take(5, now) == 0.0, "it knows nothing of it yet"
    exchange(shelf, (one, other))
    assert other.take(5, now) > 0


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ((NEVER, NEVER), (100.0, 130.0), (100.0, 130.0)),
        ((100.0, 130.0), (NEVER, NEVER), (100.0, 130.0)),
        ((100.0, 130.0), (189.0, 195.0), (100.0, 195.0)),
        ((189.0, 195.0), (100.0, 130.0), (100.0, 195.0)),
        ((100.0, 130.0), (190.0, 195.0), (190.0, 195.0)),
        ((190.0, 195.0), (100.0, 130.0), (190.0, 195.0)),
    ],
)
def test_bursts_with_less_than_a_minute_between_them_are_one(
    first: tuple[float, float], second: tuple[float, float], both: tuple[float, float]
) -> None:
    window = Window(0.0)
    window.learn_burst(*first)
    window.learn_burst(*second)
    assert (window.burst_time, window.over_time) == both


def test_what_is_learned_of_a_minute_that_has_passed_meanwhile_is_of_the_one_before() -> None:
    window = Window(START)
    window.take(10, START + WINDOW_SECONDS)
    window.learn(START, 3, 4)
    assert (window.others_before, window.others) == (4, 0)
    window.take(10, START + 3 * WINDOW_SECONDS)
    window.learn(START + WINDOW_SECONDS, 3, 4)
    assert (window.others_before, window.others) == (0, 0)


@pytest.mark.parametrize(
    "burst", [(START + 1e6, START + 1e6), (inf, inf), (nan, nan), (START + 200.0, START), (0.0, inf)]
)
def test_a_burst_that_cannot_be_is_not_believed(burst: tuple[float, float]) -> None:
    """One that is to begin in an hour would go on until then."""
    window = Window(START)
    teach(window, START, Learned(0, 0, [burst]))
    assert (window.burst_time, window.over_time) == (NEVER, NEVER)


def test_a_command_states_counts_and_names_nobody() -> None:
    window = Window(START + WINDOW_SECONDS)
    window.before, window.count = 7, 9
    window.burst_time, window.over_time = START + 1.5, START + 62.25
    verb, _, keys, before, now, me, _, *figures = command(b"me", [stated("ann@example.com", window)])
    assert (verb, keys, me) == (b"EVAL", b"2", b"me")
    assert before.endswith(b":30000000")
    assert now.endswith(b":30000001")
    assert b"ann" not in before + now
    assert figures == [b"7", b"9", b"1800000001500", b"1800000062250"]
    window.over_time = START + 59.0
    assert list(command(b"me", [stated("ann", window)]))[-2:] == [b"", b""]


def test_an_answer_says_the_time_and_what_others_have() -> None:
    seconds, learned = read(b"1800000000.250000;3,4,,,1800000001500,1800000002500;0,0,,,,", 2)
    assert seconds == START + 0.25
    nothing = (NEVER, NEVER)
    assert learned == [
        Learned(3, 4, (nothing, (START + 1.5, START + 2.5))),
        Learned(0, 0, (nothing, nothing)),
    ]


def test_no_answer_makes_more_of_a_caller_than_can_be() -> None:
    _, (learned,) = read(b"1800000000.0;-5,%s,,,," % (b"9" * 400), 1)
    assert (learned.others_before, learned.others) == (0, MOST_OTHERS)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"PONG",
        b"nan;0,0,,,,",
        b"12.5;0,0,,,,",
        b"1e300;0,0,,,,",
        b"1800000000.0",
        b"1800000000.0;0,0,,,,;0,0,,,,",
        b"1800000000.0;0,0",
        b"1800000000.0;a,0,,,,",
        b"1800000000.0;%s,0,,,," % (b"9" * 5_000),
        b"1800000000.0;0,0,%s,,," % (b"9" * 400),
    ],
)
def test_an_answer_that_says_something_else_is_not_taken(answer: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        read(answer, 1)


def limits_of(clock: float = 1_000.0, most: int = 100) -> RateLimits:
    """Return limits of 10 calls a minute on a clock that stands."""
    return RateLimits(CallLimits(user=10), lambda: clock, most)


def call(limits: RateLimits, subject: str) -> bool:
    """Make a call, and return whether it was taken."""
    try:
        limits.take(Caller(subject, frozenset({"USER"}), frozenset(), subject), "ipv4:10.0.0.7:1", "/m", 0)
    except RateLimited:
        return False
    return True


def test_who_calls_is_noted_once_and_has_a_turn_in_order() -> None:
    """And from when on minutes begin for all at once: what was counted before cannot be told."""
    limits = limits_of()
    call(limits, "early")
    assert limits.called(10) == []
    limits.align(START + 5.0)
    for subject in ("ann", "bob", "ann", "cat"):
        call(limits, subject)
    assert limits.waiting == 3
    [(name, window)] = limits.called(1)
    assert (name, window.start, window.count) == ("ann", START, 2)
    call(limits, "ann")
    assert [name for name, _ in limits.called(10)] == ["bob", "cat", "ann"]
    assert limits.called(10) == []


def test_a_crowd_that_waits_for_its_turn_is_bounded() -> None:
    limits = limits_of(most=4)
    limits.align(START)
    for number in range(100):
        call(limits, f"user {number}")
    assert limits.waiting == 4


def test_those_who_are_forgotten_begin_anew() -> None:
    windows = Windows(4)
    windows.of("ann", START).take(10, START)
    for number in range(10):
        windows.of(f"user {number}", START)
    assert windows.of("ann", START).count == 0


@pytest.mark.parametrize(
    "answer", [None, b"$-1\r\n", b"-LOADING it is reading\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"]
)
def test_limits_hold_while_redis_is_away_and_it_is_said_once(
    answer: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody listens there, or somebody who is no Redis."""
    statistics, limits = ExchangeStatistics(), limits_of()
    with scripted_peer(Script((answer or b"",))) as peer:
        place = peer if answer else closed_port()
        shared = SharedCounts(limits, place, statistics)
        shared.start()
        assert sum(call(limits, "ann") for _ in range(50)) == 20
        assert eventually(lambda: statistics.failures)
        assert not call(limits, "ann")
        shared.close()
    assert (statistics.exchanges, statistics.exchanged_at) == (0, None)
    assert caplog.text.count("sharing rate limits through Redis failed") == 1


def test_a_process_is_told_by_its_settings(tmp_path: Path) -> None:
    authority, file = identity("an authority"), tmp_path / "ca.pem"
    file.write_bytes(authority.certificate_pem)
    script = Script(
        (b"+OK\r\n", b"$17\r\n1800000000.000000\r\n"),
        ends=True,
        context=shown(identity("localhost", authority), tmp_path),
    )
    with scripted_peer(script) as peer:
        url = f"rediss://:a-password@{peer.host}:{peer.port}"
        config, statistics = Config(rate_limits_redis_url=url), ExchangeStatistics()
        for name, has_come_about in (
            ("", lambda: statistics.failures["SSLCertVerificationError"]),
            (str(file), lambda: statistics.exchanges),
        ):
            shared = make_shared_counts(replace(config, rate_limits_redis_ca_file=name), limits_of(), statistics)
            shared.start()
            assert eventually(has_come_about)
            shared.close()
    assert b"a-password" in script.heard


def test_a_file_without_authorities_is_told_at_the_start() -> None:
    config = Config(rate_limits_redis_url="rediss://localhost", rate_limits_redis_ca_file=__file__)
    with pytest.raises(InvalidCertificate, match="CREDITD_RATE_LIMITS_REDIS_CA_FILE"):
        make_shared_counts(config, limits_of(), ExchangeStatistics())
