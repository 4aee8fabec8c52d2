"""What a batch of works comes to: as it was decided, and once it was written."""

from typing import NamedTuple

from creditd.domain.wallet import WalletKey
from creditd.ledger.batch import Batch
from creditd.ledger.work import Apart, Result, Work


class Attempt(NamedTuple):
    """A batch as it was decided: what can be answered once it is saved, what has to be decided once more, or apart."""

    batch: Batch
    answers: list[tuple[Work, Result]]
    again: list[Work]
    apart: list[tuple[Work, Apart]]


class Written(NamedTuple):
    """What became of works: their results, those that have to be done apart, and the wallets that are heavy now.

    Those ``left`` are for the next batch: another server holds their wallets at this moment.
    """

    results: list[tuple[Work, Result]]
    apart: list[tuple[Work, Apart]]
    heavy: set[WalletKey]
    left: list[Work]


def nothing_written() -> Written:
    """Return what has become of works before anything has."""
    return Written([], [], set(), [])
