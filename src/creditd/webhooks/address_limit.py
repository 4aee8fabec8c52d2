"""How many webhooks of one address may be turned down in a minute before no more of them are looked at."""

from collections.abc import Callable
from http import HTTPStatus
from math import ceil
from typing import Final

from creditd.addresses import place_of
from creditd.call_windows import Windows
from creditd.webhooks.answers import Answer

MAX_ADDRESSES: Final = 10_000
"""That are counted at once; beyond it those that have sent nothing for longest begin anew."""


class AddressLimit:
    """Counts by address what is turned down for what it is.

    What is stored was a provider's, who sends as much as it has to. While nothing can be stored it sends all again.
    """

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        """Take up to ``limit`` a minute, 0 for any number, on a clock of seconds that never goes back."""
        self._limit = limit
        self._clock = clock
        self._windows = Windows(MAX_ADDRESSES)

    def take(self, address: str) -> Answer | None:
        """Count a webhook from an IP address, or from one unknown if it is empty; return the answer if it is refused.

        It counts until its own answer is known, so that a crowd that comes at once is counted as well.
        """
        if not self._limit:
            return None
        now = self._clock()
        wait = self._windows.of(_name(address), now).take(self._limit, now)
        return Answer(HTTPStatus.TOO_MANY_REQUESTS, "TOO_MANY_REJECTED", ceil(wait)) if wait else None

    def note(self, address: str, answer: Answer) -> None:
        """Have a webhook that was taken not count, if nothing was wrong with it."""
        if self._limit and not _is_turned_down(answer.status):
            self._windows.of(_name(address), self._clock()).give_back()


def _is_turned_down(status: HTTPStatus) -> bool:
    # 429 is about how many webhooks the adapter passes on, whoever sends them.
    is_theirs = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return is_theirs and status != HTTPStatus.TOO_MANY_REQUESTS


def _name(address: str) -> str:
    return place_of(f"[{address}]:0")
