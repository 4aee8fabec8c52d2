"""Connections are encrypted unless they stay on this machine, and lead to servers that serve."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from credit.v1.credit_service_pb2 import GetBalanceRequest
from credit_client import AsyncCredits, Credits, Manner, NoAnswer, Tls
from credit_client.connection import (
    KEEPALIVE_SECONDS,
    KEEPALIVE_TIMEOUT_SECONDS,
    credentials_for,
    stays_here,
)
from tests.client.onlooker import Onlooker
from tests.client.styles import Style
from tests.support.certificates import Identity, identity
from tests.support.customer import CHAT, Customer
from tests.support.postgres import admin_url, create_database, drop_database
from tests.support.programs import PATIENCE_SECONDS
from tests.support.scripted_peer import Script, scripted_peer
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("H4")

CALLS = 40
"""Enough for each of two servers to have some, were they taken in turns."""


@pytest.fixture(scope="module")
def unready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service that cannot serve: its database was never migrated."""
    name = f"unready_{uuid4().hex}"
    url = create_database(admin_url(), name)
    with running_service(tmp_path_factory.mktemp("unready"), database_url=url, migrated=False) as service:
        yield service
    drop_database(admin_url(), name)


def test_a_server_that_does_not_serve_is_passed_over(
    style: Style, service: RunningService, unready: RunningService, customer: Customer
) -> None:
    onlooker = Onlooker()
    both = style.with_(target=f"ipv4:{unready.address},{service.address}", manner=Manner(observer=onlooker))
    for answer in both.calls(*[GetBalanceRequest(account_id=customer.account_id)] * CALLS):
        assert answer.account_balance.wallets
    assert onlooker.failures == []


def test_where_none_serves_it_is_said(style: Style, unready: RunningService) -> None:
    with pytest.raises(NoAnswer):
        style.with_(target=unready.address, manner=Manner(call_seconds=0.5)).call(GetBalanceRequest(account_id="ann"))


SETTINGS_FRAME = b"\0\0\0\4\0\0\0\0\0"
"""What a server of HTTP/2 says first."""


class GivenUpError(Exception):
    """A connection is dead."""


def give_up() -> None:
    """End a call at its first failed try."""
    raise GivenUpError


def test_a_connection_on_which_nothing_comes_any_more_is_given_up(
    style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long before the call's time is over."""
    monkeypatch.setattr("credit_client.connection.KEEPALIVE_SECONDS", 1)
    monkeypatch.setattr("credit_client.connection.KEEPALIVE_TIMEOUT_SECONDS", 1)
    with scripted_peer(Script((SETTINGS_FRAME,))) as peer:
        patient = style.with_(
            target=f"127.0.0.1:{peer.port}", manner=Manner(PATIENCE_SECONDS, observer=Onlooker(give_up))
        )
        with pytest.raises(GivenUpError):
            patient.call(GetBalanceRequest(account_id="ann"))


def test_one_that_is_dead_is_known_while_there_is_time_for_a_confirm() -> None:
    assert Manner().confirm_seconds * 2 / 3 > KEEPALIVE_SECONDS + KEEPALIVE_TIMEOUT_SECONDS


def test_one_that_the_program_has_closed_hides_no_error_of_a_block(customer: Customer, token: str) -> None:
    address, account_id = customer.service.address, customer.account_id

    def blocking() -> None:
        with Credits(address, token) as credits, credits.reserve(account_id, CHAT, 1):
            credits.close()
            raise ZeroDivisionError

    async def asynchronous() -> None:
        async with AsyncCredits(address, token) as credits, credits.reserve(account_id, CHAT, 1):
            await credits.close()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        blocking()
    with pytest.raises(ZeroDivisionError):
        asyncio.run(asynchronous())


def test_a_proxy_that_the_environment_names_sees_no_tokens(
    style: Style, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("grpc_proxy", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_grpc_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert style.call(GetBalanceRequest(account_id=customer.account_id)).account_balance.wallets


@pytest.fixture(scope="module")
def authority() -> Identity:
    """Return who signs certificates here."""
    return identity("authority")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, authority: Identity) -> Path:
    """Return a folder with the certificates of a server and of a client, and that of who has signed both."""
    made = tmp_path_factory.mktemp("tls")
    (made / "ca.crt").write_bytes(authority.certificate_pem)
    for name in ("server", "client"):
        signed = identity(name, authority)
        (made / f"{name}.crt").write_bytes(signed.certificate_pem)
        (made / f"{name}.key").write_bytes(signed.key_pem)
    return made


@pytest.fixture(scope="module")
def guarded(folder: Path) -> Iterator[RunningService]:
    """Run a service that asks its clients for certificates."""
    files = {
        "tls_certificate_file": str(folder / "server.crt"),
        "tls_key_file": str(folder / "server.key"),
        "tls_client_ca_file": str(folder / "ca.crt"),
    }
    with running_service(folder, **files) as service:
        yield service


def test_both_sides_show_certificates(style: Style, guarded: RunningService, folder: Path) -> None:
    port = guarded.address.rpartition(":")[2]
    own = Tls(str(folder / "ca.crt"), str(folder / "client.crt"), str(folder / "client.key"))
    there = style.with_(target=f"localhost:{port}", tls=own, manner=Manner(call_seconds=5.0))
    assert there.call(GetBalanceRequest(account_id="ann")).account_balance.account_id == "ann"
    for other in (Tls(str(folder / "ca.crt")), Tls(), False):
        with pytest.raises(NoAnswer):
            there.with_(tls=other, manner=Manner(call_seconds=0.3)).call(GetBalanceRequest(account_id="ann"))


def test_half_a_pair_and_a_file_that_is_not_there_are_refused(style: Style, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="go together"):
        style.with_(tls=Tls(certificate_file="client.crt")).call(GetBalanceRequest())
    with pytest.raises(FileNotFoundError):
        style.with_(tls=Tls(str(tmp_path / "ca.crt"))).call(GetBalanceRequest())


@pytest.mark.parametrize(
    ("target", "here"),
    [
        ("127.0.0.1:50051", True),
        ("127.8.0.1:50051", True),
        ("localhost:50051", True),
        ("[::1]:50051", True),
        ("unix:/run/creditd.sock", True),
        ("dns:///localhost:50051", True),
        ("ipv4:127.0.0.1:1,127.0.0.2:2", True),
        ("ipv4:127.0.0.1:1,10.0.0.2:2", False),
        ("10.0.0.2:50051", False),
        ("credits.internal:50051", False),
        ("dns:///credits.internal:50051", False),
        ("localhost.example.com:50051", False),
    ],
)
def test_only_what_stays_here_is_in_plaintext_unless_that_is_said(target: str, here: bool) -> None:  # noqa: FBT001
    assert stays_here(target) is here
    assert (credentials_for(target, tls=None) is None) is here
    assert credentials_for(target, tls=False) is None
    assert credentials_for(target, tls=True) is not None
