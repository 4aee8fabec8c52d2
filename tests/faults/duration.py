"""How long a battery goes on: a round of the kills in `make test`, all rounds of all batteries in `make faults`."""

import os

import pytest

LONG_SECONDS = 600

ROUNDS_VARIABLE = "CREDITD_TEST_ROUNDS"
"""How many rounds the long batteries have, if it is set."""


def rounds(many: int, few: int = 0) -> pytest.MarkDecorator:
    """Run a test with many rounds, marked long; and beside that with few, if there are to be any."""
    many = int(os.environ.get(ROUNDS_VARIABLE, many))
    marks = [pytest.mark.long, pytest.mark.timeout(LONG_SECONDS)]
    short = [pytest.param(few, id="short")] if few else []
    return pytest.mark.parametrize("rounds", [*short, pytest.param(many, id="long", marks=marks)])
