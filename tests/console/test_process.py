"""`creditd console` as a process: what it asks for, what it does without its service, and what it does not know."""

import signal
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from creditd.cli.main import main
from tests.support.certificates import identity
from tests.support.ports import free_address
from tests.support.programs import PATIENCE_SECONDS, Creditd

LISTENING = '"message":"listening for the console"'


@pytest.fixture
def creditd(tmp_path: Path) -> Creditd:
    """Return `creditd` with all that the console needs but a service."""
    return Creditd(tmp_path, {"CREDITD_CONSOLE_LISTEN": free_address(), "CREDITD_CONSOLE_SERVICE": free_address()})


@pytest.mark.requirement("E7")
def test_without_its_service_it_starts_and_says_so_on_a_page_that_tries_again(creditd: Creditd) -> None:
    listen, service = creditd.settings.pop("CREDITD_CONSOLE_LISTEN"), creditd.settings.pop("CREDITD_CONSOLE_SERVICE")
    with creditd.started("console", "--listen", listen, "--service", service) as started:
        started.says(LISTENING)
        with httpx.Client(base_url=f"http://{listen}", trust_env=False, timeout=PATIENCE_SECONDS) as http:
            assert http.get("/healthz").json() == {"service": "unreachable"}
            page = http.get("/sign-in")
            token = page.text.split('name="form_token" value="')[1].partition('"')[0]
            sent = http.post("/sign-in", data={"form_token": token, "email": "a@example.org", "password": "x"})
            assert sent.status_code == 503
            assert "The service does not answer" in sent.text
        assert started.stop(signal.SIGTERM) == 0
        assert '"message":"stopped"' in started.said


def test_it_is_served_over_tls_by_its_settings(creditd: Creditd, tmp_path: Path) -> None:
    shown = identity("localhost")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(shown.certificate_pem)
    key.write_bytes(shown.key_pem)
    port = creditd.settings["CREDITD_CONSOLE_LISTEN"].rpartition(":")[2]
    creditd.settings |= {
        "CREDITD_CONSOLE_LISTEN_TLS_CERTIFICATE_FILE": str(certificate),
        "CREDITD_CONSOLE_LISTEN_TLS_KEY_FILE": str(key),
    }
    with creditd.started("console") as started:
        started.says(LISTENING)
        trusted = ssl.create_default_context(cafile=str(certificate))
        answer = httpx.get(f"https://localhost:{port}/sign-in", verify=trusted, trust_env=False)
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert answer.headers["set-cookie"].startswith("__Host-creditd-gate=")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"CREDITD_CONSOLE_LISTEN": "8080"}, "expected host:port"),
        ({"CREDITD_CONSOLE_LISTEN": ""}, "CREDITD_CONSOLE_LISTEN is empty"),
        ({"CREDITD_CONSOLE_LISTEN": "0.0.0.0:0"}, "CREDITD_CONSOLE_LISTEN_TLS_CERTIFICATE_FILE"),
        ({"CREDITD_CONSOLE_SERVICE": "credits.example:443"}, "CREDITD_CONSOLE_TLS_CA_FILE"),
        ({"CREDITD_CONSOLE_URL": "http://staff.example.org"}, "https://host/path"),
        ({"CREDITD_CONSOLE_URL": "https://staff.example.org/a?b"}, "https://host/path"),
        ({"CREDITD_CONSOLE_COOKIE_KEY": "short"}, "32 characters or more"),
        ({"CREDITD_CONSOLE_IDLE_SECONDS": "1"}, "60 or more"),
        ({"CREDITD_CONSOLE_SESSION_SECONDS": "1"}, "60 or more"),
        ({"CREDITD_CONSOLE_SSO_ISSUER": "https://id.example"}, "CREDITD_CONSOLE_SSO_CLIENT_ID go together"),
        ({"CREDITD_CONSOLE_TLS_CA_FILE": "/nowhere"}, "CREDITD_CONSOLE_TLS_CA_FILE"),
        ({"CREDITD_CONSOLE_TLS_CERTIFICATE_FILE": __file__}, "CREDITD_CONSOLE_TLS_KEY_FILE go together"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_clear_line(
    settings: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        sys.exit(main(("console",)))
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert message in said.err
    assert said.err.startswith("creditd console: ")
    assert said.err.count("\n") == 1


@pytest.mark.requirement("D6")
def test_it_knows_no_database() -> None:
    program = "import sys, creditd.cli.console, creditd.console.console; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    assert "creditd.console.subjects.account_page" in modules
    forbidden = ("sqlalchemy", "psycopg", "alembic", "creditd.ledger", "creditd.storage", "creditd.bootstrap")
    assert [name for name in modules if name.startswith(forbidden)] == []
