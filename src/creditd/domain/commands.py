"""Commands: every change that can be asked of a wallet.

A command is decided by :func:`creditd.domain.decide.decide`. Times are in microseconds.
"""

from typing import NamedTuple

from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.instant import Instant
from creditd.domain.wallet import Origin


class Reserve(NamedTuple):
    """Hold an amount until ``expire_time`` or for ``ttl``; for the configured time if both are None.

    ``spender_id`` is who spends within the account; empty if nobody is named.
    """

    origin: Origin
    reservation_id: str
    amount: int
    expire_time: Instant | None = None
    ttl: int | None = None
    version: int | None = None
    spender_id: str = ""


class Deduct(NamedTuple):
    """Spend an amount in one step; ``spender_id`` as for Reserve."""

    origin: Origin
    reservation_id: str
    amount: int
    version: int | None = None
    spender_id: str = ""


class Confirm(NamedTuple):
    """Spend what is held: all of it if ``amount`` is None, more than is held only with ``allow_excess``."""

    origin: Origin
    reservation_id: str
    amount: int | None = None
    allow_excess: bool = False
    version: int | None = None


class Refund(NamedTuple):
    """Refund a pending reservation whole, or ``amount`` of a confirmed one (None: all that is left).

    With ``pending_only`` a confirmed one is refused.
    """

    origin: Origin
    reservation_id: str
    amount: int | None = None
    version: int | None = None
    pending_only: bool = False


class Extend(NamedTuple):
    """Give a pending reservation more time, until ``expire_time`` or for ``ttl`` from now."""

    origin: Origin
    reservation_id: str
    expire_time: Instant | None = None
    ttl: int | None = None
    version: int | None = None


class Add(NamedTuple):
    """Add credits as a new grant; ``kind`` is the kind of the entry."""

    origin: Origin
    kind: EntryKind
    grant_id: str
    source: Source
    amount: int
    expire_time: Instant | None = None
    version: int | None = None


class Remove(NamedTuple):
    """Remove available credits, in spend order."""

    origin: Origin
    amount: int
    version: int | None = None


class Clawback(NamedTuple):
    """Take purchased credits back, from the named grants first, then from others; the rest becomes debt."""

    origin: Origin
    grant_ids: tuple[str, ...]
    amount: int


class Restore(NamedTuple):
    """Return credits that a clawback took, as a new purchased grant."""

    origin: Origin
    grant_id: str
    amount: int


class WriteOff(NamedTuple):
    """Lower the debt by ``amount``, or to 0 if it is None; no credits move."""

    origin: Origin
    amount: int | None = None
    version: int | None = None


Command = Reserve | Deduct | Confirm | Refund | Extend | Add | Remove | Clawback | Restore | WriteOff

ON_RESERVATION = (Confirm, Refund, Extend)
"""The commands on an existing reservation, for ``isinstance``."""
