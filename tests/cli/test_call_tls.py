"""`creditd call` over TLS: whom it trusts, what it shows, and what it says where that does not fit."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from creditd.cli.main import main
from tests.support.certificates import identity
from tests.support.service import RunningService, running_service
from tests.support.tokens import bearer

BALANCE = ("GetBalance", '{"account_id": "ann"}')
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the certificates of an authority, a server and a client."""
    folder: Path = tmp_path_factory.mktemp("certificates")
    authority = identity("authority")
    for name, made in {
        "ca": authority,
        "server": identity("server", authority),
        "client": identity("client", authority),
    }.items():
        (folder / f"{name}.crt").write_bytes(made.certificate_pem)
        (folder / f"{name}.key").write_bytes(made.key_pem)
    return folder


@pytest.fixture(scope="module")
def guarded(files: Path) -> Iterator[RunningService]:
    """Run a service that speaks TLS, and asks its clients for certificates."""
    settings = {
        "tls_certificate_file": str(files / "server.crt"),
        "tls_key_file": str(files / "server.key"),
        "tls_client_ca_file": str(files / "ca.crt"),
    }
    with running_service(files, **settings) as service:
        yield service


@pytest.fixture
def call(
    guarded: RunningService, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Call:
    """Return the command, run in this process and in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    address = guarded.address.replace("127.0.0.1", "localhost")
    token = bearer("tests", ["SERVICE"], "credits.read").removeprefix("Bearer ")

    def run(*flags: str) -> tuple[int, str, str]:
        code = main(["call", *BALANCE, "--address", address, "--token", token, *flags])
        return code, *capsys.readouterr()

    return run


@pytest.mark.requirement("I7")
def test_with_a_certificate_of_the_authority_it_is_answered(call: Call, files: Path) -> None:
    flags = ("--ca", f"{files}/ca.crt", "--cert", f"{files}/client.crt", "--key", f"{files}/client.key")
    assert call(*flags)[0] == 0


def test_the_files_come_from_the_environment_too(call: Call, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITD_CALL_TLS_CA_FILE", f"{files}/ca.crt")
    monkeypatch.setenv("CREDITD_CALL_TLS_CERTIFICATE_FILE", f"{files}/client.crt")
    monkeypatch.setenv("CREDITD_CALL_TLS_KEY_FILE", f"{files}/client.key")
    assert call()[0] == 0


@pytest.mark.requirement("I7")
def test_in_plaintext_it_says_that_the_server_speaks_tls(call: Call) -> None:
    code, _, err = call()
    assert code == 1
    assert "speaks TLS: call it with --tls" in err


def test_without_the_authority_it_says_what_to_look_at(call: Call) -> None:
    code, _, err = call("--tls")
    assert code == 1
    assert "See --ca, --cert and --key" in err


def test_tls_can_be_asked_for_by_the_environment(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITD_CALL_TLS", "1")
    code, _, err = call()
    assert code == 1
    assert "See --ca, --cert and --key" in err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--cert", "client.crt"), "--cert and --key go together"),
        (("--ca", "not-there.crt"), "not-there.crt: No such file or directory"),
    ],
)
def test_files_that_do_not_fit_are_named(call: Call, flags: tuple[str, ...], said: str) -> None:
    code, _, err = call(*flags)
    assert code == 2
    assert said in err
