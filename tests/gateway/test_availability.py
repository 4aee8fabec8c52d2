"""Servers that come and go, floods, and TLS on both sides (H5)."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest

from creditd.development.certificates import CertificatePlan, issue, write_new
from tests.gateway.envoy import Gateway, got, running_gateway
from tests.support.patience import eventually
from tests.support.ports import free_address
from tests.support.service import RunningService, running_service

FLOOD_AT_ONCE: Final = 12
"""Calls that are under way together: more than come to be allowed meanwhile, however slow the machine is."""

pytestmark = [pytest.mark.gateway, pytest.mark.requirement("H5")]


def reader_of(gateway: Gateway) -> httpx.Client:
    """Return a service that reads."""
    return gateway.as_caller("reader", "SERVICE", scope="credits.read")


def test_without_a_server_a_caller_is_told_when_to_come_back(tmp_path: Path) -> None:
    """And is answered once there is one."""
    address = free_address()
    with running_gateway(tmp_path, address) as gateway:
        assert gateway.health() == 503
        answer = reader_of(gateway).get("/v1/creditTypes")
        assert (answer.status_code, answer.json()["reason"]) == (503, "SERVICE_UNAVAILABLE")
        assert int(answer.headers["retry-after"]) >= 1
        with running_service(tmp_path, listen=address):
            eventually(lambda: gateway.health() == 200)
            assert got(reader_of(gateway), "creditTypes")
        eventually(lambda: gateway.health() == 503)


def test_a_server_that_is_away_is_asked_nothing(service: RunningService, tmp_path: Path) -> None:
    with running_gateway(tmp_path, service.address, free_address()) as gateway:
        eventually(lambda: gateway.health() == 200)
        assert {reader_of(gateway).get("/v1/creditTypes").status_code for _ in range(40)} == {200}


def test_two_servers_serve_as_one_while_one_of_them_stops(service: RunningService, tmp_path: Path) -> None:
    with ExitStack() as of_other:
        other = of_other.enter_context(running_service(tmp_path, database_url=service.config.database_url))
        with running_gateway(tmp_path, service.address, other.address) as gateway:
            eventually(lambda: gateway.health() == 200)
            before = {reader_of(gateway).get("/v1/creditTypes").status_code for _ in range(20)}
            of_other.close()
            after = {reader_of(gateway).get("/v1/creditTypes").status_code for _ in range(40)}
            assert (before, after) == ({200}, {200})


@pytest.mark.requirement("I2")
def test_a_flood_from_one_address_is_refused(service: RunningService, tmp_path: Path) -> None:
    with running_gateway(tmp_path, service.address, calls_per_second=1) as gateway:
        eventually(lambda: gateway.health() == 200)
        reader = reader_of(gateway)
        with ThreadPoolExecutor(FLOOD_AT_ONCE) as pool:
            answers = list(pool.map(reader.get, ["/v1/creditTypes"] * FLOOD_AT_ONCE * 4))
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert {answer.json()["reason"] for answer in refused} == {"RATE_LIMITED"}
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        assert gateway.health() == 200


@pytest.mark.requirement("I2")
def test_a_caller_beyond_its_limit_is_told_the_services_own_time(tmp_path: Path) -> None:
    with (
        running_service(tmp_path, user_calls_per_minute=1) as service,
        running_gateway(tmp_path, service.address) as gateway,
    ):
        eventually(lambda: gateway.health() == 200)
        owner = gateway.as_caller("ann", "USER")
        answers = [owner.get("/v1/accounts/ann/balances") for _ in range(6)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        told = refused[-1].json()
        (info,) = [detail for detail in told["details"] if detail["@type"].endswith("/google.rpc.ErrorInfo")]
        assert told["reason"] == "RATE_LIMITED"
        assert refused[-1].headers["retry-after"] == info["metadata"]["retry_seconds"]


def test_a_server_over_tls_is_known_by_its_authority(tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    write_new(folder, issue(CertificatePlan(("localhost", "127.0.0.1"), ("client",), "creditd.test", 1)))
    files = {"tls_certificate_file": str(folder / "server.pem"), "tls_key_file": str(folder / "server.key")}
    with running_service(tmp_path, **files) as service:
        port = service.address.rpartition(":")[2]
        with running_gateway(tmp_path, f"tls://localhost:{port}") as gateway:
            eventually(lambda: gateway.health() == 200)
            assert got(reader_of(gateway), "creditTypes")


def test_a_server_of_another_authority_is_not_spoken_to(tmp_path: Path) -> None:
    strange = tmp_path / "strange"
    write_new(strange, issue(CertificatePlan(("localhost",), ("client",), "creditd.test", 1)))
    files = {"tls_certificate_file": str(strange / "server.pem"), "tls_key_file": str(strange / "server.key")}
    with running_service(tmp_path, **files) as service:
        port = service.address.rpartition(":")[2]
        with running_gateway(tmp_path, f"tls://localhost:{port}") as gateway:
            assert reader_of(gateway).get("/v1/creditTypes").status_code == 503


def test_callers_come_by_tls_alone(gateway: Gateway) -> None:
    with pytest.raises(httpx.TransportError), httpx.Client(trust_env=False) as client:
        client.get(f"http://{gateway.address}/healthz")
