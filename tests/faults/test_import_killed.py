"""`creditd import` killed again and again, and run once more: each row is brought in once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from creditd.domain.credit_type import CreditType
from creditd.storage import credit_types
from tests.support.databases import migrated_database
from tests.support.desk import desk_at

pytestmark = [pytest.mark.long, pytest.mark.requirement("J4")]

ROWS = int(os.environ.get("IMPORTED_ROWS", "10000"))

KILLS = 3


def test_an_import_that_is_killed_brings_each_row_in_once(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    with file.open("w", encoding="utf-8") as rows:
        rows.write("account_id,credit_type,source,amount\n")
        rows.writelines(f"a{number:07},chat,PURCHASED,{number % 90 + 1}\n" for number in range(ROWS))
    with migrated_database() as url, desk_at(url) as desk, psycopg.connect(url, autocommit=True) as connection:
        with desk.database.transaction() as open_one:
            credit_types.declare(open_one, CreditType("chat", "chat", 0), desk.clock.now())
        command = [sys.executable, "-m", "creditd.cli", "import", str(file), "--apply"]
        environment = {**os.environ, "CREDITD_DATABASE_URL": url}

        def brought_in() -> int:
            (count,) = connection.execute("SELECT count(*) FROM entries").fetchone() or (0,)
            return int(count)

        for kill in range(1, KILLS + 1):
            with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
                while process.poll() is None and brought_in() < ROWS * kill // (KILLS + 1):
                    time.sleep(0.05)
                process.send_signal(signal.SIGKILL)
            assert process.returncode == -signal.SIGKILL
            assert brought_in() < ROWS
        began = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        print(f"\nthe last run took {time.monotonic() - began:.1f} s\n{done.stdout}{done.stderr}")
        assert done.returncode == 0, done.stderr
        assert "0 balances differ from the files, 0 are of accounts" in done.stdout
        assert brought_in() == ROWS
        (credits,) = connection.execute("SELECT sum(available) FROM wallets").fetchone() or (0,)
        assert credits == sum(number % 90 + 1 for number in range(ROWS))
