"""Keys of outside issuers are fetched over HTTP in the background, however badly an issuer answers."""

import logging
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from creditd.server.authentication import key_fetcher
from creditd.server.authentication.issuers import ClaimMapping
from creditd.server.authentication.jwk_sets import MAX_KEYS
from creditd.server.authentication.key_fetcher import MAX_ANSWER_BYTES, KeyFetcher, Pauses
from creditd.server.authentication.keys import KeySet
from creditd.server.authentication.outside_issuers import InvalidIssuer
from creditd.server.authentication.outside_issuers import OutsideIssuer as Named
from tests.support.certificates import identity
from tests.support.outside_issuer import Answer, OutsideIssuer, jwk_set, outside_issuer, silent_server
from tests.support.patience import eventually

pytestmark = pytest.mark.requirement("G4")

OFTEN = Pauses(0.05, 0.05)
SELDOM = Pauses(1_000.0, 2_000.0)
ON_DEMAND = Pauses(0.05, 1_000.0)


@pytest.fixture
def issuer() -> Iterator[OutsideIssuer]:
    with outside_issuer() as issuer:
        yield issuer


def named(url: str, name: str = "https://id.example", ca_file: str = "") -> Named:
    return Named(name, "credit", url, ca_file, ClaimMapping("shop:"))


@contextmanager
def fetching(*issuers: Named, pauses: Pauses = OFTEN) -> Iterator[KeyFetcher]:
    fetcher = KeyFetcher(issuers, pauses)
    fetcher.start()
    try:
        yield fetcher
    finally:
        fetcher.close()


def kids(keys: KeySet, *expected: str) -> bool:
    return len(keys) == len(expected) and all(keys.find(kid) for kid in expected)


def test_keys_are_there_once_the_first_try_is_over(issuer: OutsideIssuer) -> None:
    with fetching(named(issuer.server.url), pauses=SELDOM) as fetcher:
        fetcher.wait(10.0)
        assert kids(fetcher.key_sets[0], "first")
        known = fetcher.statistics["https://id.example"]
        assert known.keys == 1
        assert known.fetched_at is not None
    assert issuer.server.asked[0]["accept-encoding"] == "identity"


def test_keys_that_an_issuer_changes_are_fetched_in_time(issuer: OutsideIssuer) -> None:
    with fetching(named(issuer.server.url)) as fetcher:
        keys = fetcher.key_sets[0]
        eventually(lambda: kids(keys, "first"))
        issuer.rotate("second")
        eventually(lambda: kids(keys, "second"))


def test_a_kid_that_is_not_known_has_them_fetched_sooner(issuer: OutsideIssuer) -> None:
    with fetching(named(issuer.server.url), pauses=ON_DEMAND) as fetcher:
        keys = fetcher.key_sets[0]
        fetcher.wait(10.0)
        issuer.rotate("second")
        eventually(lambda: keys.find("second"))


def test_strangers_do_not_have_them_fetched_more_often_than_may_be(issuer: OutsideIssuer) -> None:
    with fetching(named(issuer.server.url), pauses=Pauses(1_000.0, 1_000.0)) as fetcher:
        keys = fetcher.key_sets[0]
        fetcher.wait(10.0)
        issuer.rotate("second")
        for number in range(10_000):
            keys.find(f"made up {number}")
        # What is asked of another issuer goes the same way, and would have overtaken none.
        with outside_issuer("other") as other, fetching(named(other.server.url), pauses=OFTEN):
            eventually(lambda: other.server.fetches > 3)
        assert issuer.server.fetches == 1


def test_a_failure_is_not_repeated_more_often_than_may_be(issuer: OutsideIssuer) -> None:
    issuer.server.answer = lambda: (503, {}, b"")
    with fetching(named(issuer.server.url), pauses=Pauses(1_000.0, 0.0)) as fetcher:
        fetcher.wait(10.0)
        for number in range(1_000):
            fetcher.key_sets[0].find(f"made up {number}")
        with outside_issuer("other") as other, fetching(named(other.server.url), pauses=OFTEN):
            eventually(lambda: other.server.fetches > 3)
        assert issuer.server.fetches == 1


def test_the_usual_pauses_are_as_documented() -> None:
    assert Pauses() == (30.0, 300.0)


