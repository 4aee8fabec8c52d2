"""How an account's figures look: the bars of its wallets, and the kinds of its movements."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from credit.v1.balance_pb2 import Balance, GrantBalance, Wallet
from credit.v1.entry_pb2 import Entry, EntryKind
from credit.v1.source_pb2 import Source
from creditd.console.shapes.figures import per_cent

GROUPS: Final[Mapping[str, tuple[EntryKind, ...]]] = {
    "in": (
        EntryKind.ENTRY_KIND_GRANT,
        EntryKind.ENTRY_KIND_TOP_UP,
        EntryKind.ENTRY_KIND_PROMO,
        EntryKind.ENTRY_KIND_ADMIN_ADD,
        EntryKind.ENTRY_KIND_REFUND,
        EntryKind.ENTRY_KIND_RESTORE,
    ),
    "out": (
        EntryKind.ENTRY_KIND_CONFIRM,
        EntryKind.ENTRY_KIND_DEDUCT,
        EntryKind.ENTRY_KIND_EXPIRE,
        EntryKind.ENTRY_KIND_ADMIN_REMOVE,
        EntryKind.ENTRY_KIND_CLAWBACK,
    ),
    "holds": (EntryKind.ENTRY_KIND_RESERVE, EntryKind.ENTRY_KIND_EXTEND, EntryKind.ENTRY_KIND_RELEASE),
    "staff": (
        EntryKind.ENTRY_KIND_ADMIN_ADD,
        EntryKind.ENTRY_KIND_ADMIN_REMOVE,
        EntryKind.ENTRY_KIND_WRITE_OFF,
    ),
}
"""The kinds of entries that a reader chooses together, by the word in the URL."""

_IN, _OUT, _HOLD = "in", "out", "hold"

LONG_FIGURE: Final = 10**15
"""From this amount on a wallet's bar has a row of its own: the figure takes the width of two."""


class MovementLook(NamedTuple):
    """How a kind of movement looks: its icon, and whether it came in, went out, or neither."""

    icon: str
    way: str


LOOKS: Final[Mapping[EntryKind, MovementLook]] = {
    EntryKind.ENTRY_KIND_GRANT: MovementLook("in", _IN),
    EntryKind.ENTRY_KIND_TOP_UP: MovementLook("in", _IN),
    EntryKind.ENTRY_KIND_PROMO: MovementLook("promo", _IN),
    EntryKind.ENTRY_KIND_ADMIN_ADD: MovementLook("plus", _IN),
    EntryKind.ENTRY_KIND_ADMIN_REMOVE: MovementLook("minus", _OUT),
    EntryKind.ENTRY_KIND_RESERVE: MovementLook("hold", _HOLD),
    EntryKind.ENTRY_KIND_CONFIRM: MovementLook("out", _OUT),
    EntryKind.ENTRY_KIND_REFUND: MovementLook("back", _IN),
    EntryKind.ENTRY_KIND_DEDUCT: MovementLook("out", _OUT),
    EntryKind.ENTRY_KIND_EXTEND: MovementLook("extend", _HOLD),
    EntryKind.ENTRY_KIND_RELEASE: MovementLook("back", _HOLD),
    EntryKind.ENTRY_KIND_EXPIRE: MovementLook("expire", _OUT),
    EntryKind.ENTRY_KIND_CLAWBACK: MovementLook("claw", _OUT),
    EntryKind.ENTRY_KIND_RESTORE: MovementLook("again", _IN),
    EntryKind.ENTRY_KIND_WRITE_OFF: MovementLook("pencil", _HOLD),
}

_UNKNOWN_LOOK: Final = MovementLook("list", _HOLD)
"""Of a kind that a newer service knows."""

SOURCES: Final[Mapping[Source, str]] = {
    Source.SOURCE_FREE: "free",
    Source.SOURCE_PROMO: "promo",
    Source.SOURCE_PURCHASED: "bought",
    Source.SOURCE_ADMIN: "staff",
}
"""The colour of a source, which is the key of its name as well."""


