"""`creditd serve`: what it asks for, how it stops, and several workers behind one port."""

import json
import signal
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import grpc
import psycopg
import pytest
from sqlalchemy import make_url

from credit.v1.credit_service_pb2 import GetBalanceRequest
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from creditd.storage.schema import migrate, schema_head
from tests.support.health import is_serving
from tests.support.patience import eventually
from tests.support.ports import free_address
from tests.support.postgres import service_url
from tests.support.programs import PATIENCE_SECONDS, Creditd, Started, are_gone
from tests.support.tokens import bearer, write_public_key

HIDDEN = "hunter2"
LISTENING = '"message":"listening"'


@pytest.fixture
def creditd(tmp_path: Path, database: str) -> Creditd:
    """Return `creditd` with all that serving needs, and no pause before it stops."""
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


def test_it_says_what_it_needs(tmp_path: Path) -> None:
    done = Creditd(tmp_path)("serve")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "CREDITD_DATABASE_URL" in done.stderr
    assert "CREDITD_JWT_PUBLIC_KEY_FILES" in done.stderr
    assert "creditd run" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("CREDITD_JWT_PUBLIC_KEY_FILES", __file__, "holds no public key"),
        ("CREDITD_ISSUERS_FILE", __file__, "is not JSON"),
        ("CREDITD_DATABASE_URL", "my database", "postgresql://user@host"),
        ("CREDITD_LISTEN", "0.0.0.0:0", "CREDITD_TLS_CERTIFICATE_FILE"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_clear_line(
    creditd: Creditd, setting: str, value: str, message: str
) -> None:
    creditd.settings[setting] = value
    done = creditd("serve")
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("creditd serve: ")
    assert "Traceback" not in done.stderr


@pytest.mark.requirement("I7")
def test_its_first_line_says_what_runs(creditd: Creditd) -> None:
    """And no secret."""
    url = creditd.settings["CREDITD_DATABASE_URL"]
    with_password = make_url(url).set(password=HIDDEN).render_as_string(hide_password=False)
    creditd.settings["CREDITD_DATABASE_URL"] = with_password
    with creditd.started("serve") as started:
        first = json.loads(started.says(LISTENING).splitlines()[0])
        assert HIDDEN not in started.said
    assert first["version"] == version("creditd")
    assert (first["role"], first["tls"], first["providers"], first["payments"]) == (
        "creditd_app",
        False,
        "none",
        "test",
    )
    assert first["database"]


@pytest.mark.requirement("H3")
def test_without_its_database_it_lives_and_says_so_and_serves_once_it_is_there(creditd: Creditd, database: str) -> None:
    with creditd.started("serve") as started:
        assert "creditd migrate" in started.says("NOT_SERVING")
        assert not is_serving(creditd)
        migrate(database)
        eventually(lambda: is_serving(creditd), PATIENCE_SECONDS)
        assert started.stop() == 0
        assert '"message":"stopped"' in started.said
    creditd.settings["CREDITD_DATABASE_URL"] = f"postgresql://someone:secret@{free_address()}/nothing"
    with creditd.started("serve") as started:
        assert "Connection refused" in started.says("NOT_SERVING")
        assert started.stop(signal.SIGINT) == 0
        assert "secret" not in started.said


@pytest.mark.requirement("I5")
def test_a_schema_that_is_newer_is_served_and_told_of_in_one_line(creditd: Creditd, database: str) -> None:
    """Migrations only expand: the version before goes on, and may be started again."""
    migrate(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("ALTER TABLE accounts ADD COLUMN later integer NOT NULL DEFAULT 0")
        connection.execute("ALTER TABLE wallets ADD COLUMN later text")
        connection.execute("CREATE TABLE later (account_id text PRIMARY KEY)")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with creditd.started("serve") as started:
        started.says(LISTENING)
        eventually(lambda: is_serving(creditd), PATIENCE_SECONDS)
        assert can_call(creditd)
        assert started.stop() == 0
    told = [json.loads(line) for line in started.said.splitlines() if "newer than this version" in line]
    assert [(line["level"], line["schema"], line["own_schema"]) for line in told] == [("INFO", "9999", schema_head())]


def test_a_database_of_another_program_is_one_clear_line(creditd: Creditd, database: str) -> None:
    migrate(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'abc123'")
    done = creditd("serve")
    assert done.returncode == 2
    assert "alembic_version is 'abc123'" in done.stderr
    assert done.stderr.startswith("creditd serve: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("listen", ["127.0.0.1", "unix"])
def test_the_line_of_a_call_says_where_it_came_from(creditd: Creditd, tmp_path: Path, listen: str) -> None:
    if listen == "unix":
        creditd.settings["CREDITD_LISTEN"] = f"unix:{tmp_path}/s"
    with creditd.started("serve") as started:
        started.says(LISTENING)
        with grpc.insecure_channel(creditd.settings["CREDITD_LISTEN"]) as channel:
            with pytest.raises(grpc.RpcError):
                CreditServiceStub(channel).GetBalance(GetBalanceRequest(account_id="ann"))
            said = started.says('"logger":"creditd.access"')
        line = next(line for line in said.splitlines() if '"logger":"creditd.access"' in line)
        assert json.loads(line)["peer"].partition(":")[0] == listen
        assert started.stop() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_ends_it_at_once(creditd: Creditd, number: int, code: int) -> None:
    creditd.settings["CREDITD_DRAIN_SECONDS"] = "600"
    with creditd.started("serve") as started:
        started.says(LISTENING)
        started.process.send_signal(signal.SIGTERM)
        started.says('"message":"stopping"')
        assert started.stop(number) == code
    assert f"{signal.Signals(number).name} again: ended at once" in started.said


@pytest.fixture
def workers(creditd: Creditd, database: str) -> Iterator[Started]:
    """Serve with two workers, with metrics, and with secrets in files."""
    settings = creditd.settings
    migrate(database)
    settings["CREDITD_METRICS_LISTEN"] = two_free_ports()
    for name in ("CREDITD_DATABASE_URL", "CREDITD_PAGE_TOKEN_SECRET"):
        file = creditd.folder / name
        file.write_text(settings.pop(name, "known to all workers"))
        settings[f"{name}_FILE"] = str(file)
    with creditd.started("serve", "--workers", "2") as started:
        started.says(LISTENING, times=2)
        yield started


@pytest.mark.requirement("I6")
def test_workers_share_a_port_are_replaced_when_they_die_and_end_together(creditd: Creditd, workers: Started) -> None:
    first = workers.descendants()
    assert len(first) == 2
    assert can_call(creditd)
    assert [counted(creditd, index) for index in (0, 1)] == [True, True]

    second = creditd("serve", "--workers", "2")
    assert second.returncode == 2
    assert f"cannot listen on {creditd.settings['CREDITD_LISTEN']}" in second.stderr
    third = creditd("serve", "--metrics-listen", "")
    assert third.returncode == 2
    assert f"cannot listen on {creditd.settings['CREDITD_LISTEN']}" in third.stderr

    victim, survivor = first
    victim.kill()
    assert "another one follows" in workers.says(LISTENING, times=3)
    assert survivor.is_running()
    assert can_call(creditd)

    both = workers.descendants()
    assert len(both) == 2
    assert workers.stop() == 0
    assert are_gone(both)
    assert workers.said.count('"message":"stopped"') == 2


def test_workers_end_when_the_process_that_started_them_is_killed(workers: Started) -> None:
    orphans = workers.descendants()
    workers.stop(signal.SIGKILL)
    assert are_gone(orphans)


def can_call(creditd: Creditd) -> bool:
    """Call the server a few times, each time over a new connection."""
    metadata = (("authorization", bearer("a service", ["SERVICE"], "credits.read")),)
    for _ in range(8):
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(creditd.settings["CREDITD_LISTEN"], options=options) as channel:
            request = GetBalanceRequest(account_id="ann", credit_types=["spec"])
            answer = CreditServiceStub(channel).GetBalance(request, metadata=metadata, timeout=PATIENCE_SECONDS)
            assert answer.account_balance.wallets[0].balance.available == 1
    return True


def counted(creditd: Creditd, worker: int) -> bool:
    """Tell whether a worker serves metrics of its own."""
    host, _, port = creditd.settings["CREDITD_METRICS_LISTEN"].rpartition(":")
    with urllib.request.urlopen(f"http://{host}:{int(port) + worker}/metrics") as answer:
        return b"creditd_ledger_batches_total" in answer.read()


def two_free_ports() -> str:
    """Return an address on which nobody listens, nor on the port after it."""
    while True:
        address = free_address()
        host, _, port = address.rpartition(":")
        with suppress(OSError), socket.create_server((host, int(port) + 1)):
            return address
