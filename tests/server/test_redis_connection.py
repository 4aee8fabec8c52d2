"""Whoever answers at a Redis's address, and however: there is an answer in time and of a bounded size, or a failure."""

import ssl
from pathlib import Path

import pytest

from creditd.server.redis_connection import (
    MAX_ANSWER_BYTES,
    CommandRefused,
    LoginRefused,
    RedisConnection,
    RedisPlace,
    UnreadableAnswer,
    redis_place,
)
from tests.support.certificates import identity
from tests.support.patience import patience
from tests.support.scripted_peer import Script, closed_port, scripted_peer, shown

pytestmark = pytest.mark.requirement("I2", "I7")

SOON = 0.1
"""Seconds that are waited for those who do not answer."""


PASSWORD = "pass@/"  # noqa: S105 - nobody's.

PLACES = {
    "redis://127.0.0.1": RedisPlace("127.0.0.1", 6_379),
    "redis://localhost:7000/3": RedisPlace("localhost", 7_000, database=3),
    "redis://[::1]:7000/": RedisPlace("::1", 7_000),
    "rediss://:pass%40%2F@redis.example:7000": RedisPlace("redis.example", 7_000, is_encrypted=True, password=PASSWORD),
    "rediss://me:pass%40%2F@10.0.0.7/15": RedisPlace(
        "10.0.0.7", 6_379, is_encrypted=True, username="me", password=PASSWORD, database=15
    ),
}


@pytest.mark.parametrize("url", PLACES)
def test_a_url_says_where_and_as_whom(url: str) -> None:
    assert redis_place(url) == PLACES[url]
    assert "pass" not in repr(redis_place(url))


@pytest.mark.parametrize(
    "url",
    [
        "redis://redis.example:6379",
        "redis://10.0.0.7",
        "http://127.0.0.1",
        "127.0.0.1:6379",
        "rediss://",
        "rediss://host/name",
        "rediss://host/99999",
        "rediss://host?ssl_cert_reqs=none",
        "rediss://host:port",
        "rediss://me:a-secret/part@host",
        "rediss://[::1",
    ],
)
def test_a_url_that_says_something_else_is_refused(url: str) -> None:
    """Without TLS a password, and the counts of others, would be anybody's on the way. Nothing of it is quoted."""
    with pytest.raises(ValueError, match=r"^(a URL|a database|TLS)$"):
        redis_place(url)


def test_a_command_is_answered() -> None:
    script = Script((b"+OK\r\n", b"+OK\r\n", b"$6\r\na\r\nb;c\r\n"))
    with scripted_peer(script) as peer:
        place = RedisPlace(peer.host, peer.port, username="creditd", password="đồng", database=3)  # noqa: S106 - nobody's.
        with RedisConnection(place) as connection:
            assert connection.ask(b"GET", b"x") == b"a\r\nb;c"
    password = "đồng".encode()
    login = b"*3\r\n$4\r\nAUTH\r\n$7\r\ncreditd\r\n$%d\r\n%b\r\n" % (len(password), password)
    assert bytes(script.heard) == login + b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*2\r\n$3\r\nGET\r\n$1\r\nx\r\n"


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        (Script((b"",)), TimeoutError),
        (Script((b"$100\r\n",), drips=b"x"), TimeoutError),
        (Script(drips=b"+"), TimeoutError),
        (Script((b"$5\r\nab",), ends=True), ConnectionResetError),
        (Script(ends=True), ConnectionResetError),
        (Script((b"$%d\r\n" % (MAX_ANSWER_BYTES + 1),)), UnreadableAnswer),
        (Script((b"$%s\r\n" % (b"9" * 900),)), UnreadableAnswer),
        (Script((b"+" + b"x" * 2_000,)), UnreadableAnswer),
        (Script((b"$2\r\nabcd\r\n",)), UnreadableAnswer),
        (Script((b"$-1\r\n",)), UnreadableAnswer),
        (Script((b":1\r\n",)), UnreadableAnswer),
        (Script((b"*1\r\n$1\r\na\r\n",)), UnreadableAnswer),
        (Script((b"SSH-2.0-OpenSSH_9.2\r\n",)), UnreadableAnswer),
        (Script((b"\r\n",)), UnreadableAnswer),
        (Script((b"-LOADING Redis is loading the dataset in memory\r\n",)), CommandRefused),
        (Script((b"-NOAUTH Authentication required.\r\n",)), LoginRefused),
        (Script((b"-NOPERM User creditd has no permissions to run the 'eval' command\r\n",)), LoginRefused),
    ],
)
def test_what_is_no_answer_is_a_failure_and_none_is_waited_for_without_end(
    script: Script, failure: type[Exception]
) -> None:
    with (
        scripted_peer(script) as peer,
        RedisConnection(peer, answer_seconds=SOON) as connection,
        pytest.raises(failure),
    ):
        connection.ask(b"GET", b"x")


@pytest.mark.parametrize(
    "said", [b"-WRONGPASS invalid username-password pair or user is disabled.\r\n", b"-ERR invalid password\r\n"]
)
def test_a_wrong_password_is_told_as_such(said: bytes) -> None:
    with scripted_peer(Script((said,))) as peer:
        place = RedisPlace(peer.host, peer.port, password="wrong")  # noqa: S106 - it is none.
        with pytest.raises(LoginRefused):
            RedisConnection(place)


def test_nobody_there_is_a_failure() -> None:
    with pytest.raises(ConnectionRefusedError):
        RedisConnection(closed_port())


def test_over_tls_whoever_shows_no_certificate_that_is_believed_learns_nothing(tmp_path: Path) -> None:
    authority, file = identity("an authority"), tmp_path / "ca.pem"
    file.write_bytes(authority.certificate_pem)
    script = Script((b"+OK\r\n", b"$1\r\na\r\n"), context=shown(identity("localhost", authority), tmp_path))
    with scripted_peer(script) as peer:
        place = RedisPlace(peer.host, peer.port, is_encrypted=True, password="a password")  # noqa: S106 - nobody's.
        with pytest.raises(ssl.SSLCertVerificationError):
            RedisConnection(place)
        assert not script.heard
        with RedisConnection(place, str(file), patience(30.0)) as connection:
            assert connection.ask(b"GET", b"x") == b"a"


def test_over_tls_who_says_nothing_is_given_up() -> None:
    with scripted_peer(Script((b"",))) as peer, pytest.raises(TimeoutError):
        RedisConnection(RedisPlace(peer.host, peer.port, is_encrypted=True), answer_seconds=SOON)
