"""How calls are counted: a window that slides, a burst now and then, and a wait that is true."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditd.call_windows import BURST_SECONDS, WINDOW_SECONDS, Window
from creditd.server.authentication.callers import Caller
from creditd.server.rate_limits import CallLimits, RateLimits
from creditd.server.refusals import RateLimited

PEER = "ipv4:10.0.0.7:40962"


def caller(subject: str, *roles: str) -> Caller:
    """Return a caller of these roles."""
    return Caller(subject, frozenset(roles), frozenset(), subject)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        """Start at a minute's beginning."""
        self.now = 6_000.0

    def __call__(self) -> float:
        """Return the time that it shows."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def taken(take: Callable[[], None], tries: int) -> int:
    """Return how many of so many calls were taken."""
    count = 0
    for _ in range(tries):
        try:
            take()
        except RateLimited:
            continue
        count += 1
    return count


def test_a_limit_is_reached_by_a_burst_of_twice_as_many_and_then_holds(clock: Clock) -> None:
    """The second burst has to be earned: a minute within the limit."""
    limits = RateLimits(CallLimits(user=100), clock)

    def take() -> None:
        limits.take(caller("ann", "USER"), PEER, "/m", 0)

    assert taken(take, 300) == 200
    clock.now += BURST_SECONDS
    assert taken(take, 300) == 0
    clock.now += 59.0
    assert taken(take, 300) == 0
    clock.now += 25.0
    assert taken(take, 300) == 13, "of the burst 13 in 30 are over, and it was no minute within the limit"
    clock.now += 2 * WINDOW_SECONDS
    assert taken(take, 300) == 200


def test_a_burst_is_over_after_ten_seconds_though_its_calls_were_not_all_made(clock: Clock) -> None:
    limits = RateLimits(CallLimits(user=100), clock)

    def take() -> None:
        limits.take(caller("ann", "USER"), PEER, "/m", 0)

    assert taken(take, 101) == 101
    clock.now += BURST_SECONDS
    assert taken(take, 1) == 0


@pytest.mark.parametrize(
    ("roles", "limit"),
    [
        (("USER",), 10),
        (("USER", "PREMIUM"), 20),
        (("USER", "SUPPORT"), 30),
        (("FINANCE",), 30),
        (("ADMIN",), 30),
        (("SUPER_ADMIN", "PREMIUM"), 30),
        (("SERVICE",), 40),
    ],
)
def test_the_highest_of_a_callers_tiers_counts(clock: Clock, roles: tuple[str, ...], limit: int) -> None:
    limits = RateLimits(CallLimits(10, 20, 30, 40), clock)
    assert taken(lambda: limits.take(caller("ann", *roles), PEER, "/m", 0), 100) == 2 * limit


def test_callers_have_limits_of_their_own_but_share_that_of_their_address(clock: Clock) -> None:
    """What one of them is refused for its own number uses up nothing of the others'."""
    limits = RateLimits(CallLimits(user=10, address=15), clock)
    assert taken(lambda: limits.take(caller("ann", "USER"), "ipv4:10.0.0.7:1", "/m", 0), 100) == 20
    assert taken(lambda: limits.take(caller("bob", "USER"), "ipv4:10.0.0.7:2", "/m", 0), 100) == 10
    assert taken(lambda: limits.take(caller("cat", "USER"), "ipv4:10.0.0.7:3", "/m", 0), 100) == 0
    assert taken(lambda: limits.take(caller("cat", "USER"), "ipv4:10.0.0.8:3", "/m", 0), 100) == 0
    assert taken(lambda: limits.take(caller("dan", "USER"), "ipv4:10.0.0.8:4", "/m", 0), 100) == 20


def test_whoever_has_a_network_of_ipv6_is_one_place(clock: Clock) -> None:
    limits = RateLimits(CallLimits(address=5), clock)
    peers = [f"ipv6:%5B2001:db8::{number:x}%5D:40962" for number in range(1, 100)]
    assert sum(taken(lambda peer=peer: limits.take_stranger(peer), 1) for peer in peers) == 10  # type: ignore[misc]
    assert taken(lambda: limits.take_stranger("ipv6:%5B2001:db8:0:1::1%5D:40962"), 1) == 1


def test_whoever_is_not_known_has_the_limit_of_the_address_alone_and_keeps_nobody_out_who_is(clock: Clock) -> None:
    limits = RateLimits(CallLimits(user=10, address=15), clock)
    assert taken(lambda: limits.take(caller("stranger"), PEER, "/m", 0), 10) == 10
    assert taken(lambda: limits.take_stranger(PEER), 100) == 20
    assert taken(lambda: limits.take(caller("ann", "USER"), PEER, "/m", 0), 100) == 20


def test_a_service_is_not_counted_by_its_address(clock: Clock) -> None:
    limits = RateLimits(CallLimits(user=10, address=5), clock)
    assert taken(lambda: limits.take(caller("app", "SERVICE"), PEER, "/m", 0), 100) == 100


def test_a_method_has_a_limit_for_each_caller(clock: Clock) -> None:
    limits = RateLimits(CallLimits(methods={"credit.v1.CreditService/Reserve": 5}), clock)
    reserve = "/credit.v1.CreditService/Reserve"
    assert (limits.of_method(reserve), limits.of_method("/credit.v1.CreditService/Confirm")) == (5, 0)
    for subject in ("app", "other"):
        assert taken(lambda who=subject: limits.take(caller(who, "SERVICE"), PEER, reserve, 5), 100) == 10  # type: ignore[misc]


def test_those_who_have_not_called_for_longest_begin_anew_when_there_are_too_many(clock: Clock) -> None:
    limits = RateLimits(CallLimits(user=1), clock, most=4)

    def call(subject: str) -> int:
        return taken(lambda: limits.take(caller(subject, "USER"), PEER, "/m", 0), 3)

    assert call("ann") == 2
    assert [call("ann"), *(call(f"user {number}") for number in range(2)), call("ann")] == [0, 2, 2, 0]
    for number in range(10):
        call(f"passer-by {number}")
    assert limits.counted <= 4
    assert call("ann") == 2


@given(
    limit=st.integers(1, 50),
    pauses=st.lists(st.floats(0.0, 90.0, allow_nan=False), min_size=1, max_size=200),
)
def test_no_minute_has_more_than_a_burst_and_the_wait_is_true(limit: int, pauses: list[float]) -> None:
    """The count of two minutes is an estimate: any 60 seconds touch two windows, each of a burst at most."""
    now, times = 6_000.0, list[float]()
    window = Window(now)
    for pause in pauses:
        now += pause
        for _ in range(3):
            wait = window.take(limit, now)
            if not wait:
                times.append(now)
                continue
            assert 0 < wait <= 2 * WINDOW_SECONDS
            later = Window(now)
            for name in Window.__slots__:
                setattr(later, name, getattr(window, name))
            later.over_time, later.burst_time = now, float("-inf")
            assert later.take(limit, now + wait + 1e-6) == 0.0
    for start in times:
        assert sum(start <= time < start + WINDOW_SECONDS for time in times) <= 4 * limit
    assert all(before <= after for before, after in pairwise(times))


def test_a_caller_that_never_stops_is_held_to_its_limit_after_one_burst() -> None:
    window, now, taken_at = Window(6_000.0), 6_000.0, list[float]()
    while now < 6_000.0 + 20 * WINDOW_SECONDS:
        if not window.take(60, now):
            taken_at.append(now)
        now += 0.1
    assert len(taken_at) <= 60 * 21 + 60
    assert len(taken_at) >= 60 * 20 * 0.9
