"""One wallet's life, decided by the domain's own rules, for `seed` to multiply: its figures add up by construction."""

from dataclasses import dataclass, field
from itertools import count

from creditd.domain.account import new_account
from creditd.domain.commands import Add, Command, Confirm, Deduct, Refund, Reserve
from creditd.domain.decide import decide
from creditd.domain.entry import Entry, EntryKind
from creditd.domain.expiry import settle
from creditd.domain.grants import Grant, Source
from creditd.domain.instant import SECOND, Instant
from creditd.domain.reservation import Reservation
from creditd.domain.wallet import NewGrant, Origin, Rules, Wallet, new_wallet

SUFFIX = "5eedacc0"
"""Ends every grant's and reservation's id in a life; `seed` puts the account's number in its place."""

_BETWEEN_ENTRIES = 600 * SECOND
_TOP_UP, _PROMO = 1_000_000_000, 100
_RULES = Rules()


@dataclass
class Life:
    """A wallet as it stands at the end, and every row that led there; the entries have no request ids."""

    wallet: Wallet
    entries: list[Entry] = field(default_factory=list)
    granted: dict[str, NewGrant] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)

    def apply(self, command: Command, now: Instant) -> None:
        """Takes the wallet one entry further."""
        named = self.reservations.get(command.reservation_id) if isinstance(command, Confirm | Refund) else None
        self.wallet, entry, changed, granted, reservation = decide(self.wallet, named, command, now, _RULES)
        self.entries.append(entry)
        self.grants.update((grant.grant_id, grant) for grant in changed)
        if granted is not None:
            self.granted[granted.grant_id] = granted
        if reservation is not None:
            self.reservations[reservation.reservation_id] = reservation


def lived(credit_type: str, entries: int, end: Instant) -> Life:
    """A life of so many entries, an even number, up to `end`: credits come in, are held, spent and given back.

    Nothing is held at the end and nothing in it ever expires, so that no sweep finds work in what `seed` makes of it.
    """
    start = Instant(end - entries * _BETWEEN_ENTRIES)
    life = Life(new_wallet(new_account("", start), credit_type))
    ids = (_uuid(start // 1_000 + number) for number in count())
    life.apply(Add(_origin("purchase"), EntryKind.TOP_UP, next(ids), Source.PURCHASED, _TOP_UP), start)
    life.apply(Add(_origin("promotion"), EntryKind.PROMO, next(ids), Source.PROMO, _PROMO), start)
    while len(life.entries) < entries:
        now = Instant(start + len(life.entries) * _BETWEEN_ENTRIES)
        for command in _use(len(life.entries) // 2 % 3, next(ids)):
            life.apply(command, now)
    life.wallet = settle(life.wallet, (), None, end, _RULES).wallet
    return life


def _use(way: int, reservation: str) -> tuple[Command, Command]:
    if way == 0:
        return Reserve(_origin("work"), reservation, 7), Confirm(_origin("work"), reservation, 5)
    if way == 1:
        return Reserve(_origin("work"), reservation, 3), Refund(_origin("it failed"), reservation)
    return Deduct(_origin("work"), reservation, 4), Refund(_origin("half of it was wrong"), reservation, 2)


def _origin(reason: str) -> Origin:
    return Origin(actor="seed", reason=reason)


def _uuid(milliseconds: int) -> str:
    time = f"{milliseconds:012x}"
    return f"{time[:8]}-{time[8:]}-7000-8000-0000{SUFFIX}"
