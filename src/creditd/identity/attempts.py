"""How often signing in may be tried. Failures are counted in memory, in each server by itself.

Three counts, none of which lets one caller keep another out:

1. of an email at an address: who guesses one user's password at one place is stopped there, and nowhere else;
2. of an address, whatever the email, and of the IPv6 site that it is in: who tries one password with many emails;
3. of an email, from wherever: once many places guess one user's password, places where the user has never signed in
   share a try every SLOW_SECONDS. Where the user has, only counts 1 and 2 hold.

An email that nobody has is counted like any other. A try counts when it begins, so that a hundred at once are not all
let through. One that was right is taken back, and so is one of which nobody knows whether it was: an overload, an
outage or a caller who has gone says nothing of what was shown.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Final, NamedTuple

from creditd.addresses import site_of
from creditd.domain.instant import SECOND, Instant
from creditd.identity.refusals import SignInLimited

WINDOW_SECONDS: Final = 900
"""Of counts 1 and 3, from the first try on."""

TRIES_AT_ADDRESS: Final = 10
"""Of count 1: what a person needs who has forgotten which password it was. A thousand a day at most."""

ADDRESS_SECONDS: Final = 60
TRIES_OF_ADDRESS: Final = 20
"""Of count 2: an office behind one address has fewer mistakes in a minute."""

TRIES_OF_SITE: Final = 200
"""Of count 2, of all networks of an IPv6 site together: whoever is given 65,536 of them guesses as fast as ten other
addresses do, and none of them alone keeps the others of its site out."""

TRIES_OF_EMAIL: Final = 50
"""Of count 3: five addresses' worth."""

SLOW_SECONDS: Final = 10
"""Between two tries that strange places share beyond count 3: at most 8,640 guesses a day, from whatever botnet."""

TRIES_OF_CODE: Final = 5
"""Of one user's second factor in WINDOW_SECONDS: of a million codes three count at a time, so that who has a stolen
session guesses one in two years. Only who is signed in as the user gets here."""

MAX_COUNTS: Final = 100_000
"""Kept in memory: some 20 MB. Beyond it the one that was touched longest ago is forgotten."""

Key = tuple[str, ...]


class _Count(NamedTuple):
    begin: Instant
    tries: int


class CountedAttempt:
    """One try. It counts from its beginning on; unless it is settled, it is taken back at its end."""

    def __init__(self, attempts: "Attempts", own: Key) -> None:
        """Begin with the count that is ``own`` to who tries."""
        self._attempts = attempts
        self._own = own
        # When the counts that it is in began.
        self._begins: dict[Key, Instant] = {}
        self._is_settled = False

    def count(self, key: Key, seconds: int) -> None:
        """Add it to a count of so many seconds."""
        self._begins[key] = self._attempts.add(key, seconds)

    def go_on(self, email: str, *, is_known_place: bool) -> None:
        """Count it for an email whatever the place. Raises SignInLimited, never for a place that the user knows."""
        try:
            self._begins[(email,)] = self._attempts.add_anywhere(email, is_known_place=is_known_place)
        except SignInLimited:
            # Else whoever is refused here could ask for ever.
            self.settle(is_right=False)
            raise

    def settle(self, *, is_right: bool) -> None:
        """Have it stay counted or, if what was shown is right, be taken back and its own count begin anew."""
        self._is_settled = True
        if is_right:
            self._attempts.forget(self._own)
            self._attempts.take_back(self._begins)

    def end(self) -> None:
        """Take it back if nobody has settled it."""
        if not self._is_settled:
            self._attempts.take_back(self._begins)


class Attempts:
    """Counts tries by a clock. Safe to use by several threads."""

    def __init__(self, now: Callable[[], Instant]) -> None:
        """Count by ``now``."""
        self._now = now
        self._lock = RLock()
        self._counts: OrderedDict[Key, _Count] = OrderedDict()

    @contextmanager
    def of_password(self, email: str, place: str) -> Iterator[CountedAttempt]:
        """Count a try of an email from a place, before anything is known of either. Raises SignInLimited."""
        attempt, site = CountedAttempt(self, (email, place)), site_of(place)
        with self._lock:
            self._require((email, place), TRIES_AT_ADDRESS, WINDOW_SECONDS)
            self._require(("", place), TRIES_OF_ADDRESS, ADDRESS_SECONDS)
            if site:
                self._require(("", site), TRIES_OF_SITE, ADDRESS_SECONDS)
                attempt.count(("", site), ADDRESS_SECONDS)
            attempt.count((email, place), WINDOW_SECONDS)
            attempt.count(("", place), ADDRESS_SECONDS)
        try:
            yield attempt
        finally:
            attempt.end()

    @contextmanager
    def of_code(self, user_id: str) -> Iterator[CountedAttempt]:
        """Count a try of a user's second factor. Raises SignInLimited."""
        key = (user_id, "", "code")
        attempt = CountedAttempt(self, key)
        with self._lock:
            self._require(key, TRIES_OF_CODE, WINDOW_SECONDS)
            attempt.count(key, WINDOW_SECONDS)
        try:
            yield attempt
        finally:
            attempt.end()

    def add_anywhere(self, email: str, *, is_known_place: bool) -> Instant:
        """Count a try of an email whatever the place, and return when its count began.

        Raises SignInLimited, never for a place that the user knows.
        """
        with self._lock:
            if not is_known_place and self._tries((email,), WINDOW_SECONDS) >= TRIES_OF_EMAIL:
                self._require((email, "", "slow"), 1, SLOW_SECONDS)
                self.add((email, "", "slow"), SLOW_SECONDS)
            return self.add((email,), WINDOW_SECONDS)

    def add(self, key: Key, seconds: int) -> Instant:
        """Count one more try, and return when its count of so many seconds began."""
        with self._lock:
            tries = self._tries(key, seconds)
            begin = self._counts[key].begin if tries else self._now()
            self._counts[key] = _Count(begin, tries + 1)
            self._counts.move_to_end(key)
            if len(self._counts) > MAX_COUNTS:
                self._counts.popitem(last=False)
            return begin

    def take_back(self, begins: Mapping[Key, Instant]) -> None:
        """Count one try less, where the count is still the one that began then."""
        with self._lock:
            for key, begin in begins.items():
                count = self._counts.get(key)
                if count is not None and count.begin == begin:
                    self._counts[key] = _Count(begin, max(0, count.tries - 1))

    def forget(self, key: Key) -> None:
        """Have a count begin anew."""
        with self._lock:
            self._counts.pop(key, None)

    def _require(self, key: Key, most: int, seconds: int) -> None:
        if self._tries(key, seconds) >= most:
            left = self._counts[key].begin + seconds * SECOND - self._now()
            raise SignInLimited(retry_seconds=max(1, -(-left // SECOND)))

    def _tries(self, key: Key, seconds: int) -> int:
        count = self._counts.get(key)
        return count.tries if count and self._now() < count.begin + seconds * SECOND else 0
