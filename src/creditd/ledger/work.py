"""What is submitted to the ledger, and what comes back."""

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple, Protocol

from creditd.domain.commands import Command
from creditd.domain.entry import Entry
from creditd.domain.reservation import Reservation
from creditd.domain.wallet import Origin, WalletKey


class Step(NamedTuple):
    """One command on one wallet."""

    key: WalletKey
    command: Command


class Outcome(NamedTuple):
    """What a work did: its entries, each with the reservation it was about, as that was right after it.

    ``replayed`` says that an earlier call with the same request id did it.
    """

    entries: tuple[Entry, ...]
    reservations: tuple[Reservation | None, ...]
    replayed: bool = False


Result = Outcome | Exception


class Waiter(Protocol):
    """Whoever waits for one result: a future of either kind, or something with as much of its face."""

    def done(self) -> bool:
        """Tell that nobody waits any more."""

    def set_result(self, result: Any, /) -> None:
        """Hand over what came of it."""

    def set_exception(self, exception: Any, /) -> None:
        """Hand over why nothing came of it."""


def resolve(waiter: Waiter | None, result: object) -> None:
    """Hand a result to whoever waits for it, if anyone still does."""
    if waiter is None or waiter.done():
        return
    if isinstance(result, Exception):
        waiter.set_exception(result)
    else:
        waiter.set_result(result)


class Sink(Protocol):
    """Where the results of a batch go, all at once."""

    def deliver(self, results: Sequence[tuple["Work", Result]]) -> None:
        """Take results over from the ledger's thread; must neither block nor raise."""


class Work:
    """All or nothing: the steps of one call on one account.

    A work without steps opens the account if it was never seen. One that does not ``opens`` is refused there with
    AccountNotFound. With ``dry_run`` it is decided and not done. One whose ``deadline`` (on time.monotonic's clock)
    passes before its batch starts is dropped without effect.
    """

    __slots__ = ("account_id", "deadline", "dry_run", "fresh", "keys", "opens", "origin", "sink", "steps", "waiter")

    def __init__(
        self,
        account_id: str,
        origin: Origin,
        steps: tuple[Step, ...],
        sink: Sink,
        *,
        deadline: float | None = None,
        dry_run: bool = False,
        opens: bool = True,
        keys: tuple[WalletKey, ...] = (),
    ) -> None:
        """Describe the work; ``keys`` names the wallets to look at where there are no steps to name them."""
        self.account_id = account_id
        self.origin = origin
        self.steps = steps
        self.sink = sink
        self.deadline = deadline
        self.dry_run = dry_run
        self.opens = opens
        self.keys = keys or tuple(step.key for step in steps)
        self.fresh = dry_run
        self.waiter: Waiter | None = None


class Apart(Enum):
    """Why a work is not done in a batch with others, but apart from them."""

    LOCKED = "something else holds the row of its wallet or of its account"
    STUCK = "it waits for something else that cannot be seen, such as a row that another transaction inserts"
    HEAVY = "its wallet is heavy"


class VersionConflict(Exception):
    """Others kept changing the same balance; nothing was done, and a retry is safe."""


class RecordBusy(VersionConflict):
    """Something else held a row that this needs for too long; nothing was done, and a retry is safe.

    Whoever waits out a conflict waits out this one too.
    """


class Overloaded(Exception):
    """The queue is full; nothing was done."""


class ShuttingDown(Exception):
    """The server is draining; nothing was done."""


class DatabaseUnavailable(Exception):
    """The database is out of reach; the outcome of what was under way is told by the same request id later."""


class DeadlinePassed(Exception):
    """The caller's deadline passed before work began; nothing was done."""
