"""A database of these tests' own, parts of ledgers that are small, and an account of each test's own."""

from collections.abc import Iterator

import pytest

from creditd.ledger.archive import archiver
from creditd.service.controls import seal_plan
from creditd.service.usage import usage_rollup
from tests.support.databases import migrated_database
from tests.support.desk import Desk, desk_at


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """Provide a desk: each test has accounts of its own, and time only ever goes forward."""
    with migrated_database() as url, desk_at(url) as desk:
        yield desk


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have seals of three entries, files of two of them, and accounts' own sums of each."""
    monkeypatch.setattr(seal_plan, "STRETCH_ENTRIES", 3)
    monkeypatch.setattr(archiver, "ENTRIES_AT_A_TIME", 6)
    monkeypatch.setattr(archiver, "LEAST_ENTRIES", 2)
    monkeypatch.setattr(usage_rollup, "SUMMED_AT", 1)
