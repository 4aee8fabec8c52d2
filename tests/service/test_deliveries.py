"""Signatures by the convention, targets that are judged where they are connected to, and pauses that grow (H6)."""

import asyncio
from collections.abc import Sequence

import httpcore
import pytest

from creditd.domain.instant import SECOND
from creditd.service.deliveries.sender import Sender
from creditd.service.deliveries.signatures import headers_of, signature
from creditd.service.deliveries.targets import JudgedNetwork, TargetRefused, is_public, problem_of
from creditd.service.deliveries.worker import LONGEST_PAUSE, pause_before
from tests.support.receiver import receiver

pytestmark = pytest.mark.requirement("H6")


def test_a_signature_is_that_of_the_convention_s_own_example() -> None:
    """The vector of the libraries of Standard Webhooks."""
    import base64  # noqa: PLC0415

    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_with_two_secrets_there_are_two_signatures() -> None:
    headers = headers_of((b"a" * 32, b"b" * 32), "id", 1, b"{}")
    assert headers["webhook-signature"].split(" ") == [
        signature(b"a" * 32, "id", 1, b"{}"),
        signature(b"b" * 32, "id", 1, b"{}"),
    ]


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.1.2.3", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "100.100.100.200", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.0.1", "198.18.0.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1"),
        *("::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1"),
    ],
)
def test_an_address_that_only_we_can_reach_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://shop.example/", "ftp://shop.example/", "https://", "https:///x", "shop.example", ""),
        *("https://user:word@shop.example/", "https://shop.example/#x", "https://shop.example:0/", "https://[::1/"),
        *("https://shop.example/a b", "https://bücher.example/", "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/"),
        "https://shop.example/" + "x" * 2_048,
    ],
)
def test_a_url_that_nothing_may_be_sent_to_is_told(url: str) -> None:
    assert problem_of(url, allows_private=False, allows_http=False) is not None


def test_what_is_allowed_is_allowed() -> None:
    assert problem_of("https://shop.example:8443/x?y=1", allows_private=False, allows_http=False) is None
    assert problem_of("http://127.0.0.1:80/", allows_private=True, allows_http=True) is None


def test_a_name_is_resolved_once_and_the_address_that_was_judged_is_connected_to() -> None:
    """A name that resolves to another address the second time (DNS rebinding) is not asked a second time."""
    asked: list[str] = []

    async def changing(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        # Of a network that is documentation's: nobody answers there.
        return ["8.8.8.8"] if len(asked) == 1 else ["127.0.0.1"]

    class Noting(httpcore.AsyncNetworkBackend):
        connected: list[str] = []

        async def connect_tcp(self, host: str, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
            self.connected.append(host)
            message = "nobody is there"
            raise httpcore.ConnectError(message)

    network = JudgedNetwork(changing)
    network.network = noting = Noting()
    with pytest.raises(httpcore.ConnectError):
        asyncio.run(network.connect_tcp("shop.example", 443))
    assert (asked, noting.connected) == (["shop.example"], ["8.8.8.8"])
    with pytest.raises(TargetRefused):
        asyncio.run(network.connect_tcp("shop.example", 443))
    assert noting.connected == ["8.8.8.8"]


def test_one_private_address_among_several_is_enough_to_refuse() -> None:
    async def several(host: str, port: int) -> Sequence[str]:
        return ["8.8.8.8", "10.0.0.1"]

    with pytest.raises(TargetRefused):
        asyncio.run(JudgedNetwork(several).connect_tcp("shop.example", 443))


def test_an_attempt_is_bounded_in_time_and_follows_nothing() -> None:
    with receiver() as one, receiver() as elsewhere:
        one.answer = lambda _: 302
        one.location = elsewhere.url
        attempted = asyncio.run(Sender(allows_private=True).post(one.url, {}, b"{}"))
        assert (attempted.status, attempted.is_delivered) == (302, False)
        assert not elsewhere.received
        one.answer = one.hang
        attempted = asyncio.run(Sender(allows_private=True, seconds=0.2).post(one.url, {}, b"{}"))
        assert attempted == (0, "no answer within 0.2 s")
        one.let_go.set()


def test_without_leave_this_machine_is_not_sent_to() -> None:
    with receiver() as one:
        attempted = asyncio.run(Sender().post(one.url, {}, b"{}"))
        assert attempted == (0, "the name has an address that is not public")
        assert not one.received


def test_pauses_double_up_to_an_hour_and_differ() -> None:
    assert [pause_before(attempts, 1) // SECOND for attempts in range(1, 5)] == [5, 10, 20, 40]
    assert pause_before(1, 0) * 2 == pause_before(1, 1)
    assert pause_before(1_000, 1) == LONGEST_PAUSE
