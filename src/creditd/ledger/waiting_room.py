"""The works that are not done in batches with all others: by wallet, and each with the reason why."""

import time
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Final, NamedTuple

from creditd.domain.wallet import WalletKey
from creditd.ledger.queue import Answered, Ticket
from creditd.ledger.work import Apart, DeadlinePassed, Outcome, Overloaded, RecordBusy, ShuttingDown, Work
from creditd.telemetry.statistics import LedgerStatistics

LONGEST_WAIT_SECONDS: Final = 5.0
"""A wallet that something else holds for longer is refused: its callers learn more from an answer than from silence."""

MAX_WAITING: Final = 10_000
"""A quarter of a second's worth of works, and all of them on wallets that cannot be served now."""

MAX_WAITING_FOR_ONE: Final = 2_000
"""For one wallet, so that a flood of calls on it leaves room for the others here."""

MAX_REMEMBERED: Final = 10_000
"""Wallets known to be held or heavy while nothing waits for them; each costs some hundred bytes."""

REMEMBERED_SECONDS: Final = 1.0
"""A wallet that was held when its last caller gave up most likely still is, and finding out costs a batch time."""

WORKS_OF_A_WALLET: Final = 64
"""Tried at a time of a wallet that may still be held, so that all who wait are tried in turn."""

WORKS_AT_A_TIME: Final = 256
"""As in a batch of the many."""


WorkTicket = Ticket[Work, Outcome]


class _Waiting(NamedTuple):
    ticket: WorkTicket
    since: float


class _Group:
    """The works on the same wallets."""

    __slots__ = ("forget_time", "waiting", "why")

    def __init__(self, why: Apart) -> None:
        self.why = why
        self.waiting: deque[_Waiting] = deque()
        self.forget_time: float | None = None


Keys = tuple[WalletKey, ...]


