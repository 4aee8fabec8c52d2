"""`creditd certs dev`: an authority and certificates by which a call is made over mutual TLS, on both transports."""

import stat
from pathlib import Path

import pytest
from cryptography import x509

from creditd.certificates import DAY_SECONDS, fit_authorities, fit_pair
from creditd.cli.main import main
from tests.support.service import running_service
from tests.support.tokens import bearer

CALL = ("call", "GetBalance", '{"account_id": "ann"}')


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make them once for the tests of this file."""
    folder: Path = tmp_path_factory.mktemp("certs") / "made"
    arguments = ("--folder", str(folder), "--client", "clerk", "--client", "till", "--name", "credit.test")
    assert main(["certs", "dev", *arguments, "--days", "9"]) == 0
    return folder


def names_of(file: Path) -> tuple[list[str], list[str], list[str]]:
    """Return the DNS names, the URIs and the addresses that a certificate is for."""
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = [str(one) for one in found.get_values_for_type(x509.IPAddress)]
    return found.get_values_for_type(x509.DNSName), found.get_values_for_type(x509.UniformResourceIdentifier), addresses


@pytest.mark.requirement("I7")
def test_each_certificate_says_whose_it_is_and_fits_its_key(folder: Path) -> None:
    assert names_of(folder / "server.pem") == (
        ["credit.test", "localhost"],
        ["spiffe://creditd.test/server"],
        ["127.0.0.1", "::1"],
    )
    for client in ("clerk", "till"):
        assert names_of(folder / f"{client}.pem") == (
            [f"{client}.creditd.test"],
            [f"spiffe://creditd.test/{client}"],
            [],
        )
    for name in ("ca", "server", "clerk", "till"):
        pair = fit_pair(("C", str(folder / f"{name}.pem")), ("K", str(folder / f"{name}.key")))
        assert 8 < pair.seconds_left / DAY_SECONDS <= 9
    assert fit_authorities("CA", str(folder / "ca.pem")).seconds_left > 0


@pytest.mark.requirement("I7")
def test_nobody_else_can_read_them(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 8


@pytest.mark.requirement("G4", "I7")
@pytest.mark.parametrize("transport", ["queue", "aio"])
def test_they_make_a_call_by_mutual_tls(
    folder: Path, tmp_path: Path, transport: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        "tls_certificate_file": str(folder / "server.pem"),
        "tls_key_file": str(folder / "server.key"),
        "tls_client_ca_file": str(folder / "ca.pem"),
    }
    token = bearer("till", ["SERVICE"], "credits.read").removeprefix("Bearer ")
    with running_service(tmp_path, **files, transport=transport) as service:
        given = ("--address", service.address, "--token", token, "--ca", str(folder / "ca.pem"))
        clerk = ("--cert", str(folder / "clerk.pem"), "--key", str(folder / "clerk.key"))
        assert main([*CALL, *given, *clerk]) == 0
        assert '"accountId": "ann"' in capsys.readouterr().out.replace("account_id", "accountId")
        assert main([*CALL, *given]) == 1


@pytest.mark.parametrize("there", ["ca.pem", "till.key"])
def test_what_is_there_is_not_written_over_and_nothing_beside_it(
    there: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / there).write_text("mine")
    assert main(["certs", "dev", "--folder", str(tmp_path), "--client", "till"]) == 2
    assert f"{there} is there already" in capsys.readouterr().err
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(there, "mine")]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("prod",),
        ("dev", "--days", "0"),
        ("dev", "--days", "398"),
        ("dev", "--days", "x"),
        ("dev", "--client", "../clerk"),
        ("dev", "--client", "ca"),
        ("dev", "--client", "server"),
        ("dev", "--client", "Clerk"),
        ("dev", "--client", ""),
        ("dev", "--name", "a b"),
        ("dev", "--trust-domain", "/"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["certs", *arguments])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
