"""Nobody waits for somebody else: whatever goes on, a neighbour's worst call takes less than a quarter of a second."""

from collections.abc import Iterator
from typing import Any

import pytest

from creditd.development.postgres import EmbeddedPostgres
from creditd.storage.database import Database, DatabaseSettings
from tests.faults.arena import ADAPTER, Arena, arena
from tests.faults.attack import Target
from tests.faults.attackers import ATTACKS, NOTICED, attacked
from tests.faults.duration import LONG_SECONDS
from tests.faults.memory import watched_memory
from tests.faults.neighbours import neighbour
from tests.faults.processes import AdapterProcess
from tests.faults.troubles import HISTORY, TROUBLES, Place, write_the_history
from tests.support.tokens import bearer

pytestmark = [pytest.mark.requirement("J5"), pytest.mark.long, pytest.mark.timeout(LONG_SECONDS)]

ATTACK_SECONDS = 5.0

MEASURED_AT_MOST = 3
"""How often an attack is tried: the machine stands still by itself at times, an attack that works does so each time."""

FILES = 1_024
"""What a process may have open where nobody has raised it: the usual limit."""

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
    assert not figures.failed()
    assert not figures.too_slow()


@pytest.fixture(scope="module")
def attacked_place(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Arena, AdapterProcess]]:
    """Run one server and an adapter in front of it, neither of which may open many files."""
    folder = tmp_path_factory.mktemp("attacked")
    with (
        arena(postgres, folder, files=FILES, **PROVIDERS) as running,
        AdapterProcess(
            folder, running.servers[0].address, ADAPTER[0][1].removeprefix("Bearer "), files=FILES
        ) as adapter,
    ):
        yield running, adapter


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_reaches_nobody_else(attacked_place: tuple[Arena, AdapterProcess], attack: str) -> None:
    """Nobody's call fails, and none but the attacks in NOTICED makes one wait. Nor does it take much memory.

    A newcomer connects, a webhook and a probe come in as ever.
    """
    running, adapter = attacked_place
    [server] = running.servers
    target = Target(
        server.address,
        server.metrics_address,
        adapter.address,
        bearer("attacker", ["USER"]),
        "attacker",
        ATTACK_SECONDS,
    )
    _, most_megabytes = ATTACKS[attack]
    reached = {"adapter": adapter.address, "metrics": server.metrics_address}
    for _ in range(MEASURED_AT_MOST):
        with (
            watched_memory([server.pid, adapter.pid]) as memory,
            neighbour(server.address, SECRET, **reached) as figures,
            attacked(attack, target) as evidence,
        ):
            pass
        print(figures.table(attack, f"{evidence[0]}; {memory}"))
        assert not figures.failed()
        assert memory.growth < most_megabytes
        if attack in NOTICED or not figures.too_slow():
            break
    else:
        raise AssertionError("others waited each time that the attack was tried")
