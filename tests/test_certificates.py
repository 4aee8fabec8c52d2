"""A certificate that cannot be used is refused before it is served, and one that ends soon is told of."""

import datetime as dt
import logging
import signal
import urllib.request
from pathlib import Path

import pytest

from creditd.certificates import (
    DAY_SECONDS,
    InvalidCertificate,
    Validity,
    _warn,
    fit_authorities,
    fit_pair,
    pause_seconds,
)
from creditd.cli.main import main
from tests.support.certificates import DAY, Identity, identity
from tests.support.ports import free_address
from tests.support.programs import Creditd
from tests.support.tokens import write_public_key

NOW = dt.datetime.now(dt.UTC)

AUTHORITY = identity("authority")

EXPIRED = "has expired on"
TOO_EARLY = "is not valid before"
OTHER_KEY = "is not the key of the certificate"


def files(folder: Path, certificate: Identity, key: Identity | None = None) -> tuple[str, str]:
    """Write a certificate and a key, its own unless another is given."""
    (folder / "tls.crt").write_bytes(certificate.certificate_pem)
    (folder / "tls.key").write_bytes((key or certificate).key_pem)
    return str(folder / "tls.crt"), str(folder / "tls.key")


def old() -> Identity:
    return identity("old", AUTHORITY, begin=-2 * DAY, end=-DAY)


def coming() -> Identity:
    return identity("coming", AUTHORITY, begin=DAY, end=2 * DAY)


UNFIT = pytest.mark.parametrize(
    ("certificate", "key", "why"),
    [(old(), None, EXPIRED), (coming(), None, TOO_EARLY), (identity("one", AUTHORITY), identity("two"), OTHER_KEY)],
    ids=["expired", "too early", "another's key"],
)


@UNFIT
def test_one_that_cannot_be_used_is_refused(
    tmp_path: Path, certificate: Identity, key: Identity | None, why: str
) -> None:
    certificate_file, key_file = files(tmp_path, certificate, key)
    with pytest.raises(InvalidCertificate, match=why):
        fit_pair(("CERT", certificate_file), ("KEY", key_file))


@UNFIT
@pytest.mark.parametrize("command", ["serve", "webhooks"])
def test_what_serves_says_so_in_one_line_and_ends_with_2(
    tmp_path: Path, certificate: Identity, key: Identity | None, why: str, command: str
) -> None:
    done = starting(tmp_path, command, *files(tmp_path, certificate, key))(command)
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"creditd {command}: CREDITD_")
    assert "_TLS_" in last
    assert why in last
    assert "Traceback" not in done.stderr


@UNFIT
def test_call_says_so_too(
    tmp_path: Path,
    certificate: Identity,
    key: Identity | None,
    why: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    certificate_file, key_file = files(tmp_path, certificate, key)
    assert main(["call", "GetBalance", "{}", "--token", "x", "--cert", certificate_file, "--key", key_file]) == 2
    assert why in capsys.readouterr().err


def starting(folder: Path, command: str, certificate_file: str, key_file: str) -> Creditd:
    """Return `creditd` with what a command needs, and the certificate as its own."""
    (folder / "ca.crt").write_bytes(AUTHORITY.certificate_pem)
    (folder / "token").write_text("a.b.c")
    prefix = "CREDITD_WEBHOOKS_TLS_" if command == "webhooks" else "CREDITD_TLS_"
    return Creditd(
        folder,
        {
            "CREDITD_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
            "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(folder)),
            "CREDITD_PAGE_TOKEN_SECRET": "the secret of a test",
            "CREDITD_LISTEN": free_address(),
            "CREDITD_METRICS_LISTEN": free_address(),
            "CREDITD_WEBHOOKS_LISTEN": free_address(),
            "CREDITD_WEBHOOKS_TOKEN_FILE": str(folder / "token"),
            "CREDITD_DRAIN_SECONDS": "0",
            "CREDITD_WEBHOOKS_TLS_CA_FILE": str(folder / "ca.crt"),
            f"{prefix}CERTIFICATE_FILE": certificate_file,
            f"{prefix}KEY_FILE": key_file,
        },
    )


def test_authorities_of_which_none_is_valid_are_refused(tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_bytes(old().certificate_pem + coming().certificate_pem)
    with pytest.raises(InvalidCertificate, match=EXPIRED):
        fit_authorities("CA", str(ca))
    ca.write_bytes(old().certificate_pem + AUTHORITY.certificate_pem)
    assert fit_authorities("CA", str(ca)).seconds_left > DAY_SECONDS / 2


@pytest.mark.parametrize("content", [b"", b"no PEM"])
def test_what_is_no_certificate_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "ca.crt"
    file.write_bytes(content)
    with pytest.raises(InvalidCertificate, match=r"CA: .*ca.crt holds no certificate in PEM"):
        fit_authorities("CA", str(file))
    with pytest.raises(InvalidCertificate, match="No such file"):
        fit_authorities("CA", str(tmp_path / "nowhere"))


def test_a_chain_ends_with_its_first_certificate_that_does(tmp_path: Path) -> None:
    certificate_file, key_file = files(tmp_path, identity("long", AUTHORITY, end=100 * DAY))
    with Path(certificate_file).open("ab") as file:
        file.write(AUTHORITY.certificate_pem)
    assert fit_pair(("CERT", certificate_file), ("KEY", key_file)).seconds_left < 2 * DAY_SECONDS
    with Path(certificate_file).open("ab") as file:
        file.write(old().certificate_pem)
    with pytest.raises(InvalidCertificate, match=EXPIRED):
        fit_pair(("CERT", certificate_file), ("KEY", key_file))


def test_what_ends_soon_is_a_warning_and_what_has_ended_an_error(caplog: pytest.LogCaptureFixture) -> None:
    for days in (20, 13, -1):
        _warn(Validity(f"SETTING_{days}", NOW + days * DAY))
    assert [(record.levelno, record.getMessage().split()[:2]) for record in caplog.records] == [
        (logging.WARNING, ["SETTING_13", "expires"]),
        (logging.ERROR, ["SETTING_-1", "has"]),
    ]


def test_the_next_look_is_in_a_day_or_when_something_ends() -> None:
    gone, near, far = (Validity("S", NOW + days * DAY) for days in (-1, 0.5, 50))
    assert pause_seconds([gone, far]) == DAY_SECONDS
    assert pause_seconds([gone, near, far]) <= DAY_SECONDS / 2


def test_a_server_says_what_ends_soon_and_meters_it(tmp_path: Path) -> None:
    creditd = starting(tmp_path, "serve", *files(tmp_path, identity("server", AUTHORITY)))
    with creditd.started("serve") as started:
        started.says("CREDITD_TLS_CERTIFICATE_FILE expires on")
        with urllib.request.urlopen(f"http://{creditd.settings['CREDITD_METRICS_LISTEN']}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        (left,) = [line for line in lines if line.startswith("creditd_tls_days_left{")]
        assert 'setting="CREDITD_TLS_CERTIFICATE_FILE"' in left
        assert 0.5 < float(left.rpartition(" ")[2]) <= 1
        files(tmp_path, identity("server", AUTHORITY, end=100 * DAY))
        with urllib.request.urlopen(f"http://{creditd.settings['CREDITD_METRICS_LISTEN']}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        (left,) = [line for line in lines if line.startswith("creditd_tls_days_left{")]
        assert 99 < float(left.rpartition(" ")[2]) <= 100
        started.stop(signal.SIGTERM)
