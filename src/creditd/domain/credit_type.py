"""Credit types: the units that credits are counted in."""

from typing import NamedTuple


class CreditType(NamedTuple):
    """A unit that credits are counted in; ``decimals`` is the number of decimal places."""

    code: str
    display_name: str
    decimals: int
