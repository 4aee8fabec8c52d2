"""When the service makes a backup by itself, and what that one is told."""

import pytest

from creditd.bootstrap.backups import environment_of, is_due
from creditd.config import Config

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
