"""How far properties that take long are searched: a part of the way in `make test`, all of it in `make properties`."""

import pytest


def examples(many: int, few: int) -> pytest.MarkDecorator:
    """Run a test twice: with few examples, and marked ``properties`` with many."""
    marked = pytest.param(many, id="many", marks=pytest.mark.properties)
    return pytest.mark.parametrize("examples", [pytest.param(few, id="few"), marked])
