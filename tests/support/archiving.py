"""Archives of a desk's ledgers: made at once, ended at any step, and held against the files."""

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import orjson
import psycopg

from creditd.domain.instant import SECOND
from creditd.ledger.archive.archive_files import unwatched
from creditd.ledger.archive.archive_restoration import ArchiveRestoration
from creditd.ledger.archive.archive_verification import ArchiveVerification
from creditd.ledger.archive.archiver import DAY, LEAST_DAYS, Archiver, MovedPart
from creditd.ledger.verification import Checked, Found, Verification
from creditd.storage.database import Database, DatabaseSettings
from tests.support.desk import Desk
from tests.support.sealing import seal_all
from tests.support.usage_rolling import roll_all, roller_at

STEPS = ("write", "rename", "sync folders", "delete", "commit", "done")
"""The steps of moving a part, in order."""


class Killed(BaseException):
    """The process ended: nothing that could follow happens."""


def killed_at(step: str, times: int = 1) -> Callable[[str], None]:
    """Return a witness that ends the process at a step, when it comes to it for the last of so many times."""
    left = [times]

    def witness(reached: str) -> None:
        left[0] -= reached == step
        if reached == step and not left[0]:
            raise Killed(step)

    return witness


def age(desk: Desk, days: int = LEAST_DAYS + 1) -> None:
    """Seal and add up all that there is, and let so many days pass."""
    seal_all(desk)
    roll_all(roller_at(desk))
    desk.clock.advance(days * DAY / SECOND)


def move_all(
    desk: Desk, folder: Path, account_id: str | None = None, witness: Callable[[str], None] = unwatched
) -> list[MovedPart]:
    """Move all that is old enough; return what was moved."""
    database = Database(DatabaseSettings(desk.url, "", pool_size=1))
    try:
        archiver = Archiver(database, desk.clock, folder, LEAST_DAYS, witness)
        return [archiver.move(part) for part in archiver.parts(account_id)]
    finally:
        database.close()


def restore_all(desk: Desk, folder: Path, account_id: str, witness: Callable[[str], None] = unwatched) -> int:
    """Bring back all that is archived of an account; return from how many files."""
    database = Database(DatabaseSettings(desk.url, "", pool_size=1))
    try:
        restoration = ArchiveRestoration(database, desk.clock, folder, witness)
        return sum(1 for wallet in restoration.wallets(account_id) for _ in restoration.restore(wallet))
    finally:
        database.close()


def broken_files(desk: Desk, folder: Path, account_id: str) -> list[str]:
    """Verify every file; return what is wrong with those of an account, since others' may be in other folders."""
    return [one.problem for one in ArchiveVerification(desk.database, folder).steps() if f"/{account_id}/" in one.file]


def differences(desk: Desk, account_id: str | None = None) -> list[tuple[str, int]]:
    """Verify the ledger of one account or of all; return the field and the version of each difference."""
    verification = Verification(desk.database, desk.clock.now, account_id)
    found: list[Found | Checked] = []
    while not verification.is_done:
        found += verification.step()
    return [(one.difference.field, one.difference.version) for one in found if isinstance(one, Found)]


def filed(folder: Path, account_id: str) -> list[int]:
    """Return the versions that are in an account's files, file by file."""
    found: list[int] = []
    spread = hashlib.sha256(account_id.encode()).hexdigest()[:2]
    files = sorted(
        (folder / spread / account_id).glob("*.gz"), key=lambda file: int(file.name.split(".")[1].split("-")[0])
    )
    for file in files:
        with gzip.open(file) as lines:
            found += [orjson.loads(line)["version"] for line in lines]
    return found


def stored(desk: Desk, account_id: str) -> list[int]:
    """Return the versions that are in the ledger of an account's chat credits."""
    query = "SELECT version FROM entries WHERE account_id = %s AND credit_type = 'chat' ORDER BY version"
    with psycopg.connect(desk.url) as connection:
        return [version for (version,) in connection.execute(query, (account_id,)).fetchall()]
