"""Seals: hashes in a chain, so that what was sealed cannot be changed, removed or added to without its being seen.

A seal of the chain holds some audit events and some seals of entries, in order. A seal of entries holds a stretch of
one wallet's ledger. Whoever keeps the head, the chain's last hash, can hold all that came before it against it.
"""

import hashlib
from collections.abc import Iterable
from typing import Final, NamedTuple
from uuid import UUID

from creditd.domain.instant import Instant
from creditd.domain.wallet import WalletKey

NO_HASH: Final = bytes(32)
"""Before the first seal of a chain."""

NO_EVENT: Final = str(UUID(int=0))
"""Before the first event."""


class Seal(NamedTuple):
    """A seal of the chain; events up to ``last_event_id`` are sealed with it, or were before."""

    seal_number: int
    last_event_id: str
    event_count: int
    entry_seal_count: int
    previous_hash: bytes
    hash: bytes
    create_time: Instant


NO_SEAL: Final = Seal(0, NO_EVENT, 0, 0, NO_HASH, NO_HASH, Instant(0))
"""Stands before the first."""


class EntrySeal(NamedTuple):
    """A seal of a stretch of one wallet's ledger: of the entries of these versions, both included."""

    account_id: str
    credit_type: str
    first_version: int
    last_version: int
    previous_hash: bytes
    hash: bytes
    seal_number: int

    @property
    def wallet(self) -> WalletKey:
        """Whose ledger it is."""
        return WalletKey(self.account_id, self.credit_type)


class SealedEvent(NamedTuple):
    """An audit event as a seal holds it."""

    event_id: str
    hash: bytes


def next_seal(before: Seal, events: list[SealedEvent], entry_seals: list[bytes], now: Instant) -> Seal:
    """Return the seal that follows one, over events and the hashes of seals of entries, each in their order."""
    last_event_id = events[-1].event_id if events else before.last_event_id
    unsealed = Seal(before.seal_number + 1, last_event_id, len(events), len(entry_seals), before.hash, b"", now)
    return unsealed._replace(hash=hash_of(unsealed, (event.hash for event in events), entry_seals))


def hash_of(seal: Seal, events: Iterable[bytes], entry_seals: Iterable[bytes]) -> bytes:
    """Return the hash of a seal: SHA-256 of the one before, its own figures, the events' hashes, and the seals'.

    Numbers are of 8 bytes, the most significant first; times are in microseconds.
    """
    figures = seal.seal_number, seal.event_count, seal.entry_seal_count, seal.create_time
    parts = [seal.previous_hash, *(number.to_bytes(8, "big") for number in figures), UUID(seal.last_event_id).bytes]
    return hashlib.sha256(b"".join((*parts, *events, *entry_seals))).digest()
