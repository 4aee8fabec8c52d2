"""A certificate counts while it is valid, and while its name is a service account's."""

import datetime as dt

import pytest

from creditd.server.authentication.callers import LEEWAY_SECONDS
from creditd.server.authentication.client_certificates import ClientCertificates, ShownCertificate, certificate_name_of
from creditd.server.refusals import TokenInvalid
from tests.support.certificates import identity

pytestmark = pytest.mark.requirement("G4")

CLIENT = identity("client", end=dt.timedelta(hours=1))
END = CLIENT.certificate.not_valid_after_utc.timestamp() + LEEWAY_SECONDS
CONTEXT = {"x509_pem_cert": [CLIENT.certificate_pem], "peer_dns": [b"quiz.example.org"]}


class House:
    """What a server knows, which a test changes."""

    def __init__(self) -> None:
        self.now = END - 1
        self.accounts = {"quiz.example.org": "quiz"}
        self.certificates = ClientCertificates(self.accounts.get, clock=lambda: self.now)

    def refuses(self, shown: ShownCertificate | None = None) -> bool:
        """Tell that what is shown is refused; without it, a new call."""
        with pytest.raises(TokenInvalid):
            self.certificates.require_good(shown) if shown else self.certificates.verify(CONTEXT)
        return True


def test_it_counts_until_it_ends_however_long_its_connection_lasts() -> None:
    house = House()
    shown = house.certificates.verify(CONTEXT)
    assert (shown.caller.subject, shown.end) == ("quiz", END)
    assert shown.caller.roles == {"SERVICE"}
    house.now = END
    assert house.refuses()
    assert house.refuses(shown)


def test_it_counts_while_its_name_is_that_service_accounts() -> None:
    house = House()
    shown = house.certificates.verify(CONTEXT)
    house.accounts["quiz.example.org"] = "another"
    assert house.refuses(shown)
    assert house.certificates.verify(CONTEXT).caller.subject == "another"
    house.accounts.clear()
    assert house.refuses()


def test_the_caller_of_a_service_account_is_one_object() -> None:
    """By it others remember what they know of it."""
    house = House()
    assert house.certificates.verify(CONTEXT).caller is house.certificates.verify(CONTEXT).caller


@pytest.mark.parametrize(
    "name", [b"*.example.org", b"", b".", b"a..b", b"-a.b", b"spiffe://a/b", b"a b", b"\xff\xfe", b"a.b\n", b"a.b."]
)
def test_what_is_no_name_of_a_host_is_none(name: bytes) -> None:
    assert certificate_name_of({"peer_dns": [name]}) is None


def test_spiffe_ids_count_before_names_of_hosts() -> None:
    spiffe, name = [b"spiffe://example.org/quiz"], [b"quiz.example.org"]
    assert certificate_name_of({"peer_uri": spiffe, "peer_spiffe_id": spiffe, "peer_dns": name}) == spiffe[0].decode()
    assert certificate_name_of({"peer_uri": [*spiffe, b"https://a"], "peer_dns": name}) is None
    assert certificate_name_of({"peer_uri": [b"https://a"], "peer_dns": name}) == "quiz.example.org"
    assert certificate_name_of({}) is None
