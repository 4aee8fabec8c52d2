"""The first administrator is made whole or not at all: the user in one database, its role in the other."""

import psycopg
import pytest
from sqlalchemy.exc import SQLAlchemyError

from creditd.cli.main import main
from creditd.storage.controls import access
from tests.support.postgres import admin_url, create_database, drop_database
from tests.support.service import RunningService

pytestmark = pytest.mark.requirement("G3")


@pytest.fixture(autouse=True)
def settings(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have commands reach the databases as the server does."""
    assert service.identity is not None
    config = service.identity.config
    monkeypatch.setenv("CREDITD_IDENTITY_DATABASE_URL", config.identity_database_url)
    monkeypatch.setenv("CREDITD_IDENTITY_KEY_ENCRYPTION_KEY", config.identity_key_encryption_key)
    monkeypatch.setenv("CREDITD_DATABASE_URL", service.core.config.database_url)


def create(email: str) -> int:
    return main(["admin", "create", "--email", email])


def test_whoever_cannot_be_appointed_is_not_registered_either(
    service: RunningService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that the same command does it once what was amiss is mended; the audit log tells of the role once."""

    def fail(*_: object) -> None:
        raise SQLAlchemyError("the connection is lost")

    email = "whole@example.org"
    with monkeypatch.context() as patch:
        patch.setattr(access, "grant_outside", fail)
        assert (create(email), capsys.readouterr().err) == (
            1,
            "creditd admin: the database failed: the connection is lost\n",
        )
    empty = create_database(admin_url(), "admin_unmigrated")
    with monkeypatch.context() as patch:
        patch.setenv("CREDITD_DATABASE_URL", empty)
        assert create(email) == 1
        assert "creditd migrate" in capsys.readouterr().err
    drop_database(admin_url(), "admin_unmigrated")
    assert create(email) == 0
    user_id = capsys.readouterr().out.split()[1]
    with psycopg.connect(service.config.database_url) as connection:
        told = connection.execute(
            "SELECT actor, kind FROM audit_events WHERE after ->> 'subject' = %s", [user_id]
        ).fetchall()
    assert told == [("creditd admin create", "role.grant")]


@pytest.mark.parametrize("slip", ["", "root", "root@", "ro ot@example.org", "@example.org"])
def test_what_nobody_could_sign_in_with_is_refused(slip: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert create(slip) == 2
    assert "is no email that one could sign in with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "command"),
    [
        ("CREDITD_DATABASE_URL", ["admin", "create", "--email", "away@example.org"]),
        ("CREDITD_IDENTITY_DATABASE_URL", ["admin", "create", "--email", "away@example.org"]),
        ("CREDITD_IDENTITY_DATABASE_URL", ["keys", "list"]),
    ],
)
def test_a_database_that_is_away_is_1(
    variable: str, command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same command may succeed later."""
    monkeypatch.setenv(variable, "postgresql://nobody@127.0.0.1:1/nothing")
    assert main(command) == 1
    assert "database cannot be used: " in capsys.readouterr().err
