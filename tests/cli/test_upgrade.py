"""`creditd migrate --check` and `--plan`, and servers that meet a schema which does not fit them."""

import json
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import create_engine, make_url, text

from creditd.cli.main import main
from creditd.identity.storage.schema import IDENTITY
from creditd.storage.migrations.phases import only_servers_from
from creditd.storage.migrations.schema_rules import LEDGER, SchemaRules
from creditd.storage.schema import migrate, schema_head
from tests.support.databases import migrate_to
from tests.support.document_blocks import ROOT, blocks_of
from tests.support.health import is_serving
from tests.support.patience import eventually
from tests.support.ports import free_address
from tests.support.postgres import admin_url, create_database, drop_database, service_url
from tests.support.programs import PATIENCE_SECONDS, Creditd
from tests.support.tokens import write_public_key

HEAD = schema_head()
NEXT = f"{int(HEAD) + 1:04}"

VARIABLES = {"CREDITD_DATABASE_URL": LEDGER, "CREDITD_IDENTITY_DATABASE_URL": IDENTITY}

_TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"


@pytest.fixture
def creditd(tmp_path: Path, database: str) -> Creditd:
    """Return `creditd` with all that serving needs, on a migrated database."""
    migrate(database)
    return Creditd(
        tmp_path,
        {
            "CREDITD_DATABASE_URL": service_url(database),
            "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(tmp_path)),
            "CREDITD_PAGE_TOKEN_SECRET": "the secret of a test",
            "CREDITD_LISTEN": free_address(),
            "CREDITD_METRICS_LISTEN": "",
            "CREDITD_DRAIN_SECONDS": "0",
        },
    )


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name identity's key, without which no settings of its database are taken."""
    monkeypatch.setenv("CREDITD_IDENTITY_KEY_ENCRYPTION_KEY", "k" * 32)


def options_of(schema: SchemaRules) -> list[str]:
    return ["--identity"] if schema is IDENTITY else []


@pytest.mark.requirement("I5")
@pytest.mark.parametrize(("variable", "schema"), VARIABLES.items())
def test_a_check_says_what_is_missing_what_fits_and_what_does_not(
    variable: str,
    schema: SchemaRules,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, database)
    head, name = schema_head(schema), "identity's schema" if schema is IDENTITY else "the schema"

    def checked() -> tuple[int, str]:
        code = main(["migrate", "--check", *options_of(schema)])
        return code, capsys.readouterr().out

    code, said = checked()
    assert code == 1
    assert said.startswith(
        f"{name} is missing, and this release needs {head}: {int(head)} migrations are outstanding; "
    )
    with psycopg.connect(database, autocommit=True) as connection:
        assert connection.execute(_TABLES).fetchone() == (0,)
        migrate(database, schema)
        assert checked() == (
            0,
            f"{name} is at {head}, and fits this release; servers of schema 0001 or newer may use it\n",
        )
        connection.execute(sql.SQL("UPDATE {} SET version_num = '9999'").format(sql.Identifier(schema.revisions)))
        assert checked() == (
            0,
            (
                f"{name} is at 9999, which is newer than this release's {head}, and fits this release; "
                "servers of schema 0001 or newer may use it\n"
            ),
        )
        least = sql.SQL("UPDATE {} SET least_server = '9998'")
        connection.execute(least.format(sql.Identifier(schema.compatibility)))
        assert checked() == (
            1,
            (
                f"{name} is at 9999 and takes servers of schema 9998 or newer, and this release is of schema {head}: "
                "run a newer release\n"
            ),
        )


