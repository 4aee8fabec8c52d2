"""Signatures by the convention, targets that are judged where they are connected to, and attempts that end (H6)."""

import asyncio
import base64
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpcore
import pytest

from creditd.domain.events.event_endpoint import EventEndpoint
from creditd.domain.instant import SECOND, Instant
from creditd.identity.ciphers import Cipher
from creditd.service.deliveries import network as networks
from creditd.service.deliveries import sender as sending
from creditd.service.deliveries.message import LONGEST_PAUSE, PATIENCE, body_of, pause_before
from creditd.service.deliveries.names import MAX_UNDER_WAY, NameResolver
from creditd.service.deliveries.network import JudgedNetwork, TargetRefused
from creditd.service.deliveries.sender import Answered, EventSender
from creditd.service.deliveries.signatures import headers_of, secret_text
from creditd.service.deliveries.targets import is_public, problem_of
from creditd.service.events.event_secrets import EventSecrets, SecretUnreadable
from creditd.storage.events.event_endpoints import Secrets
from creditd.storage.events.published_events import PublishedEvent
from tests.support.event_receiver import Received, receiver
from tests.support.patience import patience

pytestmark = pytest.mark.requirement("H6")

ONLY_OURS = [
    *("127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),  # noqa: S104 - judged, not bound to.
    *("169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1"),
    *("198.51.100.1", "203.0.113.1", "192.88.99.1"),
    *("::", "::1", "::2", "::7f00:1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:7f00:1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "64:ff9b:1::808:808", "64:ff9b:1:ffff::1"),
    *("2002:7f00:1::", "2002:808:808::1", "2001::1", "2001:0:a00:1::", "2001:db8::1", "3fff::1", "100::1", "5f00::1"),
]

ANYBODYS = [
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


def test_a_signature_is_that_of_the_convention_s_own_example() -> None:
    """The vector of the libraries of Standard Webhooks."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = headers_of([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_with_two_secrets_each_of_them_verifies() -> None:
    first, second = b"a" * 32, b"b" * 32
    received = Received(headers_of((first, second), "id", 1, b"{}"), b"{}")
    assert received.is_signed_with(secret_text(first))
    assert received.is_signed_with(secret_text(second))
    assert not received.is_signed_with(secret_text(b"c" * 32))


def test_hostile_text_is_signed_as_it_is_sent() -> None:
    payload = '{"spender": "<script>\\u202e\\"\\\\ \\u0000 \U0001f600"}'
    event = PublishedEvent(1, "ann", "id", 10, 1, "", payload, Instant(0))
    body = body_of(event)
    assert payload.encode() in body
    assert Received(headers_of([b"a" * 32], "id", 1, body), body).is_signed_with(secret_text(b"a" * 32))


@pytest.mark.parametrize("address", ONLY_OURS)
def test_an_address_that_only_we_can_reach_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ANYBODYS)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://shop.example/", "ftp://shop.example/", "https://", "https:///x", "shop.example", ""),
        *("https://user:word@shop.example/", "https://shop.example/#x", "https://shop.example:0/", "https://[::1/"),
        *("https://shop.example/a b", "https://bücher.example/", "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/"),
        *("https://shop.example/\r\nhost: x", "https://shop.example\\@10.0.0.1/", "https://shop.example/\x7f"),
        *("https://shop.example:99999/", "https://[fe80::1%25eth0]/", "https://shop.example/" + "x" * 2_048),
    ],
)
def test_a_url_that_nothing_may_be_sent_to_is_told(url: str) -> None:
    assert problem_of(url, allows_private=False) is not None


def test_what_is_allowed_is_allowed() -> None:
    assert problem_of("https://shop.example:8443/x?y=1", allows_private=False) is None
    assert problem_of("http://127.0.0.1:80/", allows_private=True) is None


class Noting(httpcore.AsyncNetworkBackend):
    """A network that notes where a connection goes, and has nobody there."""

    def __init__(self) -> None:
        self.connected: list[str] = []
        self.timeouts: list[float | None] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own.
        *_: object,
    ) -> httpcore.AsyncNetworkStream:
        """Note an address, and how long it is given."""
        del port
        self.connected.append(host)
        self.timeouts.append(timeout)
        raise httpcore.ConnectError("nobody is there")


def answering(*answers: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """Return a resolver that gives these answers, one after the other."""
    left = iter(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        del host, port
        return next(left)

    return resolve


def test_a_name_is_resolved_once_and_the_address_that_was_judged_is_connected_to() -> None:
    """A name that resolves to another address the second time (DNS rebinding) is not asked a second time."""
    noting = Noting()
    network = JudgedNetwork(answering(["8.8.8.8"], ["127.0.0.1"]), allows_private=False, network=noting)
    with pytest.raises(httpcore.ConnectError):
        asyncio.run(network.connect_tcp("shop.example", 443))
    assert noting.connected == ["8.8.8.8"]
    with pytest.raises(TargetRefused):
        asyncio.run(network.connect_tcp("shop.example", 443))
    assert noting.connected == ["8.8.8.8"]


def test_one_private_address_among_several_is_enough_to_refuse() -> None:
    noting = Noting()
    network = JudgedNetwork(answering(["8.8.8.8", "10.0.0.1"]), allows_private=False, network=noting)
    with pytest.raises(TargetRefused):
        asyncio.run(network.connect_tcp("shop.example", 443))
    assert noting.connected == []


def test_each_address_is_tried_until_one_answers() -> None:
    noting = Noting()
    network = JudgedNetwork(answering(["2606:4700:4700::1111", "8.8.8.8"]), allows_private=False, network=noting)
    with pytest.raises(httpcore.ConnectError):
        asyncio.run(network.connect_tcp("shop.example", 443))
    assert noting.connected == ["2606:4700:4700::1111", "8.8.8.8"]


class Dropping(httpcore.AsyncNetworkBackend):
    """A network of which some addresses drop what is sent to them: a connection to one never comes, nor fails."""

    def __init__(self, *dropping: str) -> None:
        self._dropping = dropping
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own.
        *rest: Any,
    ) -> httpcore.AsyncNetworkStream:
        """Connect, or hang for as long as is given."""
        if host not in self._dropping:
            return await self._network.connect_tcp(host, port, timeout, *rest)
        try:
            async with asyncio.timeout(timeout):
                await asyncio.Event().wait()
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error
        raise AssertionError


class Diverting(httpcore.AsyncNetworkBackend):
    """A network that leads everywhere to a receiver of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Connect to the receiver."""
        return await self._network.connect_tcp("127.0.0.1", self._port)


@pytest.mark.parametrize("dropping", [1, 15])
def test_addresses_that_drop_what_comes_leave_time_for_the_one_that_answers(
    monkeypatch: pytest.MonkeyPatch, dropping: int
) -> None:
    """However many they are, the attempt is not over before."""
    monkeypatch.setattr(networks, "CONNECT_SECONDS", 0.05)
    monkeypatch.setattr(networks, "ALL_CONNECT_SECONDS", 0.3)
    silent = [f"192.0.2.{number}" for number in range(dropping)]
    network = JudgedNetwork(answering([*silent, "127.0.0.1"]), allows_private=True, network=Dropping(*silent))
    with receiver() as one:
        assert asyncio.run(EventSender(network, seconds=patience(20)).post(one.url, {}, b"{}")) == (200, "")


@pytest.mark.parametrize("count", [2, 16])
def test_the_last_address_has_what_is_left_of_an_attempt(count: int) -> None:
    given = Noting()
    network = JudgedNetwork(
        answering([f"8.8.8.{number}" for number in range(count)]), allows_private=False, network=given
    )
    with pytest.raises(httpcore.ConnectError):
        asyncio.run(network.connect_tcp("shop.example", 443))
    *_, last = given.timeouts
    soon = [seconds for seconds in given.timeouts if seconds is not None]
    assert (last, len(soon)) == (None, count - 1)
    assert all(0.5 < seconds <= networks.CONNECT_SECONDS for seconds in soon)
    assert sum(soon) < sending.ATTEMPT_SECONDS * 2 / 3


def sender(**fields: Any) -> EventSender:
    """Return a sender that may send to this machine."""
    return EventSender(JudgedNetwork(NameResolver(), allows_private=True), **fields)


def test_an_attempt_is_bounded_in_time_and_follows_nothing() -> None:
    with receiver() as one, receiver() as elsewhere:
        one.answer = lambda _: 302
        one.location = elsewhere.url
        answered = asyncio.run(sender().post(one.url, {}, b"{}"))
        assert (answered.status, answered.is_delivered) == (302, False)
        assert not elsewhere.received
        one.answer = one.hang
        assert asyncio.run(sender(seconds=0.2).post(one.url, {}, b"{}")) == (0, "no answer within 0.2 s")


def test_an_answer_without_an_end_is_taken_by_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends by its bytes, and one that is slow by its time."""
    with receiver() as one:
        one.is_endless = True
        assert asyncio.run(sender().post(one.url, {}, b"{}")) == (200, "")
    monkeypatch.setattr(sending, "BODY_SECONDS", 0.1)
    assert asyncio.run(_to(b"HTTP/1.1 204 No Content\r\ncontent-length: 9\r\n\r\n")) == (204, "")
    assert asyncio.run(_to(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx")) == (200, "")


async def _to(answer: bytes, *, repeated: bool = False) -> Answered:
    """Return what an attempt comes to at a receiver that writes these bytes and then nothing, or again and again."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(answer)
            while repeated:
                writer.write(answer * (4_096 // len(answer)))
                await writer.drain()
                # It runs on the sender's own loop.
                await asyncio.sleep(0)
            await asyncio.Event().wait()
        except OSError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        return await sender(seconds=10.0).post(f"http://127.0.0.1:{port}/", {}, b"{}")
    finally:
        server.close()


@pytest.mark.parametrize("line", [b"HTTP/1.1 100 Continue\r\n\r\n", b"x: y\r\n", b"\x00"])
def test_what_is_no_answer_ends_by_its_bytes(line: bytes) -> None:
    answered = asyncio.run(_to(line, repeated=True))
    assert answered.status == 0
    assert answered.problem in {"ReadError", "RemoteProtocolError"}


def test_without_leave_this_machine_is_not_sent_to() -> None:
    with receiver() as one:
        closed = EventSender(JudgedNetwork(NameResolver(), allows_private=False))
        url = one.url.replace("http://127.0.0.1", "https://localhost")
        assert asyncio.run(closed.post(url, {}, b"{}")) == (0, "the name has an address that is not public")
        assert not one.received


@pytest.mark.parametrize("is_allowed", [True, False])
def test_an_endpoint_of_plain_http_is_sent_nothing_once_that_is_not_allowed_any_more(*, is_allowed: bool) -> None:
    """It was made while it was."""
    with receiver() as one:
        port = int(one.url.split(":")[2].split("/")[0])
        network = JudgedNetwork(answering(["8.8.8.8"]), allows_private=is_allowed, network=Diverting(port))
        answered = asyncio.run(EventSender(network).post("http://shop.example/", {}, b"{}"))
        assert (answered.is_delivered, len(one.received)) == (is_allowed, int(is_allowed))
        assert is_allowed or "https" in answered.problem


def test_a_resolver_that_hangs_holds_up_its_own_name_alone() -> None:
    hangs = threading.Event()

    def ask(host: str, port: int) -> Sequence[str]:
        del port
        if host == "hangs":
            hangs.wait()
        return [host]

    async def look() -> None:
        names = NameResolver(ask)
        waiting = [asyncio.create_task(names("hangs", 1)) for _ in range(3)]
        assert await names("quick", 1) == ["quick"]
        waiting[0].cancel()
        await asyncio.wait(waiting[:1])
        assert not waiting[1].done()
        hangs.set()
        assert await asyncio.gather(*waiting[1:]) == [["hangs"], ["hangs"]]

    asyncio.run(look())


def test_names_under_way_are_bounded_and_failures_are_errors_of_the_system() -> None:
    hangs = threading.Event()

    def ask(host: str, port: int) -> Sequence[str]:
        del port
        if host == "wrong":
            raise UnicodeError
        hangs.wait()
        return []

    async def look() -> None:
        names = NameResolver(ask)
        with pytest.raises(OSError, match="UnicodeError"):
            await names("wrong", 1)
        waiting = [asyncio.create_task(names(str(number), 1)) for number in range(MAX_UNDER_WAY)]
        await asyncio.sleep(0)
        with pytest.raises(OSError, match="too many"):
            await names("one more", 1)
        hangs.set()
        await asyncio.gather(*waiting)

    asyncio.run(look())


def test_pauses_double_up_to_an_hour_differ_and_last_a_day() -> None:
    assert [pause_before(attempts, 1) // SECOND for attempts in range(1, 5)] == [5, 10, 20, 40]
    assert pause_before(1, 0) * 2 == pause_before(1, 1)
    assert pause_before(1_000, 1) == LONGEST_PAUSE
    waited, attempts = 0, 1
    while waited < PATIENCE:
        waited += pause_before(attempts, 1)
        attempts += 1
    assert 30 < attempts < 40


ENDPOINT = EventEndpoint(
    *("key", "shop", "https://shop.example", "", (), "", ""), paused=False, position=0, version=1,
    create_time=Instant(0), update_time=Instant(0), active_time=Instant(0), rotation_end=Instant(100)
)  # fmt: skip


def test_a_secret_is_bound_to_its_endpoint_and_to_the_key() -> None:
    secrets = EventSecrets(Cipher("k" * 32, "event"))
    secret, encrypted = secrets.make("key")
    other, of_other = secrets.make("key")
    assert secrets.in_force(ENDPOINT, Secrets(encrypted, of_other), Instant(99)) == (secret, other)
    assert secrets.in_force(ENDPOINT, Secrets(encrypted, of_other), Instant(100)) == (secret,)
    with pytest.raises(SecretUnreadable):
        secrets.in_force(ENDPOINT._replace(endpoint_key="another"), Secrets(encrypted), Instant(0))
    # After another key was configured rotating is enough: the former one is left out.
    changed = EventSecrets(Cipher("another key of 32 characters ...", "event"))
    with pytest.raises(SecretUnreadable):
        changed.in_force(ENDPOINT, Secrets(encrypted), Instant(0))
    new, of_new = changed.make("key")
    assert changed.in_force(ENDPOINT, Secrets(of_new, encrypted), Instant(0)) == (new,)
