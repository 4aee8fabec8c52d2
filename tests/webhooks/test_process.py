"""`creditd webhooks` as a process: what it asks for, how it ends, and what it does not know."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from creditd.webhooks import limits
from tests.support.event_loop import Run, event_loop
from tests.support.patience import eventually
from tests.support.ports import free_address
from tests.support.programs import PATIENCE_SECONDS, Creditd, Started
from tests.support.told_service import ToldService
from tests.support.webhook_adapter import told_service

LISTENING = '"message":"listening for webhooks"'


@pytest.fixture
def creditd(tmp_path: Path) -> Creditd:
    """Return `creditd` with all that the adapter needs but a service."""
    token = tmp_path / "token"
    token.write_text("a-token")
    return Creditd(
        tmp_path,
        {
            "CREDITD_WEBHOOKS_LISTEN": free_address(),
            "CREDITD_WEBHOOKS_SERVICE": free_address(),
            "CREDITD_WEBHOOKS_TOKEN_FILE": str(token),
        },
    )


@pytest.fixture
def run() -> Iterator[Run]:
    """Give an event loop for the service."""
    with event_loop() as run:
        yield run


@pytest.fixture
def service(run: Run, creditd: Creditd) -> Iterator[ToldService]:
    """Run the service that the adapter is to call."""
    with told_service(run) as service:
        creditd.settings["CREDITD_WEBHOOKS_SERVICE"] = service.address
        yield service


def post(creditd: Creditd) -> httpx.Response:
    """Send a webhook to the process."""
    url = f"http://{creditd.settings['CREDITD_WEBHOOKS_LISTEN']}/webhooks/lemonsqueezy"
    return httpx.post(url, content=b"{}", timeout=PATIENCE_SECONDS, trust_env=False)


def lines_of(started: Started) -> list[dict[str, str]]:
    """Return the lines about webhooks."""
    lines = [json.loads(line) for line in started.said.splitlines()]
    return [line for line in lines if line["message"] == "webhook"]


@pytest.mark.requirement("I5")
def test_what_is_under_way_is_answered_first_and_others_are_turned_away(
    creditd: Creditd, run: Run, service: ToldService
) -> None:
    run(service.hold())
    with creditd.started("webhooks") as started, ThreadPoolExecutor() as threads:
        started.says(LISTENING)
        sent = threads.submit(post, creditd)
        eventually(lambda: service.taken, PATIENCE_SECONDS)
        started.process.send_signal(signal.SIGTERM)
        started.says('"message":"stopping"')
        late = post(creditd)
        assert (late.status_code, late.headers["retry-after"]) == (503, str(limits.RETRY_AFTER_SECONDS))
        health = httpx.get(f"http://{creditd.settings['CREDITD_WEBHOOKS_LISTEN']}/healthz", trust_env=False)
        assert (health.status_code, health.json()) == (503, {"service": "stopping"})
        service.delay_seconds = 0.2
        run(service.release())
        assert sent.result().status_code == 200
        assert started.process.wait(PATIENCE_SECONDS) == 0
        turned_away, line = lines_of(started)
        assert (turned_away["reason"], line["reason"]) == ("SHUTTING_DOWN", "STORED")
        assert line["correlation_id"] == service.taken[0].metadata["x-correlation-id"]
        assert '"message":"stopped"' in started.said


def test_a_second_signal_ends_it_at_once(creditd: Creditd, run: Run, service: ToldService) -> None:
    run(service.hold())
    with creditd.started("webhooks") as started, ThreadPoolExecutor() as threads:
        started.says(LISTENING)
        sent = threads.submit(post, creditd)
        eventually(lambda: service.taken, PATIENCE_SECONDS)
        started.process.send_signal(signal.SIGTERM)
        started.says('"message":"stopping"')
        assert started.stop() == 128 + signal.SIGTERM
        assert isinstance(sent.exception(), httpx.TransportError)


@pytest.mark.requirement("E7")
def test_without_its_service_it_starts_and_lives_and_says_503(creditd: Creditd) -> None:
    listen, service = creditd.settings.pop("CREDITD_WEBHOOKS_LISTEN"), creditd.settings.pop("CREDITD_WEBHOOKS_SERVICE")
    with creditd.started("webhooks", "--listen", listen, "--service", service) as started:
        started.says(LISTENING)
        creditd.settings["CREDITD_WEBHOOKS_LISTEN"] = listen
        assert post(creditd).status_code == 503
        assert httpx.get(f"http://{listen}/healthz", trust_env=False).json() == {"service": "unreachable"}
        second = creditd("webhooks")
        assert (second.returncode, second.stderr.count("\n")) == (2, 1)
        assert f"cannot listen on {listen}" in second.stderr
        assert started.stop(signal.SIGINT) == 0


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("CREDITD_WEBHOOKS_TOKEN_FILE", "", "payments.ingest"),
        ("CREDITD_WEBHOOKS_TOKEN_FILE", "/nowhere", "holds no token"),
        ("CREDITD_WEBHOOKS_LISTEN", "8080", "expected host:port"),
        ("CREDITD_WEBHOOKS_SERVICE", "credits.example:443", "CREDITD_WEBHOOKS_TLS_CA_FILE"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_clear_line(
    creditd: Creditd, setting: str, value: str, message: str
) -> None:
    creditd.settings[setting] = value
    done = creditd("webhooks")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.startswith("creditd webhooks: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.requirement("E2")
def test_it_knows_no_database() -> None:
    program = "import sys, creditd.cli.webhooks, creditd.webhooks.adapter; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    assert "creditd.webhooks.ingestion" in modules
    forbidden = ("sqlalchemy", "psycopg", "alembic", "creditd.ledger", "creditd.storage", "creditd.bootstrap")
    assert [name for name in modules if name.startswith(forbidden)] == []
