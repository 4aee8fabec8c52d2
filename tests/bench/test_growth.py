"""What is counted as growth, and that what is said to bound a table is said of one that there is."""

from uuid import uuid4

from creditd.identity.storage.schema import IDENTITY
from tests.bench.growth import BOUNDS, PAGE_BYTES, Growth, Size, grown, sizes
from tests.support.databases import migrated_database
from tests.support.postgres import admin_url, drop_database
from tests.support.schemas import create_migrated


def test_a_table_counts_once_it_has_grown_by_a_page() -> None:
    """The most first, and one that was not there before with all that it has."""
    before = {"small": Size(100, 0, 0), "large": Size(PAGE_BYTES, PAGE_BYTES, 0)}
    after = {
        "small": Size(100 + PAGE_BYTES - 1, 0, 0),
        "large": Size(2 * PAGE_BYTES, PAGE_BYTES, 0),
        "new": Size(PAGE_BYTES, 0, PAGE_BYTES),
    }
    assert grown(before, after) == {"new": Size(PAGE_BYTES, 0, PAGE_BYTES), "large": Size(PAGE_BYTES, 0, 0)}


def test_megabytes_a_million_are_bytes_an_operation() -> None:
    growth = Growth("Reserve", 10, {"entries": Size(8_000, 4_000, 0)})
    assert list(growth.rows()) == ["| **Reserve** | **1,200** | | | |", "| `entries` | 1,200 | 800 | 400 | 0 |"]


def test_what_bounds_a_table_is_said_of_one_that_there_is() -> None:
    name = f"tests_{uuid4().hex}"
    with migrated_database() as url:
        known = sizes([url, create_migrated(admin_url(), name, IDENTITY)]).keys()
    drop_database(admin_url(), name)
    assert BOUNDS.keys() <= known
