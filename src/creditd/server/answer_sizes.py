"""How much of what has no bound of its own an answer shows: clients refuse one of more than 4 MiB by default."""

SLICES_SHOWN = 100
"""Of a movement or a reservation: 5 kB. A movement that spent 5,000 grants has 5,000."""

SLICES_OF_ONE = 10_000
"""Of the one reservation that GetReservation shows: half a megabyte."""

SLICES_OF_A_BATCH = 5_000
"""Of all results of a batch together, twice: with the reservation and with the entry. Half a megabyte."""

GRANTS_SHOWN = 100
"""Of a balance: 7 kB."""

GRANTS_OF_AN_ANSWER = 10_000
"""Of all balances of an answer together: 700 kB."""

MAX_BALANCES = 10_000
"""Accounts times credit types in one answer: 2.5 MB with the longest names."""

PROVIDER_IDS_SHOWN = 100
"""Of what a payment event or a purchase has to do with: 25 kB with the longest ids, and two or three in practice."""


def slices_each(results: int) -> int:
    """Return how many slices each of so many results of a batch shows, up to 1,000 results."""
    return min(SLICES_SHOWN, SLICES_OF_A_BATCH // max(1, results))


def grants_each(balances: int) -> int:
    """Return how many grants each of so many balances shows, up to MAX_BALANCES."""
    return min(GRANTS_SHOWN, GRANTS_OF_AN_ANSWER // max(1, balances))
