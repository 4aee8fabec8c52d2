"""What is submitted to the ledger, and what comes back."""

from enum import Enum
from typing import Final, NamedTuple

from creditd.domain.commands import Command
from creditd.domain.controls.audit_event import Act
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


class Work:
    """All or nothing: the steps of one call on one account.

    ``keys`` are the wallets that it touches. A work without steps opens the account if it was never seen. One that does
    not ``opens`` is refused there with AccountNotFound. With ``dry_run`` it is decided and not done. One whose
    ``deadline`` (on time.monotonic's clock) passes before its batch starts is dropped without effect.

    Nothing of it changes, and two with the same content are two works. It is no frozen dataclass, which would take six
    times as long to make.
    """

    __slots__ = ("account_id", "deadline", "dry_run", "keys", "opens", "origin", "steps")

    act: Act | None = None
    """The act of staff that it is, told in the audit log together with its entries; no work of the many is one."""

    def __init__(
        self,
        account_id: str,
        origin: Origin,
        steps: tuple[Step, ...],
        keys: tuple[WalletKey, ...],
        deadline: float | None = None,
        *,
        dry_run: bool = False,
        opens: bool = True,
    ) -> None:
        """Describe the work. The named constructors below say which ones there are."""
        self.account_id: Final = account_id
        self.origin: Final = origin
        self.steps: Final = steps
        self.keys: Final = keys
        self.deadline: Final = deadline
        self.dry_run: Final = dry_run
        self.opens: Final = opens

    @classmethod
    def of(
        cls,
        steps: tuple[Step, ...],
        deadline: float | None = None,
        *,
        dry_run: bool = False,
        opens: bool = True,
    ) -> "Work":
        """Return the work of one step or more, on one account and from one origin."""
        key, command = steps[0]
        keys = (key,) if len(steps) == 1 else tuple([step.key for step in steps])
        return cls(key.account_id, command.origin, steps, keys, deadline, dry_run=dry_run, opens=opens)

    @classmethod
    def opening(cls, account_id: str, origin: Origin, deadline: float | None = None) -> "Work":
        """Return the work that opens an account if it was never seen."""
        return cls(account_id, origin, (), (WalletKey.of_account(account_id),), deadline)

    @classmethod
    def settling(cls, key: WalletKey, origin: Origin, deadline: float | None = None) -> "Work":
        """Return the work that writes down what has ended in a wallet."""
        return cls(key.account_id, origin, (), (key,), deadline)


class ActWork(Work):
    """The work of an act of staff. Its row in the audit log is committed together with its entries."""

    __slots__ = ("act",)

    def __init__(
        self, act: Act, steps: tuple[Step, ...], deadline: float | None, *, dry_run: bool, opens: bool
    ) -> None:
        """Describe the steps of an act."""
        keys = tuple([step.key for step in steps])
        super().__init__(keys[0].account_id, act.origin, steps, keys, deadline, dry_run=dry_run, opens=opens)
        self.act = act


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
