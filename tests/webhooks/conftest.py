"""What the adapter's tests may use."""

from collections.abc import Iterator

import pytest

from tests.support.webhook_adapter import Adapter, running_adapter


@pytest.fixture
def adapter() -> Iterator[Adapter]:
    """Run an adapter with a service behind it, for one test."""
    with running_adapter() as running:
        yield running
