"""How often signing in may be tried, and that nobody is kept out by somebody else."""

from itertools import count

import pytest

from creditd.addresses import place_of
from creditd.domain.instant import SECOND, Instant
from creditd.identity import attempts
from creditd.identity.attempts import (
    ADDRESS_SECONDS,
    SLOW_SECONDS,
    TRIES_AT_ADDRESS,
    TRIES_OF_ADDRESS,
    TRIES_OF_EMAIL,
    TRIES_OF_SITE,
    WINDOW_SECONDS,
    Attempts,
)
from creditd.identity.refusals import SignInLimited
from tests.support.person import Person
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("G3")


class Clock:
    """A clock that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.seconds = 1_000_000

    def __call__(self) -> Instant:
        """Return the instant."""
        return Instant(self.seconds * SECOND)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counted(clock: Clock) -> Attempts:
    return Attempts(clock)


def wrong(counted: Attempts, email: str, place: str) -> None:
    """Try a password that is wrong."""
    with counted.of_password(email, place) as attempt:
        attempt.settle(is_right=False)


def wrong_anywhere(counted: Attempts, number: int, *, is_known_place: bool) -> None:
    """Try one of Ann's that is wrong from a place that nobody has tried from."""
    with counted.of_password("ann", f"place {number}") as attempt:
        attempt.go_on("ann", is_known_place=is_known_place)
        attempt.settle(is_right=False)


def limited(counted: Attempts, email: str, place: str) -> int:
    """Return after how many seconds another try counts; 0 if this one does."""
    try:
        wrong(counted, email, place)
    except SignInLimited as refusal:
        return int(refusal.facts["retry_seconds"])
    return 0


def test_one_email_at_one_place_is_tried_so_often_and_elsewhere_all_the_same(counted: Attempts, clock: Clock) -> None:
    for _ in range(TRIES_AT_ADDRESS):
        wrong(counted, "ann", "here")
    clock.seconds += 100
    assert limited(counted, "ann", "here") == WINDOW_SECONDS - 100
    assert limited(counted, "ann", "there") == 0
    assert limited(counted, "bob", "here") == 0
    clock.seconds += WINDOW_SECONDS - 100
    assert limited(counted, "ann", "here") == 0


def test_one_place_tries_so_many_emails(counted: Attempts, clock: Clock) -> None:
    for number in range(TRIES_OF_ADDRESS):
        wrong(counted, f"user {number}", "here")
    assert limited(counted, "ann", "here") == ADDRESS_SECONDS
    assert limited(counted, "ann", "there") == 0
    clock.seconds += ADDRESS_SECONDS
    assert limited(counted, "ann", "here") == 0


def test_a_site_of_many_networks_tries_no_more_than_some_places_do(counted: Attempts, clock: Clock) -> None:
    for number in range(TRIES_OF_SITE):
        wrong(counted, f"user {number}", place_of(f"[2001:db8:1:{number:x}::1]:40962"))
    assert limited(counted, "ann", place_of("[2001:db8:1:ffff::1]:40962")) == ADDRESS_SECONDS
    assert limited(counted, "ann", place_of("[2001:db8:2::1]:40962")) == 0
    assert limited(counted, "ann", place_of("192.0.2.7:40962")) == 0
    clock.seconds += ADDRESS_SECONDS
    assert limited(counted, "ann", place_of("[2001:db8:1:ffff::1]:40962")) == 0


def test_one_email_tried_from_many_places_is_slow_for_strangers_and_never_for_a_place_of_the_user_s(
    counted: Attempts, clock: Clock
) -> None:
    places = count()
    for _ in range(TRIES_OF_EMAIL + 1):
        wrong_anywhere(counted, next(places), is_known_place=False)
    for _ in range(10):
        with pytest.raises(SignInLimited):
            wrong_anywhere(counted, next(places), is_known_place=False)
        wrong_anywhere(counted, next(places), is_known_place=True)
    assert limited(counted, "bob", "here") == 0
    clock.seconds += SLOW_SECONDS
    wrong_anywhere(counted, next(places), is_known_place=False)


def test_who_is_refused_for_others_tries_is_counted_at_the_own_place(counted: Attempts) -> None:
    """Or a place could ask for ever, and each time the database would be asked."""
    for number in range(TRIES_OF_EMAIL + 1):
        wrong_anywhere(counted, number, is_known_place=False)
    for _ in range(TRIES_AT_ADDRESS):
        with pytest.raises(SignInLimited):
            wrong_anywhere(counted, 0, is_known_place=False)
    assert limited(counted, "ann", "place 0") > SLOW_SECONDS


@pytest.mark.parametrize("end", ["right", "unknown"])
def test_a_try_that_was_not_wrong_is_taken_back(counted: Attempts, clock: Clock, end: str) -> None:
    for _ in range(10 * TRIES_OF_ADDRESS):
        with counted.of_password("ann", "here") as attempt:
            attempt.go_on("ann", is_known_place=False)
            if end == "right":
                attempt.settle(is_right=True)
        with counted.of_code("ann") as attempt:
            if end == "right":
                attempt.settle(is_right=True)
    assert limited(counted, "ann", "here") == 0
    # Of a count that has begun anew meanwhile nothing is taken.
    with counted.of_password("ann", "here"):
        clock.seconds += WINDOW_SECONDS
        for _ in range(TRIES_AT_ADDRESS):
            wrong(counted, "ann", "here")
    assert limited(counted, "ann", "here") == WINDOW_SECONDS


def test_what_is_remembered_is_bounded(counted: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MAX_COUNTS", 100)
    for _ in range(TRIES_AT_ADDRESS):
        wrong(counted, "ann", "here")
    for number in range(45):
        wrong(counted, f"user {number}", f"place {number}")
    assert limited(counted, "ann", "here") > 0
    for number in range(60):
        wrong(counted, f"guest {number}", f"hotel {number}")
    assert limited(counted, "ann", "here") == 0


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7:40962", "192.0.2.7"),
        ("[2001:db8:1:2:3:4:5:6]:40962", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:ffff::1]:1", "2001:db8:1:2::/64"),
        ("[fe80::1%1]:40962", "fe80::/64"),
        ("[::ffff:192.0.2.7]:40962", "192.0.2.7"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_a_place_is_an_address_or_what_is_given_out_as_one(address: str, place: str) -> None:
    assert place_of(address) == place


def test_over_the_wire_ten_are_answered_and_the_next_is_told_when(person: Person) -> None:
    identity = person.service.identity
    assert identity is not None
    wrong = person.logging_in(password="wrong horse battery")
    # Registering was a try too.
    for _ in range(TRIES_AT_ADDRESS - 1):
        assert refused(person.stranger.identity.Login, wrong).reason == "SIGN_IN_FAILED"
    before = identity.hashes.made
    for request in (wrong, person.logging_in()):
        refusal = refused(person.stranger.identity.Login, request)
        assert refusal.reason == "SIGN_IN_LIMITED"
        assert 0 < int(refusal.metadata["retry_seconds"]) <= WINDOW_SECONDS
        assert refusal.retry is not None
    assert identity.hashes.made == before
    nobody = f"nobody.{person.email}"
    for _ in range(TRIES_AT_ADDRESS):
        reason = refused(person.stranger.identity.Login, person.logging_in(email=nobody)).reason
        assert reason == "SIGN_IN_FAILED"
    assert refused(person.stranger.identity.Login, person.logging_in(email=nobody)).reason == "SIGN_IN_LIMITED"
    person.service.clock.advance(WINDOW_SECONDS)
    assert person.log_in().user_id
