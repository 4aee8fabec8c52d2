"""`creditd health`: what probes ask of the server beside them."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509

from creditd.cli.main import main
from tests.support.certificates import Identity, identity
from tests.support.ports import free_address
from tests.support.postgres import admin_url, create_database, drop_database
from tests.support.service import RunningService, running_service

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ask:
    """Return the command, run in this process by the settings that are given: exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **settings: str) -> tuple[int, str, str]:
        for name, value in settings.items():
            monkeypatch.setenv(f"CREDITD_{name.upper()}", value)
        return main(["health", *arguments]), *capsys.readouterr()

    return run


def anywhere(service: RunningService) -> str:
    """Return the address by which a server listens on all of its machine's, at the port of this one."""
    return f"0.0.0.0:{service.address.rpartition(':')[2]}"


def written(folder: Path, name: str, made: Identity) -> dict[str, str]:
    """Write a certificate and its key; return the settings of a server that shows it."""
    (folder / f"{name}.crt").write_bytes(made.certificate_pem)
    (folder / f"{name}.key").write_bytes(made.key_pem)
    return {
        "tls_certificate_file": str(folder / f"{name}.crt"),
        "tls_key_file": str(folder / f"{name}.key"),
    }


@pytest.mark.parametrize("arguments", [(), ("--alive",), ("--service", "credit.v1.CreditService")])
def test_a_server_that_serves_is_0(service: RunningService, ask: Ask, arguments: tuple[str, ...]) -> None:
    assert ask(*arguments, listen=anywhere(service)) == (0, "SERVING\n", "")


def test_a_service_that_is_not_there_is_a_mistake_of_the_probe(service: RunningService, ask: Ask) -> None:
    code, out, err = ask("--service", "credit.v1.NoService", listen=service.address)
    assert (code, out) == (2, "")
    assert err == "creditd health: nothing is served by the name 'credit.v1.NoService'\n"


@pytest.mark.parametrize("arguments", [(), ("--alive",)])
def test_where_nothing_answers_it_is_1(ask: Ask, arguments: tuple[str, ...]) -> None:
    code, out, err = ask(*arguments, listen=free_address())
    assert (code, out) == (1, "")
    assert err.startswith("creditd health: no answer at 127.0.0.1:")


@pytest.fixture(scope="module")
def unready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service whose database is not migrated."""
    name = f"creditd_{uuid.uuid4().hex}"
    folder = tmp_path_factory.mktemp("unready")
    with running_service(folder, database_url=create_database(admin_url(), name), migrated=False) as service:
        yield service
    drop_database(admin_url(), name)


def test_a_server_without_its_schema_is_alive_and_not_ready(unready: RunningService, ask: Ask) -> None:
    assert ask(listen=unready.address) == (1, "", "creditd health: NOT_SERVING\n")
    assert ask("--alive", listen=unready.address) == (0, "NOT_SERVING\n", "")


@pytest.mark.requirement("I7")
@pytest.mark.parametrize(
    "names",
    [(x509.DNSName("creditd"), x509.DNSName("creditd.credit.svc")), (x509.DNSName("*.example.org"),)],
    ids=["by name", "wildcard"],
)
def test_over_tls_the_server_is_known_by_its_own_certificate(
    names: tuple[x509.GeneralName, ...], ask: Ask, tmp_path: Path
) -> None:
    """Nothing that asks for health needs the authority, nor a name that leads to this machine."""
    settings = written(tmp_path, "server", identity("server", identity("authority"), names=names))
    with running_service(tmp_path, **settings) as service:
        assert ask(listen=anywhere(service), **settings) == (0, "SERVING\n", "")
        other = written(tmp_path, "other", identity("server", identity("authority"), names=names))
        code, _, err = ask(listen=anywhere(service), **other)
        assert (code, err.startswith("creditd health: no answer at ")) == (1, True)


@pytest.mark.requirement("I7")
def test_where_clients_show_certificates_the_probe_shows_the_servers_own(ask: Ask, tmp_path: Path) -> None:
    authority = identity("authority")
    (tmp_path / "ca.crt").write_bytes(authority.certificate_pem)
    settings = written(tmp_path, "server", identity("server", authority))
    settings["tls_client_ca_file"] = str(tmp_path / "ca.crt")
    with running_service(tmp_path, **settings) as service:
        assert ask(listen=service.address, **settings) == (0, "SERVING\n", "")


def test_a_certificate_without_a_name_is_told(ask: Ask, tmp_path: Path) -> None:
    settings = written(tmp_path, "server", identity("server", names=()))
    code, _, err = ask(listen=free_address(), **settings)
    assert code == 2
    assert err == "creditd health: CREDITD_TLS_CERTIFICATE_FILE holds no certificate with a name\n"
