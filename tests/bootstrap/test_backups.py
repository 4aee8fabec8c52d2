"""When the service makes a backup by itself, and what that one is told."""

import asyncio
import os
import threading
import time
from pathlib import Path

import pytest

from creditd.bootstrap import backups
from creditd.bootstrap.backups import ScheduledBackups, environment_of, is_due
from creditd.config import Config
from tests.support.patience import eventually

pytestmark = pytest.mark.requirement("I3")

DAY = 86_400.0
NOW = 1_800_000_000.0


def test_a_backup_is_due_once_the_newest_is_old_enough() -> None:
    """At once if there is none; never with 0."""
    assert is_due(0.0, NOW, 24.0)
    assert is_due(NOW - DAY, NOW, 24.0)
    assert not is_due(NOW - DAY + 1, NOW, 24.0)
    assert is_due(NOW - DAY + 1, NOW, 12.0)
    assert not is_due(0.0, NOW, 0.0)


def test_it_is_told_whom_to_copy_where_to_and_by_which_key() -> None:
    """A secret's own file would contradict it; what else there is goes on."""
    config = Config(database_url="postgresql://server@/credit", backup_folder="/backups", backup_key_file="/key")
    ours = {"CREDITD_BACKUP_DATABASE_URL_FILE": "/run/secrets/url", "CREDITD_LOG_LEVEL": "DEBUG", "PATH": "/bin"}
    assert environment_of(config, ours) == {
        "CREDITD_BACKUP_DATABASE_URL": "postgresql://server@/credit",
        "CREDITD_BACKUP_FOLDER": "/backups",
        "CREDITD_BACKUP_KEY_FILE": "/key",
        "CREDITD_LOG_LEVEL": "DEBUG",
        "PATH": "/bin",
    }
    own = Config(database_url="postgresql://server@/credit", backup_database_url="postgresql://copier@/credit")
    assert environment_of(own, {})["CREDITD_BACKUP_DATABASE_URL"] == "postgresql://copier@/credit"


def lookers() -> int:
    return sum(thread.name == "backups-folder" for thread in threading.enumerate())


def test_a_folder_that_hangs_keeps_one_thread_of_its_own_and_is_looked_at_again_once_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that nobody writes to hangs whoever opens it, as a file of a network does that is away."""
    monkeypatch.setattr(backups, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(backups, "LOOK_SECONDS", 0.01)
    manifest = tmp_path / "20261129T050102Z" / "manifest.json"
    manifest.parent.mkdir()
    os.mkfifo(manifest)

    async def look() -> None:
        scheduled = ScheduledBackups(Config(backup_folder=str(tmp_path), backup_hours=0.0), time.time)
        scheduled.start()
        await asyncio.to_thread(eventually, lambda: scheduled.statistics.failures >= 3)
        assert lookers() == 1
        writing = os.open(manifest, os.O_WRONLY)
        # The next look finds no manifest, and does not hang.
        manifest.unlink()
        os.close(writing)
        (tmp_path / "drill.json").write_text('{"ended": "2026-11-29T05:01:02+00:00"}', encoding="utf-8")
        await asyncio.to_thread(eventually, lambda: scheduled.statistics.last_drill > 0)
        await scheduled.close()
        await asyncio.to_thread(eventually, lambda: lookers() == 0)

    asyncio.run(look())
