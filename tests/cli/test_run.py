"""`creditd run` on an empty folder: everything starts, what it prints works, and Ctrl-C leaves nothing running."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.patience import eventually
from tests.support.ports import free_address
from tests.support.programs import PATIENCE_SECONDS, Creditd, Started, are_gone

READY = "Ctrl-C stops everything"

FLAGS = {
    "--listen": "CREDITD_LISTEN",
    "--metrics-listen": "CREDITD_METRICS_LISTEN",
    "--webhooks-listen": "CREDITD_WEBHOOKS_LISTEN",
    "--fakes-listen": "CREDITD_FAKES_LISTEN",
    "--console-listen": "CREDITD_CONSOLE_LISTEN",
}

NOWHERE = {
    "CREDITD_METRICS_LISTEN": "",
    "CREDITD_WEBHOOKS_LISTEN": "",
    "CREDITD_CONSOLE_LISTEN": "",
    "CREDITD_FAKES_LISTEN": "127.0.0.1:0",
}

AS_OWNER = {"CREDITD_REQUIRE_LEAST_PRIVILEGE": "false"}
"""For a database that is given: `run` migrates and serves by the one login."""


@pytest.fixture(scope="module")
def creditd(tmp_path_factory: pytest.TempPathFactory) -> Creditd:
    """Return `creditd` in an empty folder."""
    return Creditd(tmp_path_factory.mktemp("run"), {variable: free_address() for variable in FLAGS.values()})


@pytest.fixture(scope="module")
def running(creditd: Creditd) -> Iterator[Started]:
    """Run it for the tests of this file."""
    with creditd.started("run") as started:
        started.says(READY)
        yield started


@pytest.mark.requirement("I1")
def test_it_says_what_it_started_and_where(creditd: Creditd, running: Started) -> None:
    said = running.said
    assert "data folder  .creditd" in said
    assert "embedded PostgreSQL in .creditd/postgres" in said
    assert f"gRPC         {creditd.settings['CREDITD_LISTEN']}" in said
    assert f"http://{creditd.settings['CREDITD_METRICS_LISTEN']}/metrics" in said
    assert f"http://{creditd.settings['CREDITD_WEBHOOKS_LISTEN']}/healthz" in said
    console = f"http://{creditd.settings['CREDITD_CONSOLE_LISTEN']}/"
    assert said.index(f"console      {console}") < said.index("gRPC  ")
    assert "Sign in" in httpx.get(console, trust_env=False, follow_redirects=True).text
    assert "fake Stripe, Omise and Lemon Squeezy at http://127.0.0.1:" in said
    assert "WARNING" not in said
    assert '"logger":"creditd.development.postgres.server"' in (creditd.folder / ".creditd" / "creditd.log").read_text()
    assert (creditd.folder / ".creditd" / "creditd.log").stat().st_mode & 0o077 == 0


@pytest.mark.requirement("G3", "I1")
def test_the_first_administrator_signs_in_with_what_it_prints_once(creditd: Creditd, running: Started) -> None:
    found = re.search(r"first administrator: (\S+), password (\S+) \(shown this once\)", running.said)
    assert found
    request = json.dumps({"email": found[1], "password": found[2]})
    answer = json.loads(creditd("call", "Login", request).stdout)
    mine = creditd("call", "--token", answer["tokens"]["access_token"], "GetMyAccess").stdout
    assert "ROLE_SUPER_ADMIN" in mine
    jwks = f"http://{creditd.settings['CREDITD_METRICS_LISTEN']}/.well-known/jwks.json"
    assert httpx.get(jwks, trust_env=False).json()["keys"]


@pytest.mark.requirement("E2", "I1")
def test_the_webhook_adapter_has_the_service_judge_what_comes(creditd: Creditd, running: Started) -> None:
    assert running.process.poll() is None
    adapter = f"http://{creditd.settings['CREDITD_WEBHOOKS_LISTEN']}"
    assert httpx.get(f"{adapter}/healthz", trust_env=False).status_code == 200
    assert httpx.post(f"{adapter}/webhooks/stripe", content=b"not signed", trust_env=False).status_code == 400


@pytest.mark.requirement("I1")
def test_every_command_that_it_prints_works_as_pasted(creditd: Creditd, running: Started) -> None:
    done = paste(creditd, running.said.partition("To try")[2])
    assert done.returncode == 0, done.stderr
    assert '"kind": "ENTRY_KIND_RESERVE"' in done.stdout


@pytest.mark.requirement("E1", "I1")
def test_what_is_paid_on_the_page_that_it_names_arrives_as_credits(creditd: Creditd, running: Started) -> None:
    assert running.process.poll() is None
    price = {"amount": 500, "currency": "THB"}
    package = {"package_id": "paid", "display_name": "7", "credit_type": "chat", "credits": 7, "price": price}
    order = {"account_id": "payer", "package_id": "paid", "provider": 1, "return_url": "https://example.com/"}
    assert creditd("call", "CreatePackage", json.dumps({"package": package})).returncode == 0
    purchase = json.loads(creditd("call", "CreatePurchase", json.dumps(order)).stdout)["purchase"]
    assert httpx.post(purchase["redirect_url"], data={"act": "pay"}, trust_env=False).has_redirect_location
    question = json.dumps({"name": purchase["name"]})
    eventually(lambda: "PURCHASE_STATE_COMPLETED" in creditd("call", "GetPurchase", question).stdout, PATIENCE_SECONDS)
    wallet = creditd("call", "GetBalance", '{"account_id": "payer", "credit_types": ["chat"]}')
    assert '"available": "7"' in wallet.stdout


def paste(creditd: Creditd, text: str) -> subprocess.CompletedProcess[str]:
    """Paste the indented lines of a text into a shell."""
    lines = [line for line in text.splitlines() if line.startswith("  ")]
    assert len(lines) >= 7
    if not shutil.which("grpcurl"):
        lines = [line for line in lines if not line.strip().startswith("grpcurl")]
    return subprocess.run(
        ["/bin/sh", "-e"],
        input="\n".join(lines),
        cwd=creditd.folder,
        env=creditd.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


def test_a_second_start_on_the_same_folder_says_whose_it_is_and_changes_nothing(
    creditd: Creditd, running: Started
) -> None:
    log = creditd.folder / ".creditd" / "creditd.log"
    before = log.stat().st_ino
    elsewhere = dict.fromkeys(FLAGS, "") | {"--listen": free_address(), "--fakes-listen": "127.0.0.1:0"}
    second = creditd("run", *(word for pair in elsewhere.items() for word in pair))
    assert second.returncode == 2
    assert f"in use by process {running.process.pid}" in second.stderr
    assert log.stat().st_ino == before
    assert not log.with_suffix(".log.1").exists()
    assert running.process.poll() is None


@pytest.mark.parametrize("flag", FLAGS)
def test_a_second_start_on_the_same_port_says_so_before_it_makes_anything(
    creditd: Creditd, running: Started, tmp_path: Path, flag: str
) -> None:
    taken = creditd.settings[FLAGS[flag]]
    nowhere = {"--metrics-listen": "", "--webhooks-listen": "", "--console-listen": ""}
    flags = {"--listen": free_address()} | nowhere | {flag: taken}
    second = Creditd(tmp_path)("run", *(word for pair in flags.items() for word in pair))
    assert second.returncode == 2
    assert f"cannot listen on {taken}: Address already in use" in second.stderr
    assert f"run {flag} HOST:PORT" in second.stderr
    assert not (tmp_path / ".creditd").exists()
    assert running.process.poll() is None


@pytest.mark.requirement("A7", "I1")
def test_however_it_ends_nothing_runs_on_and_the_next_start_finds_the_data(tmp_path: Path) -> None:
    creditd = Creditd(tmp_path, {**NOWHERE, "CREDITD_LISTEN": free_address()})
    request = '{"account_id": "ann", "credit_type": "spec", "amount": 1, "request_id": "once"}'
    for number, exit_code in ((signal.SIGINT, 0), (signal.SIGKILL, -9), (signal.SIGTERM, 0)):
        with creditd.started("run") as started:
            started.says(READY)
            answer = creditd("call", "Reserve", request)
            assert answer.returncode == 0, answer.stderr
            assert ("replayed" in answer.stderr) == (number != signal.SIGINT)
            descendants = started.descendants()
            assert any(process.name() == "postgres" for process in descendants)
            assert started.stop(number) == exit_code
            assert are_gone(descendants)
            assert started.said.endswith("stopping\n") == (exit_code == 0)


def test_postgresql_that_is_killed_is_back_and_so_is_the_service(creditd: Creditd, running: Started) -> None:
    pid_file = creditd.folder / ".creditd" / "postgres" / "cluster" / "postmaster.pid"
    killed = pid_file.read_text().split()[0]
    os.kill(int(killed), signal.SIGKILL)
    running.says("runs again on")
    request = '{"account_id": "survivor", "credit_type": "spec", "amount": 1, "request_id": "once"}'
    refused = []

    def is_done() -> bool:
        answer = creditd("call", "Reserve", request)
        refused.extend([answer.stderr] if answer.returncode else [])
        return answer.returncode == 0

    eventually(is_done, PATIENCE_SECONDS)
    assert all("UNAVAILABLE" in said for said in refused)
    assert pid_file.read_text().split()[0] != killed
    assert "PostgreSQL has died, and is started again" in running.said
    assert '"exception"' not in (creditd.folder / ".creditd" / "creditd.log").read_text()
    assert running.process.poll() is None


def test_with_a_key_of_one_provider_that_one_is_real_and_none_is_fake(database: str, tmp_path: Path) -> None:
    stripe = {
        "CREDITD_STRIPE_API_KEY": "sk_test_1",
        "CREDITD_STRIPE_WEBHOOK_SECRETS": "whsec_1",
        "CREDITD_STRIPE_API_URL": f"http://{free_address()}",
    }
    there = {"CREDITD_DATABASE_URL": database, "CREDITD_LISTEN": free_address(), **AS_OWNER}
    with Creditd(tmp_path, NOWHERE | there | stripe).started("run") as started:
        said = started.says(READY)
        assert "payments     Stripe\n" in said
        assert "fake" not in said
        assert "CreatePurchase" not in said
        assert started.stop(signal.SIGINT) == 0


@pytest.mark.requirement("I1")
def test_it_takes_a_database_that_is_configured_and_starts_none(database: str, tmp_path: Path) -> None:
    there = {"CREDITD_DATABASE_URL": database, "CREDITD_LISTEN": free_address()}
    refused = Creditd(tmp_path, {**NOWHERE, **there})("run")
    assert refused.returncode == 2
    (line,) = (line for line in refused.stderr.splitlines() if line.startswith("creditd run: "))
    assert "set CREDITD_REQUIRE_LEAST_PRIVILEGE to false" in line
    creditd = Creditd(tmp_path, {**NOWHERE, **there, **AS_OWNER})
    with creditd.started("run") as started:
        assert "database     that of CREDITD_DATABASE_URL" in started.says(READY)
        assert not any(process.name() == "postgres" for process in started.descendants())
        answer = creditd("call", "GetBalance", '{"account_id": "ann", "credit_types": ["spec"]}')
        assert '"available": "1"' in answer.stdout
        assert started.stop(signal.SIGINT) == 0
    assert not (tmp_path / ".creditd" / "postgres").exists()