class WaitingRoom:
    """Keeps works until they are done, refused or late. Used by the threads of both lanes."""

    def __init__(self, statistics: LedgerStatistics) -> None:
        """Start empty; count what comes and how long it waits."""
        self._statistics = statistics
        self._lock = Lock()
        self._groups: OrderedDict[Keys, _Group] = OrderedDict()
        self._known: dict[WalletKey, int] = {}
        self._tried: frozenset[WorkTicket] = frozenset()
        self._closed = False
        self.waiting = 0

    def knows(self, work: Work) -> bool:
        """Tell that a work touches a wallet which is served apart."""
        # A reader's race with the other lane is harmless: versions guard every decision, wherever it is made.
        return bool(self._known) and any(key in self._known for key in work.keys)

    def put(self, ticket: WorkTicket, why: Apart | None) -> bool:
        """Take a work in, None for a reason that is known; tell whether it can be tried at once.

        Raises Overloaded, ShuttingDown.
        """
        with self._lock:
            if self._closed:
                raise ShuttingDown
            keys = ticket.item.keys
            group = self._groups.get(keys)
            if self.waiting >= MAX_WAITING or (group and len(group.waiting) >= MAX_WAITING_FOR_ONE):
                raise Overloaded
            can_be_tried = group is None or not self.waiting
            if group is None:
                group = self._add(keys, why or Apart.LOCKED)
            elif why is not None:
                group.why = why
            group.waiting.append(_Waiting(ticket, time.monotonic()))
            group.forget_time = None
            self.waiting += 1
            self._count(group.why)
            return can_be_tried or group.why is Apart.HEAVY

    def _count(self, why: Apart) -> None:
        if why is Apart.HEAVY:
            self._statistics.heavy += 1
        else:
            self._statistics.locked += 1

    def _add(self, keys: Keys, why: Apart) -> _Group:
        self._forget(time.monotonic())
        group = self._groups[keys] = _Group(why)
        for key in keys:
            self._known[key] = self._known.get(key, 0) + 1
        return group

    def _remove(self, keys: Keys) -> None:
        del self._groups[keys]
        for key in keys:
            self._known[key] -= 1
            if not self._known[key]:
                del self._known[key]

    def _forget(self, now: float) -> None:
        """Forget wallets that nothing waits for: after a time, or the oldest of too many."""
        empty = [keys for keys, group in self._groups.items() if not group.waiting]
        too_many = max(0, len(empty) - MAX_REMEMBERED)
        for position, keys in enumerate(empty):
            forget_time = self._groups[keys].forget_time
            if position < too_many or (forget_time is not None and forget_time <= now):
                self._remove(keys)

    def next(self, why: Apart) -> list[WorkTicket]:
        """Return works to try now that are apart for one reason; those that were tried last come last.

        All that are held are tried together; of others, whose trial takes time, those on the same wallets alone.
        """
        together = why is Apart.LOCKED
        of_each = WORKS_OF_A_WALLET if together else WORKS_AT_A_TIME
        tickets: list[WorkTicket] = []
        with self._lock:
            for keys in [keys for keys, group in self._groups.items() if group.why is why and group.waiting]:
                found = self._groups[keys].waiting
                tickets += [found[position].ticket for position in range(min(of_each, len(found)))]
                self._groups.move_to_end(keys)
                if not together or len(tickets) >= WORKS_AT_A_TIME:
                    break
            self._tried = frozenset(tickets)
        return tickets

    def settle(
        self, answered: Iterable[WorkTicket], apart: Sequence[tuple[Work, Apart]], heavy: set[WalletKey]
    ) -> None:
        """Let works go that were answered, and note what is known now of those that were not."""
        gone = set(answered)
        reasons = {work.keys: why for work, why in apart}
        now = time.monotonic()
        with self._lock:
            self._tried = frozenset()
            for keys in {ticket.item.keys for ticket in gone} | reasons.keys():
                group = self._groups.get(keys)
                if group is None:
                    continue
                self._leave(group, gone, now)
                if not heavy.isdisjoint(keys):
                    group.why = Apart.HEAVY
                elif keys in reasons:
                    group.why = reasons[keys]
                elif group.why is Apart.HEAVY:
                    group.why = Apart.LOCKED
                if not group.waiting and group.why is not Apart.HEAVY:
                    self._remove(keys)

    def _leave(self, group: _Group, gone: set[WorkTicket], now: float) -> None:
        stay: deque[_Waiting] = deque()
        for waiting in group.waiting:
            if waiting.ticket in gone:
                self._statistics.apart_seconds += now - waiting.since
            else:
                stay.append(waiting)
        self.waiting -= len(group.waiting) - len(stay)
        group.waiting = stay

    def overdue(self) -> list[Answered]:
        """Let works go whose callers' deadlines have passed, or whose wallets were held for too long."""
        now = time.monotonic()
        answers: list[Answered] = []
        with self._lock:
            for group in self._groups.values():
                late = [(w.ticket, error) for w in group.waiting if (error := _too_late(w, group.why, now))]
                if late:
                    self._leave(group, {ticket for ticket, _ in late}, now)
                    group.forget_time = None if group.why is Apart.HEAVY else now + REMEMBERED_SECONDS
                    self._statistics.busy += sum(isinstance(error, RecordBusy) for _, error in late)
                    self._statistics.dropped += sum(isinstance(error, DeadlinePassed) for _, error in late)
                    answers += late
        return answers

    def close(self) -> list[Answered]:
        """Let all works go that are not being tried at this moment, and take no more."""
        with self._lock:
            self._closed = True
            left: list[Answered] = []
            for group in self._groups.values():
                left += [(w.ticket, ShuttingDown()) for w in group.waiting if w.ticket not in self._tried]
                group.waiting = deque(w for w in group.waiting if w.ticket in self._tried)
            self.waiting -= len(left)
        return left


def _too_late(waiting: _Waiting, why: Apart, now: float) -> Exception | None:
    deadline = waiting.ticket.item.deadline
    if deadline is not None and deadline <= now:
        return DeadlinePassed()
    if why is not Apart.HEAVY and waiting.since + LONGEST_WAIT_SECONDS <= now:
        return RecordBusy()
    return None
