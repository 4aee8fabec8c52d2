"""Settlement as the rules read: one end after the other, and the whole wallet written anew for each."""

from collections.abc import Sequence

from creditd.domain.entry import EntryKind
from creditd.domain.grants import Graces, Slice, graces_of
from creditd.domain.holds import returning
from creditd.domain.instant import Instant, earliest
from creditd.domain.reservation import Reservation, ReservationState
from creditd.domain.wallet import SYSTEM, Movement, Rules, Shift, Wallet, moved


def settle_plainly(
    wallet: Wallet,
    due: Sequence[Reservation],
    next_hold_end: Instant | None,
    now: Instant,
    rules: Rules,
    graces: Graces,
) -> tuple[Wallet, list[Movement]]:
    """Return the settled wallet, and the movements that brought it there."""
    movements: list[Movement] = []
    known = {**graces, **graces_of(wallet.grants)}
    for reservation in due:
        ended_at = reservation.expire_time or now
        _lapse(movements, wallet, ended_at, now)
        wallet = movements[-1].wallet if movements else wallet
        shift = returning(wallet, reservation.slices[::-1], reservation.held, ended_at, rules, known)
        known.update(shift.graces)
        ended = reservation._replace(state=ReservationState.EXPIRED, update_time=now)
        movements.append(moved(wallet, EntryKind.RELEASE, reservation.amount, shift, SYSTEM, now, ended))
        wallet = movements[-1].wallet
    _lapse(movements, wallet, now if next_hold_end is None or next_hold_end > now else Instant(next_hold_end - 1), now)
    wallet = movements[-1].wallet if movements else wallet
    next_expire_time = next_hold_end
    for grant in wallet.grants:
        next_expire_time = earliest(next_expire_time, grant.expire_time)
    return wallet._replace(next_expire_time=next_expire_time), movements


def _lapse(movements: list[Movement], wallet: Wallet, until: Instant, now: Instant) -> None:
    ends = sorted((g.expire_time, g.grant_id) for g in wallet.grants if g.expire_time is not None)
    for expire_time, grant_id in ends:
        if expire_time <= until:
            (grant,) = [grant for grant in wallet.grants if grant.grant_id == grant_id]
            live = tuple(grant for grant in wallet.grants if grant.grant_id != grant_id)
            lapsed = Slice(grant_id, grant.source, grant.remaining, expire_time, graced=grant.graced)
            shift = Shift(-grant.remaining, 0, live, (grant._replace(remaining=0),), (lapsed,))
            movements.append(moved(wallet, EntryKind.EXPIRE, grant.remaining, shift, SYSTEM, now))
            wallet = movements[-1].wallet
