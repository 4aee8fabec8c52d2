"""The connection to PostgreSQL over TLS: who answers is known by its certificate, and nothing goes without.

The embedded PostgreSQL speaks no TLS. What stands before it does, as a PostgreSQL that has `ssl` on.
"""

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from socket import SHUT_RDWR, create_connection, create_server, socket
from threading import Thread
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.development.postgres import EmbeddedPostgres
from creditd.development.postgres.logins import server_url
from creditd.storage.schema import migrate
from tests.support.certificates import Identity, identity
from tests.support.ports import free_port
from tests.support.service import running_service

SSL_REQUEST = bytes((0, 0, 0, 8, 4, 210, 22, 47))
GSS_REQUEST = bytes((0, 0, 0, 8, 4, 210, 22, 48))


class TlsFront:
    """Stands before a PostgreSQL on this machine, takes TLS alone, and passes on what comes by it."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        """Listen on a port of its own until it is closed."""
        self._behind = port
        self._context = context
        self._listener = create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.plaintext = 0
        Thread(target=self._take, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(SHUT_RDWR)
        self._listener.close()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                Thread(target=self._serve, args=[self._listener.accept()[0]], daemon=True).start()

    def _serve(self, plain: socket) -> None:
        with suppress(OSError), plain:
            first = plain.recv(8)
            while first == GSS_REQUEST:
                plain.sendall(b"N")
                first = plain.recv(8)
            if first != SSL_REQUEST:
                self.plaintext += 1
                return
            plain.sendall(b"S")
            with (
                self._context.wrap_socket(plain, server_side=True) as client,
                create_connection(("127.0.0.1", self._behind)) as server,
            ):
                there = Thread(target=_pass_on, args=[client, server], daemon=True)
                there.start()
                _pass_on(server, client)
                there.join()


def _pass_on(source: socket, target: socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65_536):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(SHUT_RDWR)


@pytest.fixture(scope="module")
def authority() -> Identity:
    """Return who signs certificates here."""
    return identity("authority")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, authority: Identity) -> Path:
    """Return a folder with PostgreSQL's certificate and key, its authority, and another one."""
    folder: Path = tmp_path_factory.mktemp("database-tls")
    server = identity("postgres", authority)
    for name, content in {
        "server.crt": server.certificate_pem,
        "server.key": server.key_pem,
        "ca.crt": authority.certificate_pem,
        "other.crt": identity("elsewhere").certificate_pem,
    }.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Run a PostgreSQL on TCP with the schema, and give the URL of who serves."""
    with tempfile.TemporaryDirectory(prefix="encrypted-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres", settings={"fsync": "off"}, tcp_port=free_port())
        postgres.start()
        try:
            migrate(postgres.tcp_url)
            yield server_url(postgres.tcp_url)
        finally:
            postgres.stop()


def context_of(files: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "server.crt", files / "server.key")
    return context


def by_way_of(front: TlsFront, url: str, authority: Path) -> str:
    """Return the URL by which PostgreSQL is reached over TLS, and known by an authority."""
    parts = urlsplit(url)
    netloc = f"{parts.netloc.rpartition('@')[0]}@localhost:{front.port}"
    return urlunsplit(parts._replace(netloc=netloc, query=f"sslmode=verify-full&sslrootcert={authority}"))


@pytest.mark.requirement("I7")
def test_a_service_reaches_its_database_over_tls_and_never_without(url: str, files: Path, tmp_path: Path) -> None:
    port = urlsplit(url).port or 0
    with closing(TlsFront(port, context_of(files))) as front:
        given = {"database_url": by_way_of(front, url, files / "ca.crt"), "as_given": True, "migrated": False}
        with running_service(tmp_path, **given) as service:
            reader = service.as_caller("reader", "SERVICE", scope="credits.read").credit
            answer = reader.GetBalance(credit.GetBalanceRequest(account_id="ann"), wait_for_ready=True, timeout=30)
            assert answer.account_balance.account_id == "ann"
        assert front.plaintext == 0


@pytest.mark.requirement("I7")
def test_a_database_of_another_authority_is_not_trusted(url: str, files: Path) -> None:
    with closing(TlsFront(urlsplit(url).port or 0, context_of(files))) as front:
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            psycopg.connect(by_way_of(front, url, files / "other.crt")).close()
        assert front.plaintext == 0


@pytest.mark.requirement("I7")
def test_a_database_that_speaks_an_older_tls_is_not_spoken_to(url: str, files: Path) -> None:
    context = context_of(files)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with closing(TlsFront(urlsplit(url).port or 0, context)) as front:
        with pytest.raises(psycopg.OperationalError, match="SSL error"):
            psycopg.connect(by_way_of(front, url, files / "ca.crt")).close()
        assert front.plaintext == 0
