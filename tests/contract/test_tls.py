"""Encryption: plaintext stays on this machine, and mutual TLS turns strangers away."""

import asyncio
import logging
import ssl
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from credit.v1 import credit_service_pb2 as credit
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from creditd.addresses import is_loopback
from creditd.server.listener import ListenError, listen, server_options
from tests.support.certificates import Identity, identity
from tests.support.handshakes import OLD, WEAK_CIPHER, handshake
from tests.support.service import RunningService, running_service
from tests.support.tokens import bearer


@pytest.fixture(scope="module")
def authority() -> Identity:
    """Return who signs certificates here."""
    return identity("authority")


@pytest.fixture(scope="module", params=["queue", "aio"])
def guarded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, authority: Identity
) -> Iterator[RunningService]:
    """Run a service that asks its clients for certificates, on each transport."""
    folder: Path = tmp_path_factory.mktemp("tls")
    server = identity("server", authority)
    (folder / "server.crt").write_bytes(server.certificate_pem)
    (folder / "server.key").write_bytes(server.key_pem)
    (folder / "ca.crt").write_bytes(authority.certificate_pem)
    files = {
        "tls_certificate_file": str(folder / "server.crt"),
        "tls_key_file": str(folder / "server.key"),
        "tls_client_ca_file": str(folder / "ca.crt"),
    }
    with running_service(folder, **files, transport=request.param) as service:
        assert service.server.transport == request.param
        yield service


def get_balance(service: RunningService, credentials: grpc.ChannelCredentials) -> str:
    """Ask for a balance over an encrypted connection; return the account answered for."""
    options = [("grpc.ssl_target_name_override", "localhost")]
    metadata = (("authorization", bearer("app", ["SERVICE"], "credits.read")),)
    with grpc.secure_channel(service.address, credentials, options) as channel:
        request = credit.GetBalanceRequest(account_id="alice")
        answer = CreditServiceStub(channel).GetBalance(request, metadata=metadata, timeout=10)
    account_id: str = answer.account_balance.account_id
    return account_id


@pytest.mark.requirement("G4", "I7")
def test_a_client_with_a_certificate_of_the_authority_is_served(guarded: RunningService, authority: Identity) -> None:
    client = identity("client", authority)
    credentials = grpc.ssl_channel_credentials(authority.certificate_pem, client.key_pem, client.certificate_pem)
    assert get_balance(guarded, credentials) == "alice"


@pytest.mark.requirement("G4", "I7")
def test_a_client_without_a_certificate_is_turned_away(guarded: RunningService, authority: Identity) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        get_balance(guarded, grpc.ssl_channel_credentials(authority.certificate_pem))
    assert failure.value.code() == grpc.StatusCode.UNAVAILABLE


@pytest.mark.requirement("G4", "I7")
def test_a_client_of_another_authority_is_turned_away(guarded: RunningService, authority: Identity) -> None:
    stranger = identity("stranger", identity("elsewhere"))
    credentials = grpc.ssl_channel_credentials(authority.certificate_pem, stranger.key_pem, stranger.certificate_pem)
    with pytest.raises(grpc.RpcError) as failure:
        get_balance(guarded, credentials)
    assert failure.value.code() == grpc.StatusCode.UNAVAILABLE


def shaken(
    service: RunningService, authority: Identity, version: ssl.TLSVersion, ciphers: str = "ALL"
) -> tuple[str | None, str]:
    """Return the version of TLS and the cipher that a client of one version alone comes to speak. Raises OSError."""
    client = identity("client", authority)
    return handshake(service.address, authority, version=version, ciphers=ciphers, client=client, protocol="h2")


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("wanted", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_is_spoken_from_1_2_on_with_ciphers_that_keep_what_was_said(
    guarded: RunningService, authority: Identity, wanted: ssl.TLSVersion
) -> None:
    version, cipher = shaken(guarded, authority, wanted)
    assert version == wanted.name.replace("_", ".")
    assert wanted is ssl.TLSVersion.TLSv1_3 or cipher.startswith("ECDHE-")


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("wanted", OLD)
def test_an_older_tls_is_refused_by_the_server(
    guarded: RunningService, authority: Identity, wanted: ssl.TLSVersion
) -> None:
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        shaken(guarded, authority, wanted)


@pytest.mark.requirement("I7")
def test_a_weaker_cipher_is_refused_by_the_server(guarded: RunningService, authority: Identity) -> None:
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        shaken(guarded, authority, ssl.TLSVersion.TLSv1_2, WEAK_CIPHER)


async def listening_to_all(*plaintext_listeners: str) -> int:
    """Try to serve plaintext to the world; return the port."""
    server = grpc.aio.server(options=server_options(shared_port=False, most_connections=10))
    return listen(server, "0.0.0.0:0", None, plaintext_listeners=plaintext_listeners)


@pytest.mark.requirement("I7")
def test_plaintext_is_refused_on_an_address_that_others_can_reach_unless_it_is_said() -> None:
    for others in ((), ("metrics", "webhooks")):
        with pytest.raises(ListenError, match=r"CREDITD_TLS_CERTIFICATE_FILE and .*LISTENERS name grpc"):
            asyncio.run(listening_to_all(*others))
    assert asyncio.run(listening_to_all("grpc"))


@pytest.mark.parametrize("transport", ["queue", "aio"])
def test_it_is_said_by_a_setting(tmp_path: Path, transport: str) -> None:
    given = {"listen": "0.0.0.0:0", "transport": transport}
    with running_service(tmp_path, **given, plaintext_listeners=("grpc",)) as service:
        assert service.server.port


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:50051", True),
        ("[::1]:50051", True),
        ("localhost:0", True),
        ("unix:/run/creditd.sock", True),
        ("0.0.0.0:50051", False),
        ("[::]:50051", False),
        ("10.0.0.1:50051", False),
        ("credit.internal:50051", False),
    ],
)
def test_only_addresses_of_this_machine_are_loopback(address: str, expected: bool) -> None:  # noqa: FBT001 - an example.
    assert is_loopback(address) is expected


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("transport", ["queue", "aio"])
def test_what_is_renewed_is_served_without_a_restart_and_what_is_unfit_is_not(
    tmp_path: Path, authority: Identity, caplog: pytest.LogCaptureFixture, transport: str
) -> None:
    """Over real connections, each with a handshake of its own."""
    files = {"tls_certificate_file": str(tmp_path / "server.crt"), "tls_key_file": str(tmp_path / "server.key")}
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"

    def renew(new: Identity) -> None:
        certificate.write_bytes(new.certificate_pem)
        key.write_bytes(new.key_pem)

    first, second = identity("first", authority), identity("second", authority)
    renew(first)
    with (
        caplog.at_level(logging.INFO),
        running_service(tmp_path, **files, transport=transport) as service,
    ):
        assert served(service) == first.certificate_pem
        renew(second)
        assert served(service) == second.certificate_pem
        assert caplog.messages.count("the certificates were renewed") == 1
        key.write_bytes(first.key_pem)
        assert [served(service) for _ in range(3)] == [second.certificate_pem] * 3
        assert sum("stays in use" in line for line in caplog.messages) == 1
        renew(first)
        assert served(service) == first.certificate_pem


def served(service: RunningService) -> bytes:
    """Shake hands, and return the certificate that was shown."""
    host, _, port = service.address.rpartition(":")
    shown = ssl.get_server_certificate((host, int(port))).encode()
    return x509.load_pem_x509_certificate(shown).public_bytes(Encoding.PEM)
