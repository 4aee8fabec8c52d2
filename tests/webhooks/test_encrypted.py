"""Webhooks over HTTPS: the adapter's own certificate, renewed in its place, and nothing weaker."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from creditd.webhooks.settings import WebhooksSettings
from tests.support.certificates import Identity, identity
from tests.support.handshakes import OLD, WEAK_CIPHER, handshake
from tests.support.ports import free_address
from tests.support.programs import PATIENCE_SECONDS, Creditd
from tests.support.webhook_adapter import SECONDS, Adapter, running_adapter


@pytest.fixture(scope="module")
def authority() -> Identity:
    """Return who signs certificates here."""
    return identity("authority")


def renew(folder: Path, new: Identity) -> tuple[str, str]:
    """Write a certificate and its key, and return their paths."""
    certificate, key = folder / "webhooks.pem", folder / "webhooks.key"
    certificate.write_bytes(new.certificate_pem)
    key.write_bytes(new.key_pem)
    return str(certificate), str(key)


@pytest.fixture
def encrypted(tmp_path: Path, authority: Identity) -> Iterator[Adapter]:
    """Run an adapter that speaks TLS to those who send webhooks; no service is behind it."""
    certificate, key = renew(tmp_path, identity("first", authority))
    settings = WebhooksSettings(
        "127.0.0.1:0", "127.0.0.1:1", listen_tls_certificate_file=certificate, listen_tls_key_file=key
    )
    with running_adapter(settings=settings) as adapter:
        yield adapter


def client(authority: Identity, url: str) -> httpx.Client:
    """Return a client that trusts nobody else."""
    trusting = ssl.create_default_context(cadata=authority.certificate_pem.decode())
    return httpx.Client(base_url=url, verify=trusting, timeout=SECONDS, trust_env=False)


@pytest.mark.requirement("E2", "I7")
def test_webhooks_come_over_tls_and_not_without_it(encrypted: Adapter, authority: Identity) -> None:
    with client(authority, f"https://localhost:{encrypted.port}") as sender:
        assert sender.get("/healthz").json() == {"service": "unreachable"}
        assert sender.post("/webhooks/stripe", content=b"{}").status_code == 503
    with pytest.raises(httpx.TransportError):
        encrypted.post()


@pytest.mark.requirement("I7")
def test_an_older_tls_and_a_weaker_cipher_are_refused(encrypted: Adapter, authority: Identity) -> None:
    address = f"127.0.0.1:{encrypted.port}"
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert handshake(address, authority, version=version)[0] == version.name.replace("_", ".")
    for version in OLD:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            handshake(address, authority, version=version)
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        handshake(address, authority, version=ssl.TLSVersion.TLSv1_2, ciphers=WEAK_CIPHER)


@pytest.mark.requirement("I7")
def test_what_is_renewed_is_shown_without_a_restart_and_what_is_unfit_is_not(
    encrypted: Adapter, authority: Identity, tmp_path: Path
) -> None:
    first, second = shown(encrypted), identity("second", authority)
    renew(tmp_path, second)
    assert first != shown(encrypted) == second.certificate_pem
    (tmp_path / "webhooks.key").write_bytes(identity("third", authority).key_pem)
    assert [shown(encrypted) for _ in range(3)] == [second.certificate_pem] * 3


def shown(adapter: Adapter) -> bytes:
    """Shake hands, and return the certificate that was shown."""
    pem = ssl.get_server_certificate(("127.0.0.1", adapter.port)).encode()
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.PEM)


@pytest.mark.requirement("I7")
def test_a_process_is_told_by_its_settings_and_serves_plaintext_to_others_only_if_it_is_said(
    tmp_path: Path, authority: Identity
) -> None:
    certificate, key = renew(tmp_path, identity("webhooks", authority))
    (tmp_path / "token").write_text("a-token")
    port = free_address().rpartition(":")[2]
    given = {"CREDITD_WEBHOOKS_LISTEN": f"0.0.0.0:{port}", "CREDITD_WEBHOOKS_TOKEN_FILE": str(tmp_path / "token")}
    done = Creditd(tmp_path, given)("webhooks")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "CREDITD_WEBHOOKS_LISTEN_TLS_CERTIFICATE_FILE" in done.stderr
    assert "CREDITD_PLAINTEXT_LISTENERS name webhooks" in done.stderr
    files = {
        "CREDITD_WEBHOOKS_LISTEN_TLS_CERTIFICATE_FILE": certificate,
        "CREDITD_WEBHOOKS_LISTEN_TLS_KEY_FILE": key,
    }
    for more, scheme in ((files, "https"), ({"CREDITD_PLAINTEXT_LISTENERS": "webhooks"}, "http")):
        with Creditd(tmp_path, given | more).started("webhooks") as started:
            started.says("listening for webhooks")
            with client(authority, f"{scheme}://localhost:{port}") as sender:
                assert sender.get("/healthz", timeout=PATIENCE_SECONDS).status_code == 200
            assert started.stop() == 0
