"""`creditd import` and `creditd export`, on a database beside which nothing else is served."""

from pathlib import Path

import psycopg
import pytest

from creditd.cli.main import main
from creditd.domain.credit_type import CreditType
from creditd.storage import credit_types
from tests.support.databases import migrated_database
from tests.support.desk import Desk, desk_at
from tests.support.works import add, deduct

pytestmark = pytest.mark.requirement("J4")

ROWS = (
    "\ufeffaccount_id,credit_type,source,amount,expire_time,reference\r\n"
    'ann,chat,PURCHASED,70,,"of\r\nold"\r\n'
    "ann,chat,FREE,5,2999-01-01T00:00:00Z,\r\n"
    "bob,chat,DEBT,9,,\r\n"
)


def declare(desk: Desk) -> None:
    """Have the credit type of these tests, as a server that starts has it."""
    with desk.database.transaction() as connection:
        credit_types.declare(connection, CreditType("chat", "chat", 0), desk.clock.now())


def test_what_is_exported_is_imported_once_and_differs_in_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(ROWS.encode())
    with migrated_database() as url, desk_at(url) as desk:
        monkeypatch.setenv("CREDITD_DATABASE_URL", url)
        declare(desk)
        desk.do(add("zoe", 1))
        assert main(["import", str(file)]) == 0
        assert "3 rows would be brought in, 0 are already" in capsys.readouterr().out
        assert main(["import", str(file), "--apply"]) == 0
        assert "3 rows brought in, 0 were already, 0 faults" in capsys.readouterr().out
        assert main(["import", str(file), "--apply"]) == 0
        told = capsys.readouterr().out
        assert "0 rows brought in, 3 were already, 0 faults" in told
        assert (
            "0 rows and 0 balances differ from the files; 0 balances were moved by others, and 1 are of accounts"
            in told
        )
        assert main(["export", "--folder", str(tmp_path)]) == 0
    (part,) = tmp_path.glob("balances-*.jsonl")
    with migrated_database() as url, desk_at(url) as desk:
        monkeypatch.setenv("CREDITD_DATABASE_URL", url)
        declare(desk)
        assert main(["import", str(part), "--apply"]) == 0
        assert "4 rows brought in" in capsys.readouterr().out


def test_another_amount_under_a_known_key_is_a_finding_and_brings_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    head, before, after = "account_id,credit_type,amount,status\n", tmp_path / "before.csv", tmp_path / "after.csv"
    before.write_text(f"{head}ann,chat,70,\n")
    after.write_text(f"{head}ann,chat,71,\nbob,chat,5,\n")
    with migrated_database() as url, desk_at(url) as desk:
        monkeypatch.setenv("CREDITD_DATABASE_URL", url)
        declare(desk)
        assert main(["import", str(before), "--apply"]) == 0
        assert main(["import", str(after)]) == 1
        assert "brought in otherwise before" in capsys.readouterr().err
        assert main(["import", str(after), "--apply"]) == 1
        told = capsys.readouterr()
        assert "1 rows brought in, 0 were already, 1 faults" in told.out
        assert f"{after}:2: ann: REQUEST_ID_REUSED" in told.err
        assert "ann: chat ADMIN: 71 in the files, 70 here" in told.err


def test_what_customers_spent_since_is_told_and_is_no_difference_in_what_was_brought_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("account_id,credit_type,amount\nann,chat,70\nbob,chat,5\ncid,,\n")
    with migrated_database() as url, desk_at(url) as desk:
        monkeypatch.setenv("CREDITD_DATABASE_URL", url)
        declare(desk)
        assert main(["import", str(file), "--compare"]) == 1
        told = capsys.readouterr()
        assert "3 rows and 0 balances differ from the files; 0 balances were moved by others" in told.out
        assert f"{file}:4: cid: the account was not brought in" in told.err
        assert main(["import", str(file), "--apply"]) == 0
        assert "3 rows brought in, 0 were already, 0 faults" in capsys.readouterr().out
        desk.do(deduct("ann", 8))
        assert main(["import", str(file), "--compare"]) == 0
        told = capsys.readouterr()
        assert "0 rows and 0 balances differ from the files; 1 balances were moved by others" in told.out
        assert "ann: chat ADMIN: 70 in the files, 62 here, after 1 movements of others" in told.err
        assert main(["import", str(file), "--apply"]) == 0
        assert "0 rows brought in, 3 were already, 0 faults" in capsys.readouterr().out


def test_a_balance_that_is_another_without_a_movement_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("account_id,credit_type,amount\nann,chat,70\n")
    with migrated_database() as url, desk_at(url) as desk:
        monkeypatch.setenv("CREDITD_DATABASE_URL", url)
        declare(desk)
        assert main(["import", str(file), "--apply"]) == 0
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("UPDATE wallets SET available = 71")
            connection.execute("UPDATE grants SET remaining = 71, amount = 71")
        capsys.readouterr()
        assert main(["import", str(file), "--compare"]) == 1
        told = capsys.readouterr()
        assert "0 rows and 1 balances differ from the files; 0 balances were moved by others" in told.out
        assert "ann: chat ADMIN: 70 in the files, 71 here\n" in told.err


def test_a_refused_status_is_a_fault_and_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("account_id,credit_type,amount,status\nann,chat,70,CLOSED\nbob,chat,5,SUSPENDED\n")
    with migrated_database() as url, desk_at(url) as desk:
        monkeypatch.setenv("CREDITD_DATABASE_URL", url)
        declare(desk)
        desk.do(add("ann", 1, "import:import:status:CLOSED"))
        assert main(["import", str(file), "--apply"]) == 1
        told = capsys.readouterr()
        assert "2 rows brought in, 0 were already, 1 faults" in told.out
        assert f"{file}:2: ann: REQUEST_ID_REUSED" in told.err


def test_a_pace_spreads_rows_over_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pace, rows = 40, 50
    file = tmp_path / "rows.csv"
    file.write_text("account_id,credit_type,amount\n" + "".join(f"a{n},chat,1\n" for n in range(rows)))
    with migrated_database() as url, desk_at(url) as desk:
        monkeypatch.setenv("CREDITD_DATABASE_URL", url)
        declare(desk)
        assert main(["import", str(file), "--apply", "--pace", str(pace)]) == 0
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT create_time FROM entries ORDER BY create_time").fetchall()
    times = [time.timestamp() for (time,) in found]
    assert len(times) == rows
    # In no stretch is there more than the pace allows, but for the batch with which it begins.
    batch = pace // 4
    for first, began in enumerate(times):
        for last in range(first + batch, rows):
            assert last - first <= (times[last] - began) * pace + batch


@pytest.mark.parametrize("arguments", [["/nowhere/rows.csv"], ["{file}", "--findings", "/nowhere/findings.csv"], ["/"]])
def test_a_file_that_cannot_be_opened_is_told_in_a_line(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(ROWS.encode())
    with migrated_database() as url:
        monkeypatch.setenv("CREDITD_DATABASE_URL", url)
        assert main(["import", "--format", "csv", *(each.format(file=file) for each in arguments)]) != 0
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith("creditd import: /")
