"""`creditd backup`, `restore` and `drill` where no server is needed; the rest is tests/backup's."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from creditd.backup import log_archive
from creditd.backup.backup_folder import BackupFolder
from creditd.cli.main import main
from tests.support.backups import SYSTEM, add_backup, log_segment

pytestmark = pytest.mark.requirement("I3")

BEGAN = datetime(2026, 11, 29, 5, 1, 2, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackupFolder:
    """Return the folder of backups that is configured, with a key."""
    (tmp_path / "key").write_text("ab" * 32)
    (tmp_path / "backups").mkdir()
    monkeypatch.setenv("CREDITD_BACKUP_FOLDER", str(tmp_path / "backups"))
    monkeypatch.setenv("CREDITD_BACKUP_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.delenv("CREDITD_DATABASE_URL", raising=False)
    return BackupFolder(tmp_path / "backups")


def test_it_lists_what_there_is_and_says_what_is_broken(
    folder: BackupFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    add_backup(folder, BEGAN, bytes.fromhex("ab" * 32))
    assert main(["backup", "list"]) == 0
    assert "20261129T050102Z  2026-11-29T05:01:02+00:00" in capsys.readouterr().out
    (folder.of("20261129T050102Z") / "base.tar.gz.sealed").write_bytes(b"")
    assert main(["backup", "list"]) == 1
    assert "BROKEN" in capsys.readouterr().out


def test_a_file_of_the_log_is_taken_as_it_is_configured(folder: BackupFolder, tmp_path: Path) -> None:
    """Encrypted; and another one of its name is refused."""
    assert main(["backup", "log", str(log_segment(tmp_path, 3))]) == 0
    (file,) = log_archive.files(log_archive.folder_of(folder.path, SYSTEM))
    assert file.path.name.endswith(".gz.sealed")
    assert main(["backup", "log", str(log_segment(tmp_path, 3, content=b"other"))]) == 1
    assert main(["backup", "log", str(tmp_path / "key")]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["backup", "--folder", "/nowhere"], "/nowhere is no folder"),
        (["backup"], "CREDITD_BACKUP_DATABASE_URL has to be"),
        (["restore", "--target", "/nowhere/at/all", "--key-file", "/nowhere"], "64 hexadecimal digits"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    folder: BackupFolder, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    del folder
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_without_a_backup_there_is_nothing_to_restore(
    folder: BackupFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["restore", "--target", str(tmp_path / "target")]) == 1
    assert main(["drill", "--scratch", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count(f"there is no backup in {folder.path}") == 2
    assert not (tmp_path / "target").exists()
