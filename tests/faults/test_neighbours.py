"""Nobody waits for somebody else: whatever goes on, a neighbour's worst call takes less than a quarter of a second."""

from collections.abc import Iterator
from typing import Any

import pytest

from creditd.development.postgres import EmbeddedPostgres
from creditd.storage.database import Database, DatabaseSettings
from tests.faults.arena import arena
from tests.faults.neighbours import neighbour
from tests.faults.rounds import LONG_SECONDS
from tests.faults.troubles import HISTORY, TROUBLES, Place, write_the_history

pytestmark = [pytest.mark.long, pytest.mark.timeout(LONG_SECONDS)]

SECRET = "whsec_neighbours"  # noqa: S105 - nothing is kept secret in a test.

PROVIDERS: dict[str, Any] = {
    "stripe_api_key": "sk_test_neighbours",
    "stripe_webhook_secrets": SECRET,
    "stripe_api_url": "http://127.0.0.1:9",
    "omise_secret_key": "skey_test_neighbours",
    "omise_api_url": "http://127.0.0.1:9",
}


@pytest.fixture(scope="module")
def place(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run two servers on a ledger with a long history."""
    with arena(postgres, tmp_path_factory.mktemp("neighbours"), servers=2, **PROVIDERS) as running:
        database = Database(DatabaseSettings(running.database_url, pool_size=1))
        try:
            write_the_history(database)
            yield Place(running, database, SECRET.encode())
        finally:
            database.close()


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_neighbour_hardly_notices(place: Place, trouble: str) -> None:
    run = TROUBLES[trouble](place)
    with neighbour(place.address, SECRET) as figures:
        evidence = run()
    print(figures.table(trouble, evidence))
    place.arena.verify_ledger(HISTORY)
    assert not figures.failures
    assert not figures.too_slow()
