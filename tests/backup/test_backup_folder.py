"""The folder of backups: what counts, what is cleared up, and what is kept from whom."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from creditd.backup.backup_folder import AnotherAtWork, BackupFolder, LastSuccess
from creditd.backup.manifest import BrokenBackup
from tests.support.backups import add_backup

pytestmark = pytest.mark.requirement("I3")

BEGAN = datetime(2026, 11, 29, 5, 1, 2, tzinfo=UTC)


def test_one_that_was_not_finished_does_not_count_and_is_cleared_up(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    add_backup(folder, BEGAN)
    _, unfinished = folder.begin(BEGAN + timedelta(days=1))
    (unfinished / "base.tar.gz").write_bytes(b"half of it")
    assert folder.names() == ["20261129T050102Z"]
    assert folder.clear_unfinished() == [unfinished.name]
    assert [entry.name for entry in tmp_path.iterdir()] == ["20261129T050102Z"]


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    refused = pytest.raises(AnotherAtWork, match="another one makes a backup")
    with folder.alone(), refused, BackupFolder(tmp_path).alone():
        pytest.fail("two at once")
    with folder.alone():
        pass


def test_one_that_is_being_restored_is_not_dropped(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    name = add_backup(folder, BEGAN).name
    with folder.kept(name):
        assert not folder.drop(name)
        assert folder.names() == [name]
    assert folder.drop(name)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BrokenBackup, match="no such backup"), folder.kept(name):
        pytest.fail("it is gone")


def test_one_whose_file_is_short_or_whose_manifest_cannot_be_read_is_not_good(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    names = [add_backup(folder, BEGAN + timedelta(days=day)).name for day in range(3)]
    assert folder.last_success() == LastSuccess((BEGAN + timedelta(days=2)).timestamp(), 0.0)
    (tmp_path / names[2] / "base.tar.gz").write_bytes(b"short")
    (tmp_path / names[1] / "manifest.json").write_bytes(b"{}")
    assert [(held.name, held.is_good) for held in folder.held()] == [
        (names[0], True),
        (names[1], False),
        (names[2], False),
    ]
    assert folder.last_success().backup == BEGAN.timestamp()


def test_when_a_drill_last_succeeded_is_noted(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    assert folder.last_success() == LastSuccess(0.0, 0.0)
    folder.note_drill("20261129T050102Z", BEGAN)
    assert folder.last_success() == LastSuccess(0.0, BEGAN.timestamp())
