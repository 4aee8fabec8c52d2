"""A service that shows a certificate needs no token: a name in it says which service account it is."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509

from credit.v1 import credit_service_pb2 as credit
from credit.v1.access_service_pb2_grpc import AccessServiceStub
from credit.v1.admin_service_pb2 import ListAccountsRequest
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from tests.support.certificates import Identity, identity
from tests.support.office import creating, updating
from tests.support.patience import eventually
from tests.support.refusals import RefusedCall, refused
from tests.support.service import RunningService, running_service
from tests.support.tokens import bearer

pytestmark = pytest.mark.requirement("G4")

OPTIONS = [("grpc.ssl_target_name_override", "localhost"), ("grpc.use_local_subchannel_pool", 1)]
QUIZ, CHAT = "spiffe://example.org/quiz", "chat.example.org"
INVALID = "UNAUTHENTICATED", "TOKEN_INVALID", "certificate"


class House:
    """A service over mutual TLS, and whoever connects to it."""

    def __init__(self, service: RunningService, authority: Identity) -> None:
        """Reach ``service``, whose authority this is."""
        self.service = service
        self.authority = authority

    def shown(self, *names: x509.GeneralName) -> grpc.Channel:
        """Open a connection with a certificate of these names."""
        client = identity("client", self.authority, names=names)
        root = self.authority.certificate_pem
        credentials = grpc.ssl_channel_credentials(root, client.key_pem, client.certificate_pem)
        channel = grpc.secure_channel(self.service.address, credentials, OPTIONS)
        self.service.channels.append(channel)
        return channel

    @property
    def admin(self) -> Any:
        """Return the stub of who creates service accounts, and the metadata of its calls."""
        token = bearer("boss", ["ADMIN"], mfa_time=round(self.service.seconds))
        return AccessServiceStub(self.shown()), (("authorization", token),)

    def create(self, name: str, *certificate_names: str, scopes: Sequence[str] = ("credits.read",)) -> Any:
        """Create a service account, and return it once its certificates count."""
        stub, metadata = self.admin
        request = creating(name, certificate_names=certificate_names, scopes=scopes)
        account = stub.CreateServiceAccount(request, metadata=metadata).service_account
        book = self.service.server.credit.access.book
        eventually(lambda: all(book.service_account_of(each) == name for each in certificate_names))
        return account

    def change(self, account: Any, **fields: Any) -> None:
        """Change a service account."""
        stub, metadata = self.admin
        stub.UpdateServiceAccount(updating(account, **fields), metadata=metadata)


@pytest.fixture(scope="module", params=["queue", "aio"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Run a service of each transport that asks for certificates, and has two service accounts."""
    folder: Path = tmp_path_factory.mktemp("certificates")
    authority = identity("authority")
    server = identity("server", authority)
    for name, content in {
        "server.crt": server.certificate_pem,
        "server.key": server.key_pem,
        "ca.crt": authority.certificate_pem,
    }.items():
        (folder / name).write_bytes(content)
    files = {
        "tls_certificate_file": str(folder / "server.crt"),
        "tls_key_file": str(folder / "server.key"),
        "tls_client_ca_file": str(folder / "ca.crt"),
    }
    with running_service(folder, transport=request.param, **files) as service:
        house = House(service, authority)
        house.create("quiz", QUIZ)
        house.create("chat", CHAT)
        yield house


def get_balance(channel: grpc.Channel, *metadata: tuple[str, str]) -> str:
    answer = CreditServiceStub(channel).GetBalance(
        credit.GetBalanceRequest(account_id="ann"), metadata=metadata, timeout=10
    )
    return str(answer.account_balance.account_id)


def refusal_of(channel: grpc.Channel, *metadata: tuple[str, str]) -> tuple[str, str, str]:
    call = CreditServiceStub(channel).GetBalance
    return told(refused(call, credit.GetBalanceRequest(account_id="ann"), metadata=metadata, timeout=10))


def told(refusal: RefusedCall) -> tuple[str, str, str]:
    return refusal.code.name, refusal.reason, refusal.metadata.get("problem", "")


