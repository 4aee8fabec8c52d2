"""Balance alerts: how low the available credits of a wallet may fall before its account is told (requirement C6)."""

from typing import Final, NamedTuple

MAX_ALERTS: Final = 20
"""Of one account: each of its credit types has one. They stand in its row and with each copy in memory."""


class BalanceAlert(NamedTuple):
    """The account is told once its available credits of a type fall ``below`` a figure.

    It is told again once they have been there, or above, again.
    """

    credit_type: str
    below: int
