"""What a batch of movements adds up to, row by row."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import NamedTuple, TypeVar

from creditd.domain.account import Account
from creditd.domain.controls.audit_event import AuditEvent
from creditd.domain.entry import Entry
from creditd.domain.events.outbox import OutboxEvent
from creditd.domain.expiry import Settled
from creditd.domain.grants import Grant
from creditd.domain.reservation import Reservation
from creditd.domain.wallet import Movement, NewGrant, Wallet, WalletKey

Key = TypeVar("Key")
Value = TypeVar("Value")


class ChangedGrant(NamedTuple):
    """A grant as it will be. ``amount`` is what came in if it is new; an existing row keeps its own."""

    key: WalletKey
    grant: Grant
    amount: int


class Changes:
    """What the movements of a batch add up to: one row for each wallet, grant and reservation, and every entry.

    ``audited`` tells of the acts of staff among them, ``announced`` is what others are told of them.
    """

    def __init__(self) -> None:
        """Start with nothing changed."""
        self.opened: dict[str, Account] = {}
        self.wallets: dict[WalletKey, Wallet] = {}
        self.base_versions: dict[WalletKey, int] = {}
        self.grants: dict[tuple[WalletKey, str], ChangedGrant] = {}
        self.reservations: dict[tuple[str, str], Reservation] = {}
        self.entries: list[Entry] = []
        self.audited: list[AuditEvent] = []
        self.announced: list[OutboxEvent] = []

    def add(self, movement: Movement) -> None:
        """Take in a movement; those of one wallet come in the order of their versions."""
        wallet, entry, changed, granted, reservation = movement
        key = WalletKey(entry.account_id, entry.credit_type)
        self._append(key, entry, changed, granted, reservation)
        self.wallets[key] = wallet

    def add_settled(self, key: WalletKey, settled: Settled) -> None:
        """Take in all that has ended in a wallet, before its movements."""
        for entry, changed, reservation in settled.expirations:
            self._append(key, entry, changed, None, reservation)
        self.wallets[key] = settled.wallet

    def _append(
        self,
        key: WalletKey,
        entry: Entry,
        changed: tuple[Grant, ...],
        granted: NewGrant | None,
        reservation: Reservation | None,
    ) -> None:
        if key not in self.base_versions:
            self.base_versions[key] = entry.version - 1
        self.entries.append(entry)
        for grant in changed:
            self._change_grant(key, grant, granted)
        if reservation is not None:
            self.reservations[key.account_id, reservation.reservation_id] = reservation

    def _change_grant(self, key: WalletKey, grant: Grant, granted: NewGrant | None) -> None:
        known = self.grants.get((key, grant.grant_id))
        if granted is not None and granted.grant_id == grant.grant_id:
            amount = granted.amount
        else:
            # The row of a grant that is not new keeps its amount; this one only has to pass the row's own CHECK.
            amount = known.amount if known else grant.remaining
        self.grants[key, grant.grant_id] = ChangedGrant(key, grant, max(amount, grant.remaining))

    def new_wallets(self) -> list[Wallet]:
        """Return the wallets that have no row yet."""
        return [self.wallets[key] for key, base in self.base_versions.items() if base == 0]

    def take_back(self, accounts: AbstractSet[str]) -> None:
        """Forget all changes of accounts, none of which is opened here."""
        drop(self.wallets, lambda key: key.account_id in accounts)
        drop(self.base_versions, lambda key: key.account_id in accounts)
        drop(self.grants, lambda name: name[0].account_id in accounts)
        drop(self.reservations, lambda name: name[0] in accounts)
        self.entries[:] = [entry for entry in self.entries if entry.account_id not in accounts]
        self.audited[:] = [event for event in self.audited if event.account_id not in accounts]
        self.announced[:] = [event for event in self.announced if event.account_id not in accounts]


def drop(mapping: dict[Key, Value], is_unwanted: Callable[[Key], bool]) -> None:
    """Take out of a mapping what has an unwanted key."""
    for key in [key for key in mapping if is_unwanted(key)]:
        del mapping[key]
