"""Expiry: what the clock does to a wallet, whether or not a sweep has run.

Everything due happens at its own instant and in time order, so that the outcome does not depend on when it is recorded:
a hold that ends before its grant's expiry comes back and lapses with it, one that ends after it keeps the grace.
"""

from collections.abc import Sequence
from typing import NamedTuple

from creditd.domain.entry import EntryKind
from creditd.domain.grants import Slice
from creditd.domain.instant import Instant, earliest
from creditd.domain.reservation import Reservation, ReservationState
from creditd.domain.settling import returning
from creditd.domain.wallet import SYSTEM, Movement, Rules, Shift, Wallet, moved


class Settled(NamedTuple):
    """A wallet with nothing due, and the movements that brought it there."""

    wallet: Wallet
    movements: tuple[Movement, ...]


def settle(
    wallet: Wallet, due: Sequence[Reservation], next_hold_end: Instant | None, now: Instant, rules: Rules
) -> Settled:
    """Expire what is due by ``now``.

    ``due`` are the wallet's pending reservations whose time is over, soonest first; ``next_hold_end`` is the expire
    time of the first one after them, or None.
    """
    movements: list[Movement] = []
    for reservation in due:
        ended_at = reservation.expire_time or now
        wallet = _lapse_all(wallet, ended_at, now, movements)
        wallet = _record(_release(wallet, reservation, ended_at, now, rules), movements)
    horizon = now if next_hold_end is None or next_hold_end > now else Instant(next_hold_end - 1)
    wallet = _lapse_all(wallet, horizon, now, movements)
    next_expire_time = next_hold_end
    for grant in wallet.grants:
        next_expire_time = earliest(next_expire_time, grant.expire_time)
    wallet = wallet._replace(next_expire_time=next_expire_time)
    if movements:
        movements[-1] = movements[-1]._replace(wallet=wallet)
    return Settled(wallet, tuple(movements))


def _record(movement: Movement, movements: list[Movement]) -> Wallet:
    movements.append(movement)
    return movement.wallet


def _lapse_all(wallet: Wallet, until: Instant, now: Instant, movements: list[Movement]) -> Wallet:
    expired = [grant for grant in wallet.grants if grant.expire_time is not None and grant.expire_time <= until]
    live = list(wallet.grants)
    for grant in sorted(expired, key=lambda g: (g.expire_time or until, g.grant_id)):
        live.remove(grant)
        lapsed = Slice(grant.grant_id, grant.source, grant.remaining, grant.expire_time)
        shift = Shift(-grant.remaining, 0, tuple(live), (grant._replace(remaining=0),), (lapsed,))
        wallet = _record(moved(wallet, EntryKind.EXPIRE, grant.remaining, shift, SYSTEM, now), movements)
    return wallet


def _release(wallet: Wallet, held: Reservation, ended_at: Instant, now: Instant, rules: Rules) -> Movement:
    shift = returning(wallet, held.slices[::-1], held.held, ended_at, rules)
    expired = held._replace(state=ReservationState.EXPIRED, update_time=now)
    return moved(wallet, EntryKind.RELEASE, held.amount, shift, SYSTEM, now, expired)
