"""Options of the gRPC server, of the adapter's channel and HTTP server, and of the pool, each by what it does."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import grpc
import psycopg
import pytest
from psycopg import pq
from sqlalchemy import exc, text

from credit.v1 import credit_service_pb2 as credit
from creditd.server import listener
from creditd.server.listener import listen, server_options
from creditd.storage import database as database_module
from creditd.storage.connections import conninfo
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.usage.usage_moves import go_by_indexes
from creditd.webhooks import limits
from tests.support.patience import eventually
from tests.support.postgres import admin_url, as_login, create_database, drop_database
from tests.support.raw_http2 import END_STREAM, HEADERS, PING, SETTINGS, RawConnection
from tests.support.refusals import refused
from tests.support.service import running_service
from tests.support.tokens import bearer
from tests.support.webhook_adapter import everything, running_adapter

MAX_HEADER_LIST_SIZE = 6
WEBHOOK = b"POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
LOCK = 6_071
"""An advisory lock that nothing else takes."""

REFUSING_TABLE = """
CREATE TABLE refusing (n int);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'it is refused'; END$$;
CREATE TRIGGER refuse BEFORE INSERT ON refusing EXECUTE FUNCTION refuse();
"""
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


def test_clients_are_told_how_much_metadata_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MAX_HEADER_BYTES", 5_000)
    with running_service(tmp_path) as service, RawConnection(service.address) as client:
        assert client.settings()[MAX_HEADER_LIST_SIZE] == 2 * 5_000


def test_a_server_takes_so_many_connections() -> None:
    """Whoever comes then is closed before anything is said; when one has gone there is a place again."""

    def connect(address: str) -> list[bool]:
        with ExitStack() as held:
            first = [_is_greeted(held.enter_context(RawConnection(address))) for _ in range(5)]
        eventually(lambda: _is_greeted_anew(address))
        return first

    async def serve() -> list[bool]:
        server = grpc.aio.server(options=server_options(shared_port=False, most_connections=3))
        port = listen(server, "127.0.0.1:0", None)
        await server.start()
        greeted = await asyncio.to_thread(connect, f"127.0.0.1:{port}")
        await server.stop(0)
        return greeted

    assert asyncio.run(serve()) == [True, True, True, False, False]


def _is_greeted(connection: RawConnection) -> bool:
    with suppress(OSError):
        return any(frame.kind == SETTINGS for frame in connection.frames())
    return False


def _is_greeted_anew(address: str) -> bool:
    with RawConnection(address) as connection:
        return _is_greeted(connection)


def test_the_server_does_not_measure_connections(tmp_path: Path) -> None:
    """By a ping with each message that comes: windows stay as they are, however much a caller sends."""
    with running_service(tmp_path) as service, RawConnection(service.address, bearer("ann", ["USER"])) as caller:
        request = credit.GetBalanceRequest(account_id="ann").SerializeToString()
        for _ in range(20):
            caller.call("/credit.v1.CreditService/GetBalance", request)
        ended = 0
        for frame in caller.frames():
            assert frame.kind != PING
            ended += frame.kind == HEADERS and frame.flags & END_STREAM
            if ended == 20:
                break
        assert ended == 20


def test_an_answer_beyond_what_clients_take_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MAX_ANSWER_BYTES", 10)
    with running_service(tmp_path) as service:
        reader = service.as_caller("reader", "SERVICE", scope="credits.read").credit
        refusal = refused(reader.GetBalance, credit.GetBalanceRequest(account_id="ann"))
    assert (refusal.code.name, refusal.reason) == ("RESOURCE_EXHAUSTED", "")


def test_a_proxy_of_the_environment_is_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would see the adapter's token."""
    for name in ("grpc_proxy", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_grpc_proxy", "nothing.example")
    monkeypatch.setenv("no_proxy", "nothing.example")
    with running_adapter() as adapter:
        assert (
            adapter.talk(
                b"POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
            )[:12]
            == b"HTTP/1.1 200"
        )


def test_an_idle_connection_of_the_adapter_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IDLE_SECONDS", 1)
    with running_adapter() as adapter, adapter.connection(HEALTH) as sender:
        said = everything(sender)
    assert said.startswith(b"HTTP/1.1 ")
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"\r\nserver:" not in said.lower()


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Provide a database with two connections that nobody waits long for."""
    monkeypatch.setattr(database_module, "CONNECT_TIMEOUT_SECONDS", 1)
    database = Database(DatabaseSettings(admin_url(), role="", pool_size=2))
    yield database
    database.close()


def test_a_pool_has_as_many_connections_as_it_may_and_waits_for_no_more(database: Database) -> None:
    with database.autocommit(), database.autocommit():
        assert database.connections_open == 2
        with pytest.raises(exc.TimeoutError), database.autocommit():
            pass
    assert database.connections_open == 2


def test_the_connection_used_last_is_lent_first(database: Database) -> None:
    pid = text("SELECT pg_backend_pid()")
    with database.autocommit() as first:
        with database.autocommit() as second:
            last = second.execute(pid).scalar_one()
        first.execute(pid)
        with database.autocommit() as again:
            assert again.execute(pid).scalar_one() == last
        ended_last = first.execute(pid).scalar_one()
    with database.autocommit() as connection:
        assert connection.execute(pid).scalar_one() == ended_last


@pytest.mark.parametrize(
    ("limit", "statement"),
    [("statement timeout", "SELECT pg_sleep(60)"), ("lock timeout", f"SELECT pg_advisory_xact_lock({LOCK})")],
)
def test_a_session_ends_what_takes_too_long(
    limit: str, statement: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "STATEMENT_TIMEOUT_SECONDS", 1)
    settings = DatabaseSettings(admin_url(), role="", lock_timeout_milliseconds=50)
    with closing(Database(settings)) as hasty, database.transaction() as holding:
        holding.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        with pytest.raises(exc.DBAPIError, match=limit), hasty.autocommit() as connection:
            connection.execute(text(statement))


def test_a_transaction_that_idles_for_too_long_is_taken_away(database: Database) -> None:
    """Others wait for its locks."""
    settings = DatabaseSettings(admin_url(), role="", idle_in_transaction_seconds=1)
    wanted = text("SELECT count(*) FROM pg_stat_get_activity(:pid)")
    with closing(Database(settings)) as idle, idle.connection() as lost, database.autocommit() as watching:
        pid = lost.execute(text("SELECT pg_backend_pid()")).scalar_one()
        assert eventually(lambda: watching.execute(wanted, {"pid": pid}).scalar_one() == 0)
        with pytest.raises(exc.DBAPIError, match="idle-in-transaction timeout"):
            lost.execute(text("SELECT 1"))


@pytest.fixture
def passer_by() -> Iterator[str]:
    """Provide a database to a superuser who has triggers not fire."""
    url = create_database(admin_url(), "triggers")
    with psycopg.connect(admin_url(), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS passer_by")
        connection.execute("CREATE ROLE passer_by SUPERUSER LOGIN")
        connection.execute("ALTER ROLE passer_by SET session_replication_role = replica")
        yield as_login(url, "passer_by")
        drop_database(admin_url(), "triggers")
        connection.execute("DROP ROLE passer_by")


def test_a_login_for_which_triggers_do_not_fire_has_them_fire(passer_by: str) -> None:
    """One of the ledger's refuses changes."""
    with closing(Database(DatabaseSettings(passer_by, role=""))) as database, database.autocommit() as connection:
        connection.execute(text(REFUSING_TABLE))
        with pytest.raises(exc.DBAPIError, match="it is refused"):
            connection.execute(text("INSERT INTO refusing VALUES (1)"))


def test_only_lists_are_read_in_the_order_of_an_index(database: Database) -> None:
    """PostgreSQL would read all rows of an account by a bitmap, and sort them, for the first few."""
    shown = text("SHOW enable_bitmapscan")
    with database.listing() as connection:
        assert connection.execute(shown).scalar_one() == "off"
    with database.snapshot() as connection:
        assert connection.execute(shown).scalar_one() == "on"


def test_what_was_moved_is_found_by_an_index(database: Database) -> None:
    """For the length of the transaction."""
    shown = text("SHOW enable_seqscan")
    with database.connection() as connection:
        go_by_indexes(connection)
        assert connection.execute(shown).scalar_one() == "off"
        connection.rollback()
        assert connection.execute(shown).scalar_one() == "on"


def test_an_error_of_the_database_shows_no_parameters(database: Database) -> None:
    with database.autocommit() as connection, pytest.raises(exc.DBAPIError) as caught:
        connection.execute(text("SELECT 1 / (length(:secret) - length(:secret))"), {"secret": "a-secret-of-a-caller"})
    assert "a-secret-of-a-caller" not in str(caught.value)


def test_a_connection_over_tcp_is_probed_as_we_say() -> None:
    """As the socket has it: libpq takes what it does not know on a system without a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"postgresql://me@127.0.0.1:{listener.getsockname()[1]}/db"
        connection = pq.PGconn.connect_start(conninfo.with_defaults(url).encode())
        said, _ = listener.accept()
        with said, socket.socket(fileno=connection.socket) as ours:
            connection.connect_poll()
            found = [
                ours.getsockopt(socket.IPPROTO_TCP, option)
                for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
            ]
            ours.detach()
        connection.finish()
    assert found == [
        conninfo.IDLE_BEFORE_PROBE_SECONDS,
        conninfo.PROBE_SECONDS,
        conninfo.PROBES,
        conninfo.UNACKNOWLEDGED_MILLISECONDS,
    ]