@pytest.mark.requirement("I5")
def test_a_plan_tells_of_each_outstanding_migration_its_phase_its_locks_and_its_sql(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", database)
    migrate_to(database, "0039")
    assert main(["migrate", "--plan"]) == 0
    plain = capsys.readouterr().out
    assert plain.startswith(f"the schema is at 0039; {int(HEAD) - 39} migrations are outstanding\n\n0040  expand\n")
    assert (
        "      locks payment_events: ACCESS EXCLUSIVE (nobody reads or writes it meanwhile)\n      rewrites no table\n"
    ) in plain
    assert "ALTER TABLE" not in plain
    assert main(["migrate", "--plan", "--sql"]) == 0
    with_sql = capsys.readouterr().out
    assert "    ALTER TABLE payment_events ADD COLUMN currency TEXT COLLATE \"C\" NOT NULL DEFAULT '';\n" in with_sql
    with psycopg.connect(database, autocommit=True) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0039",)
    migrate(database)
    assert main(["migrate", "--plan"]) == 0
    assert capsys.readouterr().out == f"the schema is at {HEAD}: nothing is outstanding\n"


def test_both_schemas_are_looked_at_where_both_are_named(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"tests_{uuid4().hex}"
    monkeypatch.setenv("CREDITD_DATABASE_URL", database)
    monkeypatch.setenv("CREDITD_IDENTITY_DATABASE_URL", create_database(admin_url(), name))
    migrate(database)
    code = main(["migrate", "--check"])
    drop_database(admin_url(), name)
    assert code == 1
    ledger, identity = capsys.readouterr().out.splitlines()
    assert ledger.startswith(f"the schema is at {HEAD}, and fits this release")
    assert identity.startswith("identity's schema is missing")


def test_neither_looks_at_the_schema_of_another_program(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES ('abc')")
    for option in ("--check", "--plan"):
        assert main(["migrate", option]) == 2
        assert "no revision of creditd's" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--check", "--plan"], ["--check", "--sql"]])
def test_what_does_not_go_together_is_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(["migrate", *options])
    assert refusal.value.code == 2
    assert capsys.readouterr().out == ""


@pytest.mark.requirement("I5")
def test_the_sql_that_is_printed_makes_the_schema_that_migrating_makes(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate", "--sql"]) == 0
    with psycopg.connect(database, autocommit=True) as connection:
        for statement in capsys.readouterr().out.split(";\n\n"):
            connection.execute(statement.encode())
        body = connection.execute("SELECT prosrc FROM pg_proc WHERE proname = 'refuse_change'").fetchone() or ("",)
    assert "'% is append-only: % is refused'" in str(body[0])
    monkeypatch.setenv("CREDITD_DATABASE_URL", database)
    assert main(["migrate"]) == 0
    assert capsys.readouterr().out == f"the schema is at {HEAD}\n"


@pytest.mark.requirement("I5")
def test_what_a_live_server_uses_is_not_taken_away_and_what_was_is_not_served(creditd: Creditd, database: str) -> None:
    gate = only_servers_from(LEDGER, NEXT).encode()
    with psycopg.connect(database, autocommit=True) as owner:
        with creditd.started("serve") as started:
            eventually(lambda: is_serving(creditd), PATIENCE_SECONDS)
            with pytest.raises(psycopg.errors.ObjectInUse, match=f"one of schema {HEAD}"):
                owner.execute(gate)
            assert is_serving(creditd)
            assert started.stop() == 0
        owner.execute(gate)
    done = creditd("serve")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(
        f"creditd serve: the database cannot be used: the database's schema is at {HEAD} and takes servers of schema "
        f"{NEXT} or newer, and this release is of schema {HEAD}: run a newer release"
    )


@pytest.mark.requirement("I5")
def test_a_server_that_runs_stops_serving_a_schema_that_does_not_fit_any_more_and_says_why(
    creditd: Creditd, database: str
) -> None:
    """Somebody has taken something away by hand, past the refusal."""
    with creditd.started("serve") as started, psycopg.connect(database, autocommit=True) as owner:
        eventually(lambda: is_serving(creditd), PATIENCE_SECONDS)
        owner.execute("UPDATE schema_compatibility SET least_server = %s", [NEXT])
        started.says(f"takes servers of schema {NEXT} or newer, and this release is of schema {HEAD}")
        eventually(lambda: not is_serving(creditd), PATIENCE_SECONDS)
        assert started.stop() == 0
    told = [json.loads(line)["message"] for line in started.said.splitlines() if "takes servers" in line]
    assert len(told) == 1


@pytest.mark.requirement("I5")
def test_a_server_that_meets_an_older_schema_names_both_and_the_command(creditd: Creditd, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '0040'")
        with creditd.started("serve") as started:
            started.says(f"schema is at 0040, and this release needs {HEAD}: run `creditd migrate` of this release")
            owner.execute("UPDATE alembic_version SET version_num = %s", [HEAD])
            eventually(lambda: is_serving(creditd), PATIENCE_SECONDS)
            assert started.stop() == 0


@pytest.mark.requirement("I5")
def test_a_migration_that_is_refused_for_a_live_server_is_one_line(
    creditd: Creditd, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no contracting migration yet: one that was left to be done is put in the place of the newest."""
    from creditd.cli import migrate as command  # noqa: PLC0415 - what it calls is replaced.

    def contracting(url: str, schema: SchemaRules) -> None:
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
        with engine.begin() as owner:
            owner.execute(text(only_servers_from(schema, NEXT)))

    with creditd.started("serve") as started:
        eventually(lambda: is_serving(creditd), PATIENCE_SECONDS)
        monkeypatch.setattr(command, "migrate", contracting)
        monkeypatch.setenv("CREDITD_DATABASE_URL", database)
        assert main(["migrate"]) == 1
        said = capsys.readouterr().err
        assert said.startswith("creditd migrate: the database cannot be migrated: servers are still live")
        assert said.count("\n") == 1
        assert started.stop() == 0


@pytest.mark.requirement("I5")
def test_the_commands_of_the_document_bring_a_database_up_to_date(tmp_path: Path, database: str) -> None:
    creditd = Creditd(tmp_path, {"CREDITD_DATABASE_URL": database})
    text = "".join(block.text for block in blocks_of(ROOT / "docs" / "upgrade.md") if block.language == "sh")
    commands = [line.split()[1:] for line in text.splitlines()]
    assert ["migrate"] in commands
    assert [creditd(*command).returncode for command in commands] == [0] * len(commands)
    assert creditd("migrate", "--check").stdout.startswith(f"the schema is at {HEAD}, and fits this release")
