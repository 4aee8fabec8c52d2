"""IdentityService as a process of its own, which needs no ledger."""

import json
import socket
from pathlib import Path

import grpc
import httpx
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from creditd.development.postgres.logins import IDENTITY_LOGIN, server_url
from creditd.identity.storage.schema import IDENTITY
from creditd.storage.schema import migrate
from tests.support.ports import free_address
from tests.support.postgres import admin_url, create_database, drop_database
from tests.support.programs import Creditd

pytestmark = pytest.mark.requirement("G3")

NAME = "identity_alone"

LISTENING = '"message":"listening"'

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def test_it_signs_users_in_without_the_ledger_s_database(tmp_path: Path) -> None:
    """It starts, is watched and stops as a server of credits does: outside issuers were asked for their keys first."""
    url = create_database(admin_url(), NAME)
    migrate(url, IDENTITY)
    metrics = free_address()
    away = {
        "issuer": "https://away.example",
        "audience": "credits",
        "jwks_url": f"https://{free_address()}/jwks",
        "subject_prefix": "away:",
    }
    (tmp_path / "issuers.json").write_text(json.dumps([away]))
    creditd = Creditd(
        tmp_path,
        _settings(server_url(url, IDENTITY.role, IDENTITY_LOGIN))
        | {"CREDITD_METRICS_LISTEN": metrics, "CREDITD_ISSUERS_FILE": str(tmp_path / "issuers.json")},
    )
    request = json.dumps({"email": "ann@example.org", "password": "correct horse battery"})
    with creditd.started("serve", "--services", "identity") as started:
        started.says(LISTENING)
        assert creditd("call", "Register", request).returncode == 0
        tokens = json.loads(creditd("call", "Login", request).stdout)["tokens"]
        again = json.dumps({"refresh_token": tokens["refresh_token"], "request_id": "1"})
        assert creditd("call", "Refresh", again).returncode == 0
        everything = creditd("call", "--token", tokens["access_token"], "Revoke", '{"all_sessions": true}')
        assert everything.returncode == 0
        with grpc.insecure_channel(creditd.settings["CREDITD_LISTEN"]) as channel:
            assert HealthStub(channel).Check(HealthCheckRequest(), timeout=20).status == HealthCheckResponse.SERVING
        assert "UNIMPLEMENTED" in creditd("call", "--token", tokens["access_token"], "GetMyAccess").stderr
        assert httpx.get(f"http://{metrics}/.well-known/jwks.json", trust_env=False).json()["keys"]
        scraped = httpx.get(f"http://{metrics}/metrics", trust_env=False).text
        assert 'method="/credit.v1.IdentityService/Login"' in scraped
        assert 'creditd_transport_info{transport="' in scraped
        assert 'creditd_bulkhead_threads{kind="passwords"} 2.0' in scraped
        assert 'creditd_issuer_fetch_failures_total{issuer="https://away.example"' in scraped
        first = json.loads(next(line for line in started.said.splitlines() if LISTENING in line))
        assert (first["services"], first["role"]) == ("identity", IDENTITY.role)
        assert started.stop() == 0
    drop_database(admin_url(), NAME)


def test_without_its_database_the_server_as_a_whole_is_not_serving(tmp_path: Path) -> None:
    creditd = Creditd(tmp_path, _settings(NOWHERE))
    with creditd.started("serve", "--services", "identity") as started:
        started.says("not serving yet")
        with grpc.insecure_channel(creditd.settings["CREDITD_LISTEN"]) as channel:
            answer = HealthStub(channel).Check(HealthCheckRequest(), timeout=20)
            assert answer.status == HealthCheckResponse.NOT_SERVING
        assert started.stop() == 0


@pytest.mark.requirement("I7")
def test_an_owner_does_not_serve_it_alone_either(tmp_path: Path) -> None:
    url = create_database(admin_url(), f"{NAME}_owned")
    migrate(url, IDENTITY)
    refusal = Creditd(tmp_path, _settings(url))("serve", "--services", "identity")
    assert (refusal.returncode, "could rewrite identity's history" in refusal.stderr) == (2, True)
    drop_database(admin_url(), f"{NAME}_owned")


@pytest.mark.parametrize("flags", [("--services", "credit,identity"), ()])
def test_it_is_served_alone_only_if_asked_for(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """A ledger's database that somebody forgot to name is no wish to do without the ledger."""
    creditd = Creditd(tmp_path, _settings(NOWHERE))
    refusal = creditd("serve", *flags)
    assert (refusal.returncode, "set CREDITD_DATABASE_URL" in refusal.stderr) == (2, True)


def test_a_metrics_port_in_use_is_told_in_a_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        metrics = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = _settings(NOWHERE) | {"CREDITD_METRICS_LISTEN": metrics}
        refusal = Creditd(tmp_path, settings)("serve", "--services", "identity")
    assert (refusal.returncode, f"cannot serve metrics on {metrics}: " in refusal.stderr) == (2, True)
    assert "Traceback" not in refusal.stderr


def _settings(database_url: str) -> dict[str, str]:
    return {
        "CREDITD_IDENTITY_DATABASE_URL": database_url,
        "CREDITD_IDENTITY_KEY_ENCRYPTION_KEY": "of the tests, and of nothing else",
        "CREDITD_LISTEN": free_address(),
        "CREDITD_METRICS_LISTEN": "",
        "CREDITD_DRAIN_SECONDS": "0",
    }


def test_what_is_to_be_served_has_to_be_there_and_to_be_configured(tmp_path: Path) -> None:
    creditd = Creditd(tmp_path, {})
    refusal = creditd("serve", "--services", "identity")
    assert (refusal.returncode, "set CREDITD_IDENTITY_DATABASE_URL" in refusal.stderr) == (2, True)
    refusal = creditd("serve", "--services", "idntity")
    assert (refusal.returncode, "did you mean identity?" in refusal.stderr) == (2, True)
