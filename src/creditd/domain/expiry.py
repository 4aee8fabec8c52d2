"""Expiry: what the passing of time does to a wallet, whether or not a sweep has run.

Everything due is applied at its own instant, in time order, so the outcome does not depend on when it is recorded. The
credits of a hold that ends before its grant expires return to the grant and lapse with it. Those of a hold that ends
after the grant's expiry get the grace; after the grace they lapse as they return.

The cost of a step depends on what it touches, not on the number of grants: grants are found by id and by time, and the
wallet is rebuilt once, at the end.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from creditd.domain.entry import Entry, EntryKind
from creditd.domain.grants import (
    NO_GRACES,
    Graces,
    Grant,
    Slice,
    Source,
    first_expiry,
    give_back,
    in_spend_order,
    pay_debt,
)
from creditd.domain.instant import Instant, earliest
from creditd.domain.reservation import Reservation, ReservationState
from creditd.domain.wallet import SYSTEM, Movement, Rules, Shift, Wallet, moved
from creditd.domain.weight import weight_of


class Expiration(NamedTuple):
    """The expiry of a grant or of a hold: the entry to append, and the grants and the reservation that it changed."""

    entry: Entry
    changed: tuple[Grant, ...]
    reservation: Reservation | None = None


class Settled(NamedTuple):
    """A wallet after expiry was applied, and the expirations. More is due unless ``wallet.is_settled``."""

    wallet: Wallet
    expirations: tuple[Expiration, ...]


def settle(
    wallet: Wallet,
    due: Sequence[Reservation],
    next_hold_end: Instant | None,
    now: Instant,
    rules: Rules,
    most: int | None = None,
    *,
    graces: Graces = NO_GRACES,
) -> Settled:
    """Expire what is due by ``now``; with ``most`` only as much as touches that many holds, slices and grants.

    ``due`` are the wallet's pending reservations that have expired, soonest first; ``next_hold_end`` is the expire time
    of the first one after them, or None. What exceeds ``most`` stays due; at least one expiration is applied.
    ``graces`` are the graces of grants that the holds took from and that are no longer live.
    """
    settling = _Settling(wallet, now, rules, most, graces)
    for reservation in due:
        ended_at = reservation.expire_time or now
        if not settling.lapse_until(ended_at) or settling.is_exhausted:
            return settling.settled(ended_at)
        settling.release(reservation, ended_at)
    settling.lapse_until(now if next_hold_end is None or next_hold_end > now else Instant(next_hold_end - 1))
    return settling.settled(next_hold_end)


def lapse_late(before: Wallet, movement: Movement, now: Instant, rules: Rules) -> Settled | None:
    """Lapse what a movement on a settled wallet returned to a grant whose grace is over; None if there is nothing.

    ``before`` is the wallet before the movement.
    """
    for grant in movement.changed:
        if grant.graced and grant.remaining and grant.expire_time is not None and grant.expire_time <= now:
            settling = _Settling(movement.wallet, now, rules, None, NO_GRACES)
            settling.lapse_until(now)
            return settling.settled(before.next_expire_time)
    return None


class _Settling:
    """A wallet while it is being settled: its figures, and its live grants by id and by expire time."""

    def __init__(self, wallet: Wallet, now: Instant, rules: Rules, most: int | None, graces: Graces) -> None:
        self._grants = wallet.grants
        self._wallet = wallet._replace(grants=())
        self._now = now
        self._rules = rules
        self._left = most
        self._graces = dict(graces)
        self._live = {grant.grant_id: grant for grant in wallet.grants}
        # A grant that credits were returned to is listed twice; one that paid a debt is still listed.
        self._ends = [(grant.expire_time, grant.grant_id) for grant in wallet.grants if grant.expire_time is not None]
        heapify(self._ends)
        self._expirations: list[Expiration] = []

    @property
    def is_exhausted(self) -> bool:
        """Tell whether ``most`` has been reached."""
        return self._left is not None and self._left <= 0

    def lapse_until(self, until: Instant) -> bool:
        """Expire the grants that are due by an instant, in order; return whether all of them were expired."""
        while self._ends and self._ends[0][0] <= until:
            if self.is_exhausted:
                return False
            expire_time, grant_id = heappop(self._ends)
            grant = self._live.get(grant_id)
            if grant is not None:
                lapsed = Slice(grant_id, grant.source, grant.remaining, expire_time, 0, grant.graced)
                spent = grant._replace(remaining=0)
                self._change(spent)
                shift = Shift(available=-grant.remaining, reserved=0, live=(), changed=(spent,), slices=(lapsed,))
                self._record(EntryKind.EXPIRE, grant.remaining, shift)
        return True

    def release(self, held: Reservation, ended_at: Instant) -> None:
        """End a hold: return its credits to their grants as of its end; purchased credits pay debt first."""
        slices = held.slices[::-1]
        returned, begun = give_back(self._live, self._graces, slices, now=ended_at, grace=self._rules.grace)
        # While there is debt, the only available purchased credits are those just returned.
        bought = [grant for grant in returned if grant.source == Source.PURCHASED] if self._wallet.debt else []
        paid = pay_debt(self._wallet.debt, in_spend_order(bought, self._rules.order), returned)
        for grant in paid.changed:
            self._change(grant)
        amount = sum(part.amount for part in slices) - paid.amount
        shift = Shift(
            available=amount,
            reserved=-held.held,
            live=(),
            changed=paid.changed,
            slices=slices,
            debt=-paid.amount,
            graces=begun,
        )
        ended = held._replace(state=ReservationState.EXPIRED, update_time=self._now)
        self._record(EntryKind.RELEASE, held.amount, shift, ended, spent=-held.amount)

    def _change(self, grant: Grant) -> None:
        if grant.remaining:
            self._live[grant.grant_id] = grant
            if grant.expire_time is not None:
                heappush(self._ends, (grant.expire_time, grant.grant_id))
        else:
            self._live.pop(grant.grant_id, None)
            if grant.graced and grant.expire_time is not None:
                self._graces[grant.grant_id] = grant.expire_time

    def _record(
        self, kind: EntryKind, amount: int, shift: Shift, reservation: Reservation | None = None, spent: int = 0
    ) -> None:
        movement = moved(self._wallet, kind, amount, shift, SYSTEM, self._now, reservation, spent)
        if self._left is not None:
            self._left -= weight_of(movement.entry)
        self._wallet = movement.wallet
        self._expirations.append(Expiration(movement.entry, movement.changed, movement.reservation))

    def settled(self, next_hold_end: Instant | None) -> Settled:
        """Rebuild the wallet; ``next_hold_end`` is when the next pending hold expires."""
        grants = in_spend_order(tuple(self._live.values()), self._rules.order) if self._expirations else self._grants
        next_expire_time = earliest(next_hold_end, first_expiry(grants))
        wallet = self._wallet._replace(grants=grants, next_expire_time=next_expire_time)
        return Settled(wallet, tuple(self._expirations))
