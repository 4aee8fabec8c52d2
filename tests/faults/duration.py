"""How long a battery goes on: a round in `make test`, all of them in `make faults`."""

import pytest

LONG_SECONDS = 600


def rounds(many: int, few: int = 1) -> pytest.MarkDecorator:
    """Run a test twice: with few rounds, and marked long with many."""
    marks = [pytest.mark.long, pytest.mark.timeout(LONG_SECONDS)]
    return pytest.mark.parametrize(
        "rounds", [pytest.param(few, id="short"), pytest.param(many, id="long", marks=marks)]
    )