def uri(text: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(text)


def dns(text: str) -> x509.GeneralName:
    return x509.DNSName(text)


def test_a_certificate_says_which_service_account_calls(house: House) -> None:
    assert get_balance(house.shown(uri(QUIZ))) == "ann"
    assert get_balance(house.shown(dns(CHAT))) == "ann"
    assert get_balance(house.shown(dns(CHAT.upper()))) == "ann"
    # A name for the host may stand beside the SPIFFE id, which counts.
    assert get_balance(house.shown(uri(QUIZ), dns("host-7.example.org"))) == "ann"


def test_it_may_do_what_its_service_account_may(house: House) -> None:
    """On both kinds of methods: those that are hot, and those on the event loop."""
    request = credit.DeductRequest(account_id="ann", credit_type="spec", amount=1, request_id="one")
    call = CreditServiceStub(house.shown(uri(QUIZ))).Deduct
    assert told(refused(call, request, timeout=10))[:2] == ("PERMISSION_DENIED", "PERMISSION_DENIED")
    accounts = AdminServiceStub(house.shown(uri(QUIZ))).ListAccounts
    assert told(refused(accounts, ListAccountsRequest(), timeout=10))[0] == "PERMISSION_DENIED"
    pages = CreditServiceStub(house.shown(uri(QUIZ))).ListTransactions
    assert not pages(credit.ListTransactionsRequest(account_id="ann", credit_type="chat"), timeout=10).entries


STRANGE: dict[str, list[x509.GeneralName]] = {
    "nobody's SPIFFE id": [uri("spiffe://example.org/nobody")],
    "another trust domain": [uri("spiffe://evil.example/quiz")],
    "nobody's name": [dns("nobody.example.org")],
    "two names": [dns(CHAT), dns("other.example.org")],
    "a wildcard": [dns("*.example.org")],
    "two SPIFFE ids": [uri(QUIZ), uri("spiffe://example.org/other")],
    "a SPIFFE id beside another URI": [uri(QUIZ), uri("https://example.org/quiz")],
    "a SPIFFE id that is a name": [dns(QUIZ)],
    "another SPIFFE id beside a name": [uri("spiffe://example.org/nobody"), dns(CHAT)],
    "an address alone": [x509.RFC822Name("quiz@example.org")],
    "no name": [],
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_certificate_that_is_no_service_accounts_says_nothing(house: House, name: str) -> None:
    assert refusal_of(house.shown(*STRANGE[name])) == INVALID


def test_whoever_sends_a_token_is_judged_by_it(house: House) -> None:
    channel = house.shown(uri(QUIZ))
    assert refusal_of(channel, ("authorization", bearer("bob", ["USER"])))[0] == "PERMISSION_DENIED"
    assert get_balance(channel, ("authorization", bearer("ann", ["USER"]))) == "ann"
    for header in ("Bearer x.y.z", "Basic cXVpejpxdWl6", "Bearer", ""):
        assert refusal_of(channel, ("authorization", header))[:2] == INVALID[:2]
    assert refusal_of(channel, ("authorization", bearer("app", ["ADMIN"], ttl_seconds=-60)))[1] == "TOKEN_EXPIRED"
    # None of it has changed who the certificate says that it is.
    assert get_balance(channel) == "ann"


def test_a_service_account_that_is_changed_counts_as_it_is(house: House) -> None:
    account = house.create("temp", "temp.example.org")
    channel = house.shown(dns("temp.example.org"))
    watching = CreditServiceStub(channel).WatchBalance(
        credit.WatchBalanceRequest(account_id="ann", credit_type="chat"), timeout=60
    )
    next(watching)
    assert get_balance(channel) == "ann"
    house.change(account, certificate_names=["moved.example.org"])
    eventually(lambda: house.service.server.credit.access.book.service_account_of("moved.example.org"))
    assert refusal_of(channel) == INVALID
    assert get_balance(house.shown(dns("moved.example.org"))) == "ann"
    with pytest.raises(grpc.RpcError) as end:
        list(watching)
    assert end.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_without_a_certificate_a_token_is_missing(tmp_path: Path) -> None:
    """Over plaintext, and over TLS that asks for none, whatever a client would have shown."""
    authority = identity("authority")
    server = identity("server", authority)
    (tmp_path / "server.crt").write_bytes(server.certificate_pem)
    (tmp_path / "server.key").write_bytes(server.key_pem)
    files = {
        "tls_certificate_file": str(tmp_path / "server.crt"),
        "tls_key_file": str(tmp_path / "server.key"),
    }
    with running_service(tmp_path, **files) as service:
        house = House(service, authority)
        house.create("quiz", QUIZ)
        assert refusal_of(house.shown(uri(QUIZ))) == ("UNAUTHENTICATED", "TOKEN_INVALID", "missing")
