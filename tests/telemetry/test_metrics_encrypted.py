"""Metrics over TLS, for whoever shows the token: the same listener, with what is renewed and what is refused."""

import hmac
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from prometheus_client import CollectorRegistry

from creditd.certificates import server_context
from creditd.telemetry.metrics_server import MAX_ANSWERS_AT_ONCE, MetricsServer
from tests.support.certificates import Identity, identity
from tests.support.handshakes import OLD, WEAK_CIPHER, handshake
from tests.support.patience import eventually, patience
from tests.support.ports import free_address
from tests.support.programs import Creditd
from tests.support.tokens import write_public_key

SECONDS = patience(20)
TOKEN = "a token of sixteen characters"  # noqa: S105 - of a test.


@pytest.fixture(scope="module")
def authority() -> Identity:
    """Return who signs certificates here."""
    return identity("authority")


def renew(folder: Path, new: Identity) -> tuple[tuple[str, str], tuple[str, str]]:
    (folder / "metrics.pem").write_bytes(new.certificate_pem)
    (folder / "metrics.key").write_bytes(new.key_pem)
    return ("CERTIFICATE", str(folder / "metrics.pem")), ("KEY", str(folder / "metrics.key"))


@pytest.fixture
def server(tmp_path: Path, authority: Identity) -> Iterator[MetricsServer]:
    """Run a listener that encrypts and asks for a token."""
    context, _ = server_context(*renew(tmp_path, identity("first", authority)))
    running = MetricsServer("127.0.0.1", 0, CollectorRegistry(), token=TOKEN, context=context)
    yield running
    running.close()


def scraped(address: str, authority: Identity, authorization: str = f"Bearer {TOKEN}") -> int:
    """Ask for the metrics, and return the status of the answer; refusals say nothing."""
    trusting = ssl.create_default_context(cadata=authority.certificate_pem.decode())
    request = urllib.request.Request(f"https://{address}/metrics")
    if authorization:
        request.add_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS, context=trusting) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return -1 if error.read() else error.code


@pytest.mark.requirement("I7")
def test_who_shows_the_token_reads_them_and_nobody_else(server: MetricsServer, authority: Identity) -> None:
    address = f"localhost:{server.port}"
    assert scraped(address, authority) == 200
    for wrong in ("", "Bearer", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer é"):
        assert scraped(address, authority, wrong) == 401, wrong


@pytest.mark.requirement("I7")
def test_a_token_is_compared_in_a_time_that_tells_nothing(
    server: MetricsServer, authority: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the library's comparison, whatever is shown."""
    compared: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def noting(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    assert scraped(f"localhost:{server.port}", authority, "") == 401
    assert scraped(f"localhost:{server.port}", authority) == 200
    assert [one for one, _ in compared] == [b"", f"Bearer {TOKEN}".encode()]


@pytest.mark.requirement("I7")
def test_an_older_tls_and_a_weaker_cipher_are_refused(server: MetricsServer, authority: Identity) -> None:
    address = f"127.0.0.1:{server.port}"
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert handshake(address, authority, version=version)[0] == version.name.replace("_", ".")
    for version in OLD:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            handshake(address, authority, version=version)
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        handshake(address, authority, version=ssl.TLSVersion.TLSv1_2, ciphers=WEAK_CIPHER)


@pytest.mark.requirement("I7")
def test_what_is_renewed_is_shown_without_a_restart_and_what_is_unfit_is_not(
    server: MetricsServer, authority: Identity, tmp_path: Path
) -> None:
    first = shown(server)
    second = identity("second", authority)
    renew(tmp_path, second)
    assert first != shown(server) == second.certificate_pem
    (tmp_path / "metrics.key").write_bytes(identity("third", authority).key_pem)
    assert [shown(server) for _ in range(3)] == [second.certificate_pem] * 3
    assert scraped(f"localhost:{server.port}", authority) == 200


def shown(server: MetricsServer) -> bytes:
    """Shake hands, and return the certificate that was shown."""
    pem = ssl.get_server_certificate(("127.0.0.1", server.port)).encode()
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.PEM)


def test_who_does_not_finish_the_handshake_keeps_nobody_out(server: MetricsServer, authority: Identity) -> None:
    crowd = [socket.create_connection(("127.0.0.1", server.port), SECONDS) for _ in range(MAX_ANSWERS_AT_ONCE * 5)]
    assert scraped(f"localhost:{server.port}", authority) == 200
    # Whoever came first has been cut.
    with suppress(ConnectionResetError):
        assert crowd[0].recv(1) == b""
    for one in crowd:
        one.close()


def settings(folder: Path, authority: Identity) -> dict[str, str]:
    (_, certificate), (_, key) = renew(folder, identity("metrics", authority))
    return {
        "CREDITD_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(folder)),
        "CREDITD_PAGE_TOKEN_SECRET": "the secret of a test",
        "CREDITD_LISTEN": free_address(),
        "CREDITD_METRICS_LISTEN": free_address(),
        "CREDITD_METRICS_TLS_CERTIFICATE_FILE": certificate,
        "CREDITD_METRICS_TLS_KEY_FILE": key,
        "CREDITD_METRICS_TOKEN": TOKEN,
        "CREDITD_DRAIN_SECONDS": "0",
    }


@pytest.mark.requirement("I4", "I7")
def test_a_server_is_told_by_its_settings(tmp_path: Path, authority: Identity) -> None:
    """It warns of a certificate that ends soon, as of any of its own."""
    creditd = Creditd(tmp_path, settings(tmp_path, authority))
    address = creditd.settings["CREDITD_METRICS_LISTEN"].replace("127.0.0.1", "localhost")
    with creditd.started("serve") as started:
        started.says("CREDITD_METRICS_TLS_CERTIFICATE_FILE expires on")
        assert scraped(address, authority) == 200
        assert scraped(address, authority, "") == 401
        with pytest.raises(OSError, match=r"."):
            urllib.request.urlopen(f"http://{address}/metrics", timeout=SECONDS)
        assert started.stop() == 0
    assert TOKEN not in started.said


@pytest.mark.requirement("I7")
def test_plaintext_is_for_this_machine_unless_it_is_said(tmp_path: Path, authority: Identity) -> None:
    given = settings(tmp_path, authority)
    port = given["CREDITD_METRICS_LISTEN"].rpartition(":")[2]
    open_to_all = {name: text for name, text in given.items() if "METRICS_TLS" not in name}
    open_to_all["CREDITD_METRICS_LISTEN"] = f"0.0.0.0:{port}"
    done = Creditd(tmp_path, open_to_all)("serve")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "CREDITD_METRICS_TLS_CERTIFICATE_FILE" in done.stderr
    assert "CREDITD_PLAINTEXT_LISTENERS name metrics" in done.stderr
    for more in (
        {"CREDITD_PLAINTEXT_LISTENERS": "webhooks,metrics"},
        given | {"CREDITD_METRICS_LISTEN": f"0.0.0.0:{port}"},
    ):
        with Creditd(tmp_path, open_to_all | more).started("serve") as started:
            started.says('"message":"listening"')
            assert eventually(lambda: socket.create_connection(("127.0.0.1", int(port)), SECONDS)).close() is None
            assert started.stop() == 0
