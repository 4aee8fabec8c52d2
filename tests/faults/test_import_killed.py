"""`creditd import` while it, a server or PostgreSQL is killed: each row is brought in once, and memory stays flat."""

import random
import signal
import time
from pathlib import Path

import pytest

from creditd.development.postgres import EmbeddedPostgres
from creditd.service.transfer.import_spool import CACHE_KILOBYTES
from tests.faults.arena import arena
from tests.faults.client import Client
from tests.faults.import_process import ROWS, SECONDS, brought_in, declare, importing, require_each_once, write_rows
from tests.faults.load import Load
from tests.faults.mix import Mix
from tests.support.databases import migrated_database
from tests.support.patience import eventually
from tests.support.postgres import drop_database
from tests.support.postgres_faults import kill_all, restart
from tests.support.schemas import create_migrated

pytestmark = [pytest.mark.long, pytest.mark.timeout(4 * SECONDS), pytest.mark.requirement("J4")]

KILLS = 3

NOTHING_DIFFERS = "0 rows and 0 balances differ from the files"

OTHER_MEGABYTES = 16
"""What two runs may differ by besides the spool's cache: how full PostgreSQL's answers and Python's own memory are."""


def test_an_import_that_is_killed_brings_each_row_in_once(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    credits = write_rows(file, ROWS)
    with migrated_database() as url:
        declare(url)
        for kill in range(1, KILLS + 1):
            with importing(url, tmp_path, str(file), "--apply") as process:
                eventually(lambda: brought_in(url) >= ROWS * kill // (KILLS + 1), SECONDS)  # noqa: B023
                process.kill()
                assert process.end().status == -signal.SIGKILL
            assert brought_in(url) < ROWS
        with importing(url, tmp_path, str(file), "--apply") as process:
            done = process.end()
        print(f"\nimport: {ROWS} rows, killed {KILLS} times: the last run took {done.seconds:.1f} s\n{done.printed}")
        assert (done.status, NOTHING_DIFFERS in done.printed) == (0, True), done.printed
        require_each_once(url, ROWS, credits)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    megabytes = []
    for count in (ROWS // 10, ROWS):
        file = tmp_path / f"{count}.csv"
        credits = write_rows(file, count)
        with migrated_database() as url:
            declare(url)
            with importing(url, tmp_path, str(file), "--apply") as process:
                done = process.end()
            assert done.status == 0, done.printed
            require_each_once(url, count, credits)
        print(f"\nimport: {count} rows in {done.seconds:.1f} s, at most {done.megabytes:.0f} MB\n{done.printed}")
        megabytes.append(done.megabytes)
    assert megabytes[1] - megabytes[0] < CACHE_KILOBYTES / 1_024 + OTHER_MEGABYTES


def test_an_import_outlives_postgresql_killed_under_it(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    credits = write_rows(file, ROWS)
    url = create_migrated(postgres.tcp_url, "imported")
    try:
        declare(url)
        with importing(url, tmp_path, str(file), "--apply") as process:
            for kill in range(1, KILLS + 1):
                eventually(lambda: brought_in(url) >= ROWS * kill // (KILLS + 2), SECONDS)  # noqa: B023
                assert process.is_running
                time.sleep(random.uniform(0, 0.3))
                kill_all(postgres)
                restart(postgres)
            done = process.end()
        print(f"\nimport: {ROWS} rows, PostgreSQL SIGKILL x{KILLS}: {done.seconds:.1f} s\n{done.printed}")
        assert (done.status, NOTHING_DIFFERS in done.printed) == (0, True), done.printed
        assert f"{ROWS} rows brought in, 0 were already" in done.printed
        require_each_once(url, ROWS, credits)
    finally:
        drop_database(postgres.tcp_url, "imported")


def test_a_server_killed_beside_an_import_loses_nothing_and_neither_does_the_import(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    # The accounts of the load are among those of the files, and are spent from meanwhile.
    credits = write_rows(file, ROWS, prefix="account-")
    with arena(postgres, tmp_path) as place, place.client(Client) as client:
        load = Load(client, Mix())
        with load.run(), importing(place.database_url, tmp_path, str(file), "--apply") as process:
            for kill in range(1, KILLS + 1):
                url = place.database_url
                eventually(lambda: brought_in(url) >= ROWS * kill // (KILLS + 2), SECONDS)  # noqa: B023
                place.servers[0].kill()
                place.servers[0].start()
                load.await_more(100)
            done = process.end()
        print(f"\nimport: {ROWS} rows, server SIGKILL x{KILLS}: {done.seconds:.1f} s\n{done.printed}")
        assert (done.status, NOTHING_DIFFERS in done.printed) == (0, True), done.printed
        require_each_once(place.database_url, ROWS, credits)
        place.conclude(f"server SIGKILL x{KILLS} beside an import", load)
