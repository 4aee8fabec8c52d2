"""Every form of an address that libpq takes is taken; another one is refused in words without a secret."""

import os
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text

from creditd.storage.connections.conninfo import InvalidConninfo, judged, place
from creditd.storage.database import Database, DatabaseSettings
from tests.support.postgres import admin_url

HIDDEN = "hunter2"


@pytest.fixture
def parts() -> dict[str, str]:
    """Return where the session's PostgreSQL is: a socket's folder, and so on."""
    return {name: str(value) for name, value in conninfo_to_dict(admin_url()).items()}


@pytest.fixture
def service_file(tmp_path: Path, parts: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a service file that has the session's PostgreSQL as `books`."""
    file = tmp_path / "services"
    file.write_text("[books]\n" + "\n".join(f"{name}={value}" for name, value in parts.items()))
    monkeypatch.setitem(os.environ, "PGSERVICEFILE", str(file))
    return file


def answer(conninfo: str) -> object:
    """Ask a database something."""
    database = Database(DatabaseSettings(conninfo, role="", pool_size=1))
    try:
        with database.autocommit() as connection:
            return connection.execute(text("SELECT 1")).scalar()
    finally:
        database.close()


def test_the_forms_that_are_documented_connect(parts: dict[str, str], service_file: Path) -> None:
    user, host, port, name = parts["user"], parts["host"], parts.get("port", "5432"), parts["dbname"]
    folder = quote(host, safe="")
    forms = (
        f"postgresql://{user}@{folder}:{port}/{name}",
        f"postgres://{user}@{folder}:{port}/{name}",
        f"postgresql:///{name}?host={host}&user={user}&port={port}",
        f"postgresql://{user}@127.0.0.1:1,{folder}:{port}/{name}",
        f"postgresql://{user}@/{name}?host=/nowhere,{host}&port=1,{port}",
        f"host={host} user={user} dbname={name} port={port}",
        f"host='{host}' user = {user} dbname={name} port={port} target_session_attrs=primary",
        f"postgresql://{user}@{folder}:{port}/{name}?options=-c%20work_mem%3D1MB&connect_timeout=9",
        "service=books",
        "postgresql://?service=books",
    )
    assert service_file.exists()
    assert [answer(form) for form in forms] == [1] * len(forms)


def test_what_its_user_says_of_a_session_is_heeded() -> None:
    database = Database(
        DatabaseSettings(psycopg.conninfo.make_conninfo(admin_url(), options="-c work_mem=1234kB"), role="")
    )
    with database.autocommit() as connection:
        assert connection.execute(text("SHOW work_mem")).scalar() == "1234kB"
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "30s"
    database.close()


@pytest.mark.parametrize(
    ("conninfo", "why"),
    [
        ("my database", "postgresql://user@host:port/name"),
        (f"postgresql+psycopg://me:{HIDDEN}@h/db", "postgresql://user@host:port/name"),
        (f"mysql://me:{HIDDEN}@h/db", "postgresql://user@host:port/name"),
        (f"postgresql://me:%zz{HIDDEN}@h/db", "postgresql://user@host:port/name"),
        ("postgresql://me@[::1/db", "postgresql://user@host:port/name"),
        (f"postgresql://me:{HIDDEN}@h/db?sslmod=require", "did you mean sslmode?"),
        (f"host=h pasword={HIDDEN}", "did you mean password?"),
        ("postgresql://h:port/db", "invalid integer value"),
        ("postgresql://h1:5432,h2:port/db", "invalid integer value"),
        ("postgresql://h1,h2/db?port=1,2,3", "could not match 3 port numbers to 2 hosts"),
        ("postgresql://h:99999/db", "invalid port number"),
        ("postgresql://h/db?sslmode=always", "invalid sslmode"),
        ("postgresql://h/db?target_session_attrs=writer", "invalid target_session_attrs"),
        ("postgresql://h/db?connect_timeout=soon", "invalid integer value"),
        ("service=nowhere", "not found"),
    ],
)
def test_what_libpq_cannot_take_is_refused_before_anything_connects(conninfo: str, why: str) -> None:
    with pytest.raises(InvalidConninfo) as refused:
        judged(conninfo)
    assert why in str(refused.value)
    assert HIDDEN not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("conninfo", "where"),
    [
        (f"postgresql://me:{HIDDEN}@h1:5432,h2:5433/db", "h1:5432,h2:5433"),
        ("postgresql://h1,h2/db?port=6432", "h1:6432,h2:6432"),
        ("postgresql://[::1]:5432/db", "[::1]:5432"),
        ("host=/run/postgresql dbname=db", "/run/postgresql"),
        (f"password={HIDDEN} service=books", "service books"),
        ("postgresql:///db", "libpq's default host"),
        ("my database", ""),
    ],
)
def test_the_place_is_told_without_a_secret(conninfo: str, where: str) -> None:
    assert place(conninfo) == where
