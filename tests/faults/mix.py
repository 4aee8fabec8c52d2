"""What the callers do: stories of a few calls each, on one hot account, on many others, and on some never seen."""

import random
import time
from collections.abc import Callable
from itertools import count
from threading import Lock

from tests.faults.operations import Operation, confirm, deduct, refund, reserve

HOT = "hot"

HOT_CREDITS = 1_000_000_000
"""More than any battery spends."""

SIGN_UP_CREDITS = 2_000
"""What every other account starts with: some run dry towards the end of a long battery, and are then refused."""

ACCOUNTS = 200
HOT_SHARE = 0.3
CALLS_TO_A_NEWCOMER = 4
"""Several callers come upon an account that was never seen at the same moment."""

AROUND_THE_END_SECONDS = 0.1

Perform = Callable[[Operation], Operation]


class Mix:
    """Tells stories; any number of callers may ask at once.

    ``short_share`` of the holds last a second or two: half of them are left to the sweep, half are confirmed at about
    the instant that they end.
    """

    def __init__(self, *, newcomer_share: float = 0.02, short_share: float = 0.0) -> None:
        """Start with nobody seen."""
        self._newcomer_share = newcomer_share
        self._short_share = short_share
        self._newcomers = count()
        self._ending: list[tuple[float, Operation]] = []
        self._lock = Lock()

    def story(self, perform: Perform) -> None:
        """Live through one story; it ends early where a call is not acknowledged."""
        ending = self._take_one_that_ends()
        if ending is not None:
            perform(confirm(ending, ending.amount))
            return
        account_id = self._account()
        if random.random() < self._short_share:
            self._hold_shortly(perform, account_id)
        elif random.random() < 0.3:
            _spend_at_once(perform, account_id)
        else:
            _hold_then_settle(perform, account_id)

    def _account(self) -> str:
        if random.random() < self._newcomer_share:
            return f"newcomer-{next(self._newcomers) // CALLS_TO_A_NEWCOMER}"
        return HOT if random.random() < HOT_SHARE else f"account-{random.randrange(ACCOUNTS)}"

    def _hold_shortly(self, perform: Perform, account_id: str) -> None:
        seconds = random.randint(1, 2)
        held = perform(reserve(account_id, _amount(), seconds))
        if held.is_done and random.random() < 0.5:
            when = held.answered_at + seconds + random.uniform(-AROUND_THE_END_SECONDS, AROUND_THE_END_SECONDS)
            with self._lock:
                self._ending.append((when, held))

    def _take_one_that_ends(self) -> Operation | None:
        now = time.monotonic()
        with self._lock:
            for position, (when, _) in enumerate(self._ending[:100]):
                if when <= now:
                    return self._ending.pop(position)[1]
        return None


def _amount() -> int:
    return random.randint(1, 20)


def _spend_at_once(perform: Perform, account_id: str) -> None:
    spent = perform(deduct(account_id, _amount()))
    if spent.is_done and random.random() < 0.5:
        perform(refund(spent, random.randint(1, spent.amount)))


def _hold_then_settle(perform: Perform, account_id: str) -> None:
    held = perform(reserve(account_id, _amount()))
    chance = random.random()
    if not held.is_done or chance > 0.95:
        return
    if chance > 0.6:
        perform(refund(held))
        return
    confirmed = perform(confirm(held, random.randint(1, held.amount)))
    if confirmed.is_done and random.random() < 0.2:
        perform(refund(held))