def always(status: int, body: bytes, **headers: str) -> Callable[[OutsideIssuer], Answer]:
    return lambda _: (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


BAD_ANSWERS: dict[str, tuple[Callable[[OutsideIssuer], Answer], str]] = {
    "an error": (lambda issuer: (503, {}, issuer.keys()[2]), "RefusedFetch"),
    "nothing there": (lambda issuer: (404, {}, issuer.keys()[2]), "RefusedFetch"),
    "no content": (always(204, b""), "RefusedFetch"),
    "elsewhere": (lambda issuer: (302, {"location": issuer.server.url + "?more"}, issuer.keys()[2]), "RefusedFetch"),
    "a page": (always(200, b"<html>"), "MalformedAnswer"),
    "compressed": (always(200, b"\x1f\x8b\x08" + b"\0" * 20, content_encoding="gzip"), "MalformedAnswer"),
    "too long": (lambda issuer: (200, {}, issuer.keys()[2] + b" " * MAX_ANSWER_BYTES), "LongAnswer"),
    "too many": (always(200, jwk_set(*[{}] * (MAX_KEYS + 1))), "LongAnswer"),
    "no keys": (always(200, jwk_set()), "NoUsableKey"),
    "cut off": (lambda issuer: (200, {"content-length": "9999"}, issuer.keys()[2]), "RemoteProtocolError"),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_keys_are_kept_while_an_issuer_answers_badly(
    issuer: OutsideIssuer, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer, kind = BAD_ANSWERS[name]
    with caplog.at_level(logging.WARNING), fetching(named(issuer.server.url)) as fetcher:
        keys, known = fetcher.key_sets[0], fetcher.statistics["https://id.example"]
        eventually(lambda: kids(keys, "first"))
        fetched_at = known.fetched_at
        issuer.server.answer = lambda: answer(issuer)
        eventually(lambda: known.failures[kind] >= 2)
        assert set(known.failures) == {kind}
        assert kids(keys, "first")
        assert known.fetched_at is not None
        assert fetched_at is not None
        told = [line for line in caplog.messages if "fetching the keys of https://id.example failed" in line]
        assert told == [f"fetching the keys of https://id.example failed: {kind}"]
        issuer.rotate("second")
        issuer.server.answer = issuer.keys
        eventually(lambda: kids(keys, "second"))
        assert any("fetching the keys of https://id.example works again" in line for line in caplog.messages)
        assert known.fetched_at > fetched_at


def test_keys_are_kept_while_an_issuer_is_gone(issuer: OutsideIssuer) -> None:
    with fetching(named(issuer.server.url)) as fetcher:
        keys, known = fetcher.key_sets[0], fetcher.statistics["https://id.example"]
        eventually(lambda: kids(keys, "first"))
        issuer.server.close()
        eventually(lambda: known.failures["ConnectError"] >= 2)
        assert kids(keys, "first")


def test_an_issuer_that_says_nothing_is_given_up_and_holds_nobody_up(
    issuer: OutsideIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_fetcher, "READ_SECONDS", 0.1)
    with silent_server() as port:
        silent, good = named(f"http://127.0.0.1:{port}/", "silent"), named(issuer.server.url)
        with fetching(silent, good) as fetcher:
            eventually(lambda: kids(fetcher.key_sets[1], "first"))
            eventually(lambda: fetcher.statistics["silent"].failures["ReadTimeout"])


def test_an_answer_that_dribbles_in_ends_in_time(issuer: OutsideIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_fetcher, "FETCH_SECONDS", 0.2)

    def dribble() -> Answer:
        time.sleep(1.0)
        return issuer.keys()

    issuer.server.answer = dribble
    with fetching(named(issuer.server.url)) as fetcher:
        eventually(lambda: fetcher.statistics["https://id.example"].failures["TimeoutError"])


@pytest.fixture
def over_tls(tmp_path: Path) -> Iterator[OutsideIssuer]:
    """Return an issuer whose certificate is of an authority that is none of the usual ones."""
    authority = identity("authority")
    server = identity("localhost", authority)
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem)
    (tmp_path / "server.pem").write_bytes(server.certificate_pem + server.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    with outside_issuer(tls=context) as issuer:
        yield issuer


def test_an_issuer_whose_certificate_nobody_vouches_for_is_not_believed(over_tls: OutsideIssuer) -> None:
    with fetching(named(over_tls.server.url)) as fetcher:
        fetcher.wait(10.0)
        eventually(lambda: fetcher.statistics["https://id.example"].failures["ConnectError"])
        assert len(fetcher.key_sets[0]) == 0
    assert over_tls.server.fetches == 0


def test_an_issuer_may_have_an_authority_of_its_own(over_tls: OutsideIssuer, tmp_path: Path) -> None:
    with fetching(named(over_tls.server.url, ca_file=str(tmp_path / "ca.pem"))) as fetcher:
        eventually(lambda: kids(fetcher.key_sets[0], "first"))
    elsewhere = over_tls.server.url.replace("localhost", "127.0.0.1")
    with fetching(named(elsewhere, ca_file=str(tmp_path / "ca.pem"))) as fetcher:
        eventually(lambda: fetcher.statistics["https://id.example"].failures["ConnectError"])


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_authorities_that_cannot_be_read_are_told_of_at_the_start(tmp_path: Path, content: Any) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidIssuer, match="ca_file"):
        KeyFetcher([named("https://id.example/keys", ca_file=str(file))])


def test_it_ends_while_an_issuer_keeps_it_waiting() -> None:
    with silent_server() as port:
        fetcher = KeyFetcher([named(f"http://127.0.0.1:{port}/")], SELDOM)
        fetcher.start()
        fetcher.wait(0.1)
        fetcher.close()
        eventually(lambda: fetcher.has_ended)


def test_one_without_issuers_does_nothing() -> None:
    fetcher = KeyFetcher([])
    fetcher.start()
    fetcher.wait()
    assert fetcher.has_ended
    fetcher.close()
