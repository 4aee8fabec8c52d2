"""The life that `seed` multiplies is one that verification accepts."""

from creditd.domain.fold import Fold, StoredWallet
from creditd.domain.grants import Source
from creditd.domain.instant import Instant
from creditd.domain.reservation import ReservationState
from tests.bench.life import lived

_END = Instant(1_800_000_000_000_000)


def test_its_entries_add_up_to_its_wallet() -> None:
    life = lived("spec", 100, _END)
    fold = Fold()
    for entry in life.entries:
        fold.add(entry)
    wallet = life.wallet
    sums = {source: sum(g.remaining for g in life.grants.values() if g.source == source) for source in Source}
    stored = StoredWallet(wallet.version, wallet.available, wallet.reserved, wallet.debt, sums, held=0)
    assert fold.compare(stored) == []
    assert wallet.version == len(life.entries) == 100


def test_it_leaves_nothing_for_a_sweep() -> None:
    life = lived("spec", 100, _END)
    assert life.wallet.next_expire_time is None
    assert all(reservation.state != ReservationState.PENDING for reservation in life.reservations.values())
