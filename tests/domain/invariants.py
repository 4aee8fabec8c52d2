"""What is true of any wallet's books after any step."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from creditd.domain.entry import Entry, EntryKind
from creditd.domain.grants import Grant, Slice, Source, in_spend_order
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation, ReservationState
from creditd.domain.wallet import MAX_BALANCE, Movement, Wallet
from tests.domain.books import WalletBooks

FOLLOWS = {
    None: {EntryKind.RESERVE: ReservationState.PENDING, EntryKind.DEDUCT: ReservationState.CONFIRMED},
    ReservationState.PENDING: {
        EntryKind.EXTEND: ReservationState.PENDING,
        EntryKind.CONFIRM: ReservationState.CONFIRMED,
        EntryKind.REFUND: ReservationState.REFUNDED,
        EntryKind.RELEASE: ReservationState.EXPIRED,
    },
    ReservationState.CONFIRMED: {EntryKind.REFUND: ReservationState.CONFIRMED},
    ReservationState.REFUNDED: {},
    ReservationState.EXPIRED: {},
}
"""What state each kind of entry leads to from each state: a reservation ends once."""


def check(books: WalletBooks, opening: Wallet) -> None:
    """Check everything at once."""
    check_figures(books.wallet)
    check_rows(books)
    check_fold(books, opening)
    check_reservations(books)
    check_conservation(books, opening)
    check_next_expire_time(books)
    check_graces(books, opening)


def check_figures(wallet: Wallet) -> None:
    """No figure is negative or too large, and debt and available purchased credits never stand side by side."""
    assert min(wallet.available, wallet.reserved, wallet.debt) >= 0
    assert max(wallet.available + wallet.reserved, wallet.debt) <= MAX_BALANCE
    assert wallet.available == sum(grant.remaining for grant in wallet.grants)
    assert all(grant.remaining > 0 for grant in wallet.grants)
    if wallet.debt:
        assert all(grant.source != Source.PURCHASED for grant in wallet.grants)


def check_rows(books: WalletBooks) -> None:
    """The wallet is what its grants and pending reservations, each written down by itself, add up to."""
    live = [grant for grant in books.grants.values() if grant.remaining]
    assert books.wallet.grants == in_spend_order(live, books.rules.order)
    assert books.wallet.reserved == sum(part.amount for r in pending(books) for part in r.slices)


def check_fold(books: WalletBooks, opening: Wallet) -> None:
    """Folding the entries gives the wallet, entry by entry; there is one for each version, in the order of time."""
    figures = (opening.available, opening.reserved, opening.debt)
    for version, (entry, movement) in enumerate(zip(books.entries, books.movements, strict=True), start=1):
        deltas = (entry.available_delta, entry.reserved_delta, entry.debt_delta)
        figures = (figures[0] + deltas[0], figures[1] + deltas[1], figures[2] + deltas[2])
        assert figures == (entry.available_after, entry.reserved_after, entry.debt_after)
        assert figures == (movement.wallet.available, movement.wallet.reserved, movement.wallet.debt)
        assert entry.version == movement.wallet.version == version
        assert entry.amount > 0
        assert all(part.amount > 0 == part.returned for part in entry.slices)
        check_figures(movement.wallet)
    assert figures == (books.wallet.available, books.wallet.reserved, books.wallet.debt)
    assert books.wallet.version == len(books.entries)
    assert all(before.create_time <= after.create_time for before, after in pairwise(books.entries))


def check_reservations(books: WalletBooks) -> None:
    """A reservation ends once; what was captured and given back stays within what was taken, slice by slice."""
    states: dict[str, ReservationState] = {}
    for movement in books.movements:
        reservation = movement.reservation
        if reservation is not None:
            before = states.get(reservation.reservation_id)
            assert reservation.state == FOLLOWS[before][movement.entry.kind]
            states[reservation.reservation_id] = reservation.state
            _check_amounts(reservation)
            _check_after(movement.entry, reservation)


def _check_amounts(reservation: Reservation) -> None:
    _, _, _, state, amount, confirmed, refunded, unlimited, slices, *_ = reservation
    taken, returned = total(slices), sum(part.returned for part in slices)
    assert all(0 <= part.returned <= part.amount > 0 for part in slices)
    assert 0 <= refunded <= confirmed
    assert returned <= refunded
    if state == ReservationState.CONFIRMED:
        assert confirmed > 0
        assert taken <= confirmed
    else:
        assert (confirmed, returned) == (0, 0)
        assert taken == (0 if unlimited else amount)


def _check_after(entry: Entry, reservation: Reservation) -> None:
    assert entry.reservation == (
        reservation.reservation_id,
        reservation.state,
        reservation.confirmed,
        reservation.refunded,
        reservation.expire_time,
    )


def check_conservation(books: WalletBooks, opening: Wallet) -> None:
    """No credit is lost, made, or changes its source: each grant is accounted for to the last credit.

    granted = remaining + held + spent and not returned + lapsed + removed + clawed back + paid to a debt, the last two
    from purchased grants alone, and the last in all what the debt fell by, but for what was written off.
    """
    accounted: Counter[str] = Counter()
    for grant_id, amount in _fates(books):
        accounted[grant_id] += amount
    paid = 0
    for grant_id, grant in _granted(books.movements, opening).items():
        assert books.grants[grant_id].source == grant.source
        rest = grant.remaining - accounted.pop(grant_id, 0)
        assert rest >= 0
        assert rest == 0 or grant.source == Source.PURCHASED
        paid += rest
    assert not +accounted
    fallen = -sum(entry.debt_delta for entry in books.entries if entry.debt_delta < 0)
    written_off = sum(entry.amount for entry in books.entries if entry.kind == EntryKind.WRITE_OFF)
    assert paid == fallen - written_off


def _granted(movements: Iterable[Movement], opening: Wallet) -> dict[str, Grant]:
    came_in = [movement.granted for movement in movements if movement.granted is not None]
    return {grant.grant_id: grant for grant in (*opening.grants, *(Grant(*granted) for granted in came_in))}


def _fates(books: WalletBooks) -> Iterator[tuple[str, int]]:
    for grant in books.grants.values():
        yield grant.grant_id, grant.remaining
    for reservation in books.reservations.values():
        if reservation.state in {ReservationState.PENDING, ReservationState.CONFIRMED}:
            for part in reservation.slices:
                assert part.source == books.grants[part.grant_id].source
                yield part.grant_id, part.amount - part.returned
    for entry in books.entries:
        if entry.kind in {EntryKind.EXPIRE, EntryKind.ADMIN_REMOVE, EntryKind.CLAWBACK}:
            for part in entry.slices:
                assert entry.kind != EntryKind.CLAWBACK or part.source == Source.PURCHASED
                yield part.grant_id, part.amount


def check_next_expire_time(books: WalletBooks) -> None:
    """Nothing of the wallet expires before its next expire time, and nothing is due after a step."""
    first = first_expiry(books)
    if first is not None:
        assert books.wallet.next_expire_time is not None
        assert books.wallet.next_expire_time <= first
    assert books.wallet.is_settled(books.now)


def check_times(movement: Movement, books: WalletBooks) -> None:
    """Nothing lapses before its time, and what never expires never does."""
    usable_until = {grant.grant_id: grant.expire_time for grant in movement.changed}
    for part in movement.entry.slices:
        if part.expire_time is None:
            assert usable_until.get(part.grant_id) is None
        elif movement.entry.kind == EntryKind.EXPIRE:
            assert part.expire_time == usable_until[part.grant_id]
            assert part.expire_time <= books.now


def check_graces(books: WalletBooks, opening: Wallet) -> None:
    """A grant has one grace: from the first instant at which something came back after its expiry, whatever follows."""
    usable_until = {name: grant.expire_time for name, grant in _granted(books.movements, opening).items()}
    graces: dict[str, Instant] = {}
    holds: dict[str, Counter[str]] = {}
    for movement in books.movements:
        at, came_back = _came_back(movement, holds)
        for name in came_back:
            expire_time = usable_until[name]
            if name not in graces and expire_time is not None and expire_time <= at:
                usable_until[name] = graces[name] = Instant(at + books.rules.grace)
        for grant in movement.changed:
            assert grant.expire_time == usable_until[grant.grant_id]
            assert grant.graced == (grant.grant_id in graces)
    assert graces == {name: end_time for entry in books.entries for name, end_time in entry.graces}


def _came_back(movement: Movement, holds: dict[str, Counter[str]]) -> tuple[Instant, set[str]]:
    """Return which grants credits came back to, and when; note what is held since."""
    entry, reservation = movement.entry, movement.reservation
    if reservation is None:
        return movement.entry.create_time, set()
    at = reservation.update_time
    if entry.kind == EntryKind.RELEASE:
        assert reservation.expire_time is not None
        return reservation.expire_time, {part.grant_id for part in entry.slices}
    if entry.kind == EntryKind.REFUND:
        return at, {part.grant_id for part in entry.slices}
    if entry.kind == EntryKind.CONFIRM:
        return at, set(holds[reservation.reservation_id] - _amounts(entry.slices))
    holds[reservation.reservation_id] = _amounts(entry.slices)
    return at, set()


def _amounts(slices: Iterable[Slice]) -> Counter[str]:
    amounts: Counter[str] = Counter()
    for part in slices:
        amounts[part.grant_id] += part.amount
    return amounts


def first_expiry(books: WalletBooks) -> Instant | None:
    """Return when the first live grant or pending reservation expires."""
    times = [grant.expire_time for grant in books.wallet.grants if grant.expire_time is not None]
    return min((*times, *(end for end, _ in books.hold_ends())), default=None)


def pending(books: WalletBooks) -> list[Reservation]:
    """Return the reservations that hold something now."""
    return [r for r in books.reservations.values() if r.state == ReservationState.PENDING]


def total(slices: Iterable[Slice]) -> int:
    """Return what slices add up to."""
    return sum(part.amount for part in slices)
