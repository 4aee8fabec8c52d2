"""The commands: everything that can be asked of one wallet.

A command is decided by :func:`creditd.domain.decide.decide`. Times are in microseconds.
"""

from typing import NamedTuple

from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.instant import Instant
from creditd.domain.wallet import Origin


class Reserve(NamedTuple):
    """Hold an amount, until ``expire_time`` or for ``ttl``, or for the configured time if both are None."""

    origin: Origin
    reservation_id: str
    amount: int
    expire_time: Instant | None = None
    ttl: int | None = None
    version: int | None = None


class Deduct(NamedTuple):
    """Spend an amount in one step."""

    origin: Origin
    reservation_id: str
    amount: int
    version: int | None = None


class Confirm(NamedTuple):
    """Spend what is held: all of it if ``amount`` is None. More than is held only with ``allow_excess``."""

    origin: Origin
    reservation_id: str
    amount: int | None = None
    allow_excess: bool = False
    version: int | None = None


class Refund(NamedTuple):
    """Give back a pending reservation whole, or part (None: the rest) of a confirmed one."""

    origin: Origin
    reservation_id: str
    amount: int | None = None
    version: int | None = None


class Extend(NamedTuple):
    """Give a pending reservation more time, until ``expire_time`` or for ``ttl`` from now."""

    origin: Origin
    reservation_id: str
    expire_time: Instant | None = None
    ttl: int | None = None
    version: int | None = None


class Add(NamedTuple):
    """Bring in credits as a new grant; ``kind`` says by what way they came."""

    origin: Origin
    kind: EntryKind
    grant_id: str
    source: Source
    amount: int
    expire_time: Instant | None = None
    version: int | None = None


class Remove(NamedTuple):
    """Take available credits away, in spend order."""

    origin: Origin
    amount: int
    version: int | None = None


class Clawback(NamedTuple):
    """Take purchased credits back: from the grants named first, then from other purchased ones; the rest is debt."""

    origin: Origin
    grant_ids: tuple[str, ...]
    amount: int


class Restore(NamedTuple):
    """Give back what a clawback took, as a new purchased grant."""

    origin: Origin
    grant_id: str
    amount: int


class WriteOff(NamedTuple):
    """Lower the debt without credits moving: by all of it if ``amount`` is None."""

    origin: Origin
    amount: int | None = None
    version: int | None = None


Command = Reserve | Deduct | Confirm | Refund | Extend | Add | Remove | Clawback | Restore | WriteOff

ON_RESERVATION = (Confirm, Refund, Extend)
"""The commands about a reservation that exists, for isinstance."""
