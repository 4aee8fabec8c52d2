"""Which backup a restore to an instant begins with: one that had ended by then, and whose manifest can be read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from creditd.backup.backup_folder import BackupFolder
from creditd.backup.manifest import BrokenBackup
from creditd.backup.restoration import CannotRestore, Choice, Restoration, Took
from tests.support.backups import add_backup

pytestmark = pytest.mark.requirement("I3")

BEGAN = datetime(2026, 11, 29, 5, 1, 2, tzinfo=UTC)

HOUR = timedelta(hours=1)


def add(folder: BackupFolder, hours: int, *, is_readable: bool = True) -> str:
    """Add a backup of so many hours after the first; return its name."""
    name = add_backup(folder, BEGAN + hours * HOUR).name
    if not is_readable:
        (folder.of(name) / "manifest.json").write_bytes(b"{")
    return name


def chosen(folder: BackupFolder, instant: datetime | None) -> tuple[str, list[Took]]:
    """Return which one is restored, and what was told until then."""
    told: list[Took] = []
    with Restoration(folder, None, Choice("", instant), told.append).proved() as found:
        return found.name, told


def test_one_that_cannot_be_read_is_left_out_and_named_if_an_older_one_will_do(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    first, broken, later = add(folder, 0), add(folder, 1, is_readable=False), add(folder, 3)
    name, told = chosen(folder, BEGAN + 2 * HOUR)
    assert name == first
    assert [(took.step, broken in took.result) for took in told] == [("left out", True), ("checksums", False)]
    assert chosen(folder, BEGAN + 4 * HOUR)[0] == later


def test_one_that_began_after_the_instant_is_no_concern_whatever_is_in_it(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    first = add(folder, 0)
    add(folder, 3, is_readable=False)
    name, told = chosen(folder, BEGAN + 2 * HOUR)
    assert (name, [took.step for took in told]) == (first, ["checksums"])


def test_if_none_will_do_it_is_told_how_many_cannot_be_read(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    add(folder, 0, is_readable=False)
    with pytest.raises(CannotRestore, match=r"no backup had ended by .*, but for 1 that cannot be read"):
        chosen(folder, BEGAN + 2 * HOUR)


def test_the_one_that_is_chosen_is_refused_by_its_name_if_it_is_damaged(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    add(folder, 0)
    damaged = add(folder, 1)
    (folder.of(damaged) / "base.tar.gz").write_bytes(b"damaged")
    with pytest.raises(BrokenBackup, match=damaged):
        chosen(folder, BEGAN + 2 * HOUR)
    newest = add(folder, 2, is_readable=False)
    with pytest.raises(BrokenBackup, match=newest):
        chosen(folder, None)
