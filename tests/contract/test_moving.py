"""What a service has is exported, imported into an empty database and exported again: the same files, to the byte."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit.v1 import credit_service_pb2 as credit
from creditd.cli.main import main
from creditd.domain.account import AccountStatus
from creditd.domain.credit_type import CreditType
from creditd.domain.grants import Source
from creditd.domain.wallet import MAX_BALANCE
from creditd.service.transfer.import_row import COLUMNS, DEBT_NAME
from creditd.storage import credit_types
from tests.support.databases import migrated_database
from tests.support.desk import desk_at
from tests.support.extent import examples
from tests.support.service import RunningService, running_service
from tests.support.works import deduct

pytestmark = pytest.mark.requirement("J4")

CREDIT_TYPES = ("chat", "image", "x" * 32)

MOST_SPENT = 3

BEGIN = datetime(2100, 1, 1, tzinfo=UTC)

NUMBERS = count()

# Each example has accounts of its own: the database that is exported has those of all examples so far.
ACCOUNT_IDS = st.from_regex(r"[A-Za-z0-9._:@+-]{1,100}", fullmatch=True)

AMOUNTS = st.integers(1, 100) | st.sampled_from([1, MAX_BALANCE // 8])
"""Eight of the largest fit into one balance."""

EXPIRIES = st.none() | st.integers(0, 10**15).map(lambda micros: (BEGIN + timedelta(microseconds=micros)).isoformat())

GRANTS = st.tuples(st.sampled_from(CREDIT_TYPES), st.sampled_from([s.name for s in Source]), AMOUNTS, EXPIRIES)

DEBTS = st.tuples(st.sampled_from(CREDIT_TYPES), st.just(DEBT_NAME), AMOUNTS, st.none())

ACCOUNTS = st.dictionaries(
    ACCOUNT_IDS,
    st.tuples(
        st.lists(GRANTS | DEBTS, max_size=6, unique_by=lambda row: (row[0], row[1], row[3])),
        st.sampled_from(["", *[status.name for status in AccountStatus]]),
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run the service whose accounts move, with its credit types."""
    with running_service(tmp_path_factory.mktemp("moved"), credit_types=dict.fromkeys(CREDIT_TYPES, 0)) as running:
        yield running


@contextmanager
def database_with_types() -> Iterator[str]:
    """Keep a database that has the credit types, and nothing else, until the block ends."""
    with migrated_database() as url:
        with desk_at(url) as desk, desk.database.transaction() as connection:
            for code in CREDIT_TYPES:
                credit_types.declare(connection, CreditType(code, code, 0), desk.clock.now())
        yield url


def written(file: Path, accounts: dict[str, tuple[list[tuple[str, str, int, str | None]], str]], suffix: str) -> Path:
    """Write accounts to a file for an import."""
    with file.open("w", encoding="utf-8") as rows:
        rows.write(f"{','.join(COLUMNS)}\n")
        for name, (held, status) in accounts.items():
            for code, source, amount, expire_time in held or [("", "", 0, None)]:
                rows.write(f"{name}{suffix},{code},{source},{amount},{expire_time or ''},{status},,,\n")
    return file


def exported(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Export a database; return the files by name."""
    folder.mkdir()
    monkeypatch.setenv("CREDITD_DATABASE_URL", url)
    assert main(["export", "--folder", str(folder)]) == 0
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def imported(url: str, files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Import files."""
    monkeypatch.setenv("CREDITD_DATABASE_URL", url)
    assert main(["import", *map(str, files), "--apply"]) == 0


def is_spent_from(held: list[tuple[str, str, int, str | None]], status: str) -> bool:
    """Tell whether an example spends from an account: one that may, and has enough of what no debt takes."""
    of_staff = sum(amount for code, source, amount, _ in held if (code, source) == ("chat", "ADMIN"))
    return status in {"", "ACTIVE"} and of_staff >= MOST_SPENT


def entries_in(url: str) -> int:
    """Return how many entries there are."""
    with psycopg.connect(url) as connection:
        (found,) = connection.execute("SELECT count(*) FROM entries").fetchone() or (0,)
    return int(found)


@pytest.mark.timeout(900)
@examples(many=40, few=4)
def test_what_moves_out_moves_in_and_out_again_as_it_was(
    examples: int, moved: RunningService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = moved.config.database_url
    app = moved.as_caller("app", "SERVICE", scope="credits.read")

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ACCOUNTS, st.integers(1, MOST_SPENT))
    def move(accounts: dict[str, tuple[list[tuple[str, str, int, str | None]], str]], spent: int) -> None:
        number = next(NUMBERS)
        place = tmp_path / f"{number}"
        place.mkdir()
        imported(url, [written(place / "rows.csv", accounts, f".{number}")], monkeypatch)
        with desk_at(url) as desk:
            for name, (held, status) in accounts.items():
                # Grants that are spent in part, and balances that no single row says.
                if is_spent_from(held, status):
                    desk.do(deduct(f"{name}.{number}", spent))
        before = exported(url, place / "before", monkeypatch)
        parts = sorted(place.joinpath("before").glob("balances-*"))
        with database_with_types() as empty:
            if parts:
                imported(empty, parts, monkeypatch)
            assert exported(empty, place / "after", monkeypatch) == before
            entries = entries_in(empty)
            if parts:
                imported(empty, list(reversed(parts)), monkeypatch)
            assert entries_in(empty) == entries
            assert exported(empty, place / "again", monkeypatch) == before
        for name, (held, status) in accounts.items():
            request = credit.GetBalanceRequest(account_id=f"{name}.{number}", credit_types=list(CREDIT_TYPES))
            told = app.credit.GetBalance(request).account_balance
            net = Counter[str]()
            for code, source, amount, _ in held:
                net[code] += -amount if source == DEBT_NAME else amount
            if is_spent_from(held, status):
                net["chat"] -= spent
            figures = {wallet.balance.credit_type: wallet.balance for wallet in told.wallets}
            assert {code: figures[code].available - figures[code].debt for code in CREDIT_TYPES} == {
                code: net[code] for code in CREDIT_TYPES
            }

    move()
