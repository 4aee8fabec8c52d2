"""The register of requirements: each row, and how far it is delivered."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

REGISTER: Final = Path(__file__).with_name("requirements.toml")


class State(StrEnum):
    """How far a row is delivered."""

    DELIVERED = "delivered"
    PARTLY = "partly"
    OPEN = "open"


class Requirement(NamedTuple):
    """A row: its id, a reminder of what it asks for, how far it is delivered, and what is missing if it is in part."""

    row: str
    title: str
    state: State
    missing: str = ""


def parse(text: str) -> list[Requirement]:
    """Read a register, in its order.

    Raises TypeError or ValueError if an entry has a field too many or too few, or a state that there is not.
    """
    rows = [Requirement(row, **entry) for row, entry in tomllib.loads(text).items()]
    rows = [row._replace(state=State(row.state)) for row in rows]
    for row in rows:
        if (row.state is State.PARTLY) != bool(row.missing):
            raise ValueError(f"{row.row}: what is missing is said of a row that is delivered in part, and of no other")
    return rows
