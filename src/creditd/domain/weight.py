"""Which wallets are heavy: so large that to decide on them together with others would make the others wait."""

from creditd.domain.entry import Entry

HEAVY_GRANTS = 64
"""Live grants of one wallet. A month of daily credits and some purchases are fewer; a batch of 256 wallets with so many
loads 16,000 of them, in some tens of milliseconds."""

HEAVY_DUE = 64
"""Expired holds of one wallet that wait to be settled, and the same for all of their slices: as many rows again."""

HEAVY_SLICES = HEAVY_GRANTS
"""Slices of one reservation, or of one entry that is answered again. A hold of a light wallet has no more."""


def is_heavy(grants: int, due: int = 0, slices: int = 0) -> bool:
    """Tell whether a wallet is decided on apart from the many.

    It has so many live grants, so many expired holds, and its expired holds so many slices.
    """
    return grants > HEAVY_GRANTS or due > HEAVY_DUE or slices > HEAVY_DUE


def weight_of(entry: Entry) -> int:
    """Return how many rows and slices an entry is about, which is what it takes to decide it and to write it down."""
    return 1 + len(entry.slices)
