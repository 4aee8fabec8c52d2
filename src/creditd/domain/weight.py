"""Heavy wallets: so large that deciding on them in a batch would make the others wait."""

from creditd.domain.entry import Entry

HEAVY_GRANTS = 64
"""Live grants from which a wallet is heavy. A month of daily credits and some purchases stay below; a batch of 256
wallets at the limit loads 16,000 grants, in some tens of milliseconds."""

HEAVY_DUE = 64
"""Expired holds that wait to be settled, from which a wallet is heavy; the same for the sum of their slices."""

HEAVY_SLICES = HEAVY_GRANTS
"""Slices of one reservation, or of one replayed entry. A hold of a light wallet has no more."""


def is_heavy(grants: int, due: int = 0, slices: int = 0) -> bool:
    """Tell whether a wallet is decided on outside the batch.

    The arguments count its live grants, its expired holds, and the slices of those holds.
    """
    return grants > HEAVY_GRANTS or due > HEAVY_DUE or slices > HEAVY_DUE


def weight_of(entry: Entry) -> int:
    """Return how many rows and slices an entry touches: the cost of deciding and writing it."""
    return 1 + len(entry.slices)