class BarPart(NamedTuple):
    """A part of a bar: what it is, where it begins and how wide it is, in per cent, and its amount."""

    look: str
    start: str
    width: str
    amount: int


class WalletRow(NamedTuple):
    """A wallet: its balance, its bar, its grants in spend order, each with its look, and how many are not shown."""

    balance: Balance
    segments: tuple[BarPart, ...]
    grants: tuple[tuple[str, GrantBalance], ...]
    hidden_grants: int

    @property
    def is_long(self) -> bool:
        """Whether its figures need the room of two."""
        return max(self.balance.available, self.balance.reserved, self.balance.debt) >= LONG_FIGURE

    @property
    def is_empty(self) -> bool:
        """Whether nothing has ever moved it."""
        return not self.balance.version


class EntryRow(NamedTuple):
    """An entry, and how it looks; ``name`` is the key of its kind, ``amount`` has the sign of what it meant.

    ``repeated_seconds`` is how long before it one was made that is just like it; None if there was none shortly before.
    """

    entry: Entry
    look: MovementLook
    name: str
    amount: int
    repeated_seconds: int | None = None


def wallet_rows(wallets: Iterable[Wallet]) -> list[WalletRow]:
    """Return the wallets, those that were never used last."""
    rows = [_wallet_row(wallet) for wallet in wallets]
    return sorted(rows, key=lambda row: row.is_empty)


def _wallet_row(wallet: Wallet) -> WalletRow:
    balance = wallet.balance
    grants = tuple((SOURCES.get(grant.source, "free"), grant) for grant in wallet.grants)
    parts = [("debt", balance.debt), *((look, grant.available) for look, grant in grants)]
    # What is in grants that are not shown is of no source that we know of.
    hidden = balance.available - sum(grant.available for _, grant in grants)
    parts += [("used", hidden), ("held", balance.reserved)]
    return WalletRow(balance, tuple(_segments(parts)), grants, max(0, wallet.grant_count - len(grants)))


def _segments(parts: Sequence[tuple[str, int]]) -> Iterator[BarPart]:
    """Yield the parts of a bar that are there, from 0 to 100 per cent; in whole numbers, which lose nothing."""
    whole = sum(amount for _, amount in parts if amount > 0)
    start = 0
    for look, amount in parts:
        if amount > 0:
            yield BarPart(look, per_cent(start * 10_000 // whole), per_cent(amount * 10_000 // whole), amount)
            start += amount


_ALIKE_SECONDS: Final = 60
"""Within which two movements that are alike may be one that was made twice by mistake."""


def entry_rows(entries: Sequence[Entry]) -> list[EntryRow]:
    """Return entries, which are newest first, as they look."""
    return [_entry_row(entry, _repeated_seconds(entry, entries[place + 1 :])) for place, entry in enumerate(entries)]


def _repeated_seconds(entry: Entry, before: Iterable[Entry]) -> int | None:
    """Return how long before an entry the last one like it was made, among those before; None if that is long ago."""
    if LOOKS.get(entry.kind, _UNKNOWN_LOOK).way == _HOLD:
        return None
    for one in before:
        apart = entry.create_time.seconds - one.create_time.seconds
        if apart > _ALIKE_SECONDS:
            return None
        if _likeness(one) == _likeness(entry):
            return apart
    return None


def _likeness(entry: Entry) -> tuple[object, ...]:
    return entry.credit_type, entry.kind, entry.amount, entry.reason, entry.spender_id, entry.actor


def _entry_row(entry: Entry, repeated_seconds: int | None) -> EntryRow:
    look = LOOKS.get(entry.kind, _UNKNOWN_LOOK)
    name = EntryKind.Name(entry.kind).removeprefix("ENTRY_KIND_").lower() if entry.kind in LOOKS else "unknown"
    return EntryRow(entry, look, name, -entry.amount if look.way == _OUT else entry.amount, repeated_seconds)
