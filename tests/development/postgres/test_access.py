"""Whoever may log in to the embedded PostgreSQL, and whose files it keeps."""

import logging
import os
import pwd
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from creditd.development.postgres import EmbeddedPostgres, EmbeddedPostgresError, embedded_postgres
from creditd.development.postgres import account as accounts
from creditd.development.postgres.access import write_access
from creditd.development.postgres.account import OWN_ACCOUNT, PLAIN_ACCOUNT, owner_of, take_over
from creditd.development.postgres.programs import Owner, as_owner

FAST = {"fsync": "off"}

IS_ROOT = os.geteuid() == 0

NOBODY = Owner(pwd.getpwnam(PLAIN_ACCOUNT).pw_uid, pwd.getpwnam(PLAIN_ACCOUNT).pw_gid)

OTHER_USERS_RUN = """
import sys
from pathlib import Path
import psycopg
from creditd.development.postgres import embedded_postgres
with embedded_postgres(Path(sys.argv[1]), settings={"fsync": "off"}, own_account=True) as url:
    with psycopg.connect(url) as connection:
        print(connection.execute("SELECT session_user").fetchone()[0], Path(sys.argv[1], "cluster").stat().st_uid)
"""


def in_child_as(owner: Owner, act: Callable[[], None]) -> str:
    """Do something as another user, in a child process; return what it raised, or nothing."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        said = ""
        try:
            os.setgroups([])
            os.setgid(owner.gid)
            os.setuid(owner.uid)
            act()
        except BaseException as error:  # noqa: BLE001 - the parent judges it.
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """Run one."""
    running = EmbeddedPostgres(tmp_path / "data", settings=FAST)
    running.start()
    yield running
    running.stop()


def test_who_started_it_may_become_any_role(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE clerk LOGIN")
    with psycopg.connect(server.url, user="clerk") as connection:
        assert connection.execute("SELECT session_user").fetchone() == ("clerk",)


def test_its_socket_is_open_to_nobody_else_also_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "data" / "socket").mkdir(parents=True)
    (tmp_path / "data" / "socket").chmod(0o777)
    with embedded_postgres(tmp_path / "data", settings=FAST) as url, psycopg.connect(url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert (tmp_path / "data" / "socket").stat().st_mode & 0o777 == 0o700


@pytest.fixture
def server_in_the_open() -> Iterator[EmbeddedPostgres]:
    """Run one where every user of the machine comes to; pytest keeps its own folders to itself."""
    with TemporaryDirectory(prefix="creditd-open-") as folder:
        running = EmbeddedPostgres(Path(folder) / "data", settings=FAST)
        running.start()
        yield running
        running.stop()


def test_every_other_user_is_refused_by_postgresql_itself(server_in_the_open: EmbeddedPostgres) -> None:
    """Also the one that it runs under, and also where the folder is open."""
    server = server_in_the_open
    if not IS_ROOT:
        with psycopg.connect(server.url) as connection:
            rules = connection.execute("SELECT auth_method FROM pg_hba_file_rules WHERE type = 'local'").fetchall()
            names = connection.execute("SELECT sys_name FROM pg_ident_file_mappings").fetchall()
        assert (rules, names) == ([("peer",)], [(pwd.getpwuid(os.geteuid()).pw_name,)])
        return
    folder = server.data_dir / "socket"
    for path in (folder, *folder.iterdir(), server.data_dir, server.data_dir.parent):
        path.chmod(path.stat().st_mode | 0o777)
    said = in_child_as(NOBODY, lambda: psycopg.connect(server.url).close())
    assert "Peer authentication failed" in said


def test_a_folder_of_an_older_version_is_taken_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """There anybody who reached the socket was trusted, and the files were those of nobody."""
    folder = tmp_path / "data"
    with embedded_postgres(folder, settings=FAST) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept ()")
    (folder / "cluster" / "pg_hba.conf").write_text("local all all trust\n")
    if not IS_ROOT:
        with embedded_postgres(folder, settings=FAST) as url, psycopg.connect(url) as connection:
            connection.execute("TABLE kept")
            rules = connection.execute("SELECT auth_method FROM pg_hba_file_rules WHERE type = 'local'").fetchall()
            assert rules == [("peer",)]
        return
    other = Owner(NOBODY.uid - 1, NOBODY.gid)
    planted = folder / "cluster" / "planted"
    planted.touch()
    with caplog.at_level(logging.WARNING):
        take_over(folder / "cluster", other)
    assert "becomes that of the user" in caplog.text
    owners = {path.stat().st_uid for path in (folder / "cluster").rglob("*") if path != planted}
    assert (owners, planted.stat().st_uid) == ({other.uid}, 0)
    write_access(folder / "cluster", other)
    assert "trust" not in (folder / "cluster" / "pg_hba.conf").read_text()
    planted.unlink()
    with embedded_postgres(folder, settings=FAST) as url, psycopg.connect(url) as connection:
        connection.execute("TABLE kept")


def test_nobody_gives_way_to_an_account_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Owner(NOBODY.uid - 1, NOBODY.gid)
    monkeypatch.setattr(accounts, "_own_account", lambda: own)
    cluster = tmp_path / "cluster"
    assert owner_of(cluster, own_account=True) == (own if IS_ROOT else None)
    assert owner_of(cluster) == (NOBODY if IS_ROOT else None)
    cluster.mkdir()
    if IS_ROOT:
        os.chown(cluster, *NOBODY)
        assert owner_of(cluster, own_account=True) == own
        os.chown(cluster, own.uid - 1, own.gid)
        assert owner_of(cluster, own_account=True) == Owner(own.uid - 1, own.gid)


def test_where_no_account_can_be_made_it_says_so_and_how(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(accounts, "OWN_ACCOUNT", "creditd-of-a-test")
    monkeypatch.setenv("PATH", "/nonexistent")
    assert accounts._own_account() is None
    assert "useradd --system --user-group creditd-of-a-test" in caplog.text


def test_an_account_that_is_root_by_another_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "OWN_ACCOUNT", "root")
    with pytest.raises(EmbeddedPostgresError, match="is root"):
        accounts._own_account()


def test_who_is_not_root_runs_it_as_oneself(tmp_path: Path) -> None:
    """Root tries it as nobody; nobody else can."""
    owner = NOBODY if IS_ROOT else Owner(os.geteuid(), os.getegid())
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", *owner)
    folder = tmp_path / "theirs" / "data"
    done = subprocess.run(
        [*as_owner(NOBODY if IS_ROOT else None, folder), sys.executable, "-c", OTHER_USERS_RUN, str(folder)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["postgres", str(owner.uid)], done.stderr
    assert OWN_ACCOUNT not in done.stderr
