"""Several servers behind one address: an account's calls go to one of them (I6)."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen, run
from typing import Final
from uuid import uuid4

import grpc
import httpx
import pytest

from credit.v1.credit_service_pb2 import GetBalanceRequest, ReserveRequest
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from tests.gateway.envoy import ROOT, certificates_in, running_gateway
from tests.support.document_blocks import blocks_of
from tests.support.patience import eventually, patience
from tests.support.ports import free_address, free_port
from tests.support.service import RunningService, running_service
from tests.support.tokens import bearer

ACCOUNTS: Final = [f"account-{number}" for number in range(40)]
"""So many that each of two servers has some: all but one of 2^39 ways to share them do."""

SECONDS: Final = patience(20.0)

Requests = Mapping[str, int]
"""How many requests each server has had, by its address."""

pytestmark = [pytest.mark.gateway, pytest.mark.requirement("I6")]


@dataclass
class Balancer:
    """An Envoy that runs, and who calls through it."""

    credits: CreditServiceStub
    admin_port: int

    def ask(self, account_id: str, *, named: bool = True) -> None:
        """Ask for a balance, naming the account in the header that a server is chosen by."""
        token = ("authorization", bearer("reader", ("SERVICE",), "credits.read"))
        metadata = (token, ("x-account-id", account_id)) if named else (token,)
        request = GetBalanceRequest(account_id=account_id)
        self.credits.GetBalance(request, metadata=metadata, timeout=SECONDS, wait_for_ready=True)

    def asked_by(self, account_id: str, *, named: bool = True) -> str:
        """Ask for a balance, and return the address of the server that was asked."""
        before = requests(self.admin_port)
        self.ask(account_id, named=named)
        after = requests(self.admin_port)
        (server,) = [address for address in after if after[address] > before[address]]
        return server


def requests(admin_port: int) -> Requests:
    """Return how many requests each server has had through an Envoy."""
    clusters = httpx.get(f"http://127.0.0.1:{admin_port}/clusters?format=json", trust_env=False).json()
    found = {}
    for host in clusters["cluster_statuses"][0].get("host_statuses", ()):
        address = host["address"]["socket_address"]
        counts = {stat["name"]: int(stat.get("value", 0)) for stat in host["stats"]}
        found[f"{address['address']}:{address['port_value']}"] = counts["rq_total"]
    return found


def healthy(admin_port: int) -> int:
    """Return how many servers an Envoy takes for healthy; none before it serves."""
    try:
        clusters = httpx.get(f"http://127.0.0.1:{admin_port}/clusters?format=json", trust_env=False).json()
    except httpx.TransportError:
        return 0
    hosts = clusters["cluster_statuses"][0].get("host_statuses", ())
    return sum(host["health_status"] == {"eds_health_status": "HEALTHY"} for host in hosts)


@contextmanager
def running_balancer(folder: Path, *services: str, by: str = "account") -> Iterator[Balancer]:
    """Run a balancer before services until the block ends; all of them are healthy when it begins."""
    address, admin_port = free_address(), free_port()
    options = ["--listen", address, "--admin-port", str(admin_port), "--by", by]
    options += ["--tls-folder", str(certificates_in(folder))]
    options += [option for service in services for option in ("--service", service)]
    log = folder / f"balancer-{uuid4().hex}.log"
    with log.open("wb") as output:
        process = Popen([sys.executable, "-m", "tools.balancer", *options], stderr=output, cwd=ROOT)
    try:
        eventually(lambda: healthy(admin_port) == len(services))
        with grpc.insecure_channel(address) as channel:
            yield Balancer(CreditServiceStub(channel), admin_port)
    finally:
        process.terminate()
        process.wait(SECONDS)


@contextmanager
def second(service: RunningService, folder: Path) -> Iterator[RunningService]:
    """Run another server on a service's database."""
    with running_service(folder, database_url=service.config.database_url) as other:
        yield other


def test_the_calls_of_an_account_go_to_one_server_and_those_of_many_to_all(
    service: RunningService, tmp_path: Path
) -> None:
    with second(service, tmp_path) as other, running_balancer(tmp_path, service.address, other.address) as balancer:
        first = {account: balancer.asked_by(account) for account in ACCOUNTS}
        again = {account: balancer.asked_by(account) for account in ACCOUNTS}
    assert again == first
    assert set(first.values()) == {service.address, other.address}


def test_a_server_that_stops_moves_its_accounts_alone(service: RunningService, tmp_path: Path) -> None:
    """No call fails, and accounts of the server that stays are where they were."""
    with ExitStack() as of_other:
        other = of_other.enter_context(second(service, tmp_path))
        with running_balancer(tmp_path, service.address, other.address) as balancer:
            first = {account: balancer.asked_by(account) for account in ACCOUNTS}
            of_other.close()
            # Some are tried at both servers until the one that has stopped is known to be away.
            for account in ACCOUNTS:
                balancer.ask(account)
            eventually(lambda: healthy(balancer.admin_port) == 1)
            after = {account: balancer.asked_by(account) for account in ACCOUNTS}
    assert other.address in first.values()
    assert set(after.values()) == {service.address}


def test_calls_that_name_no_account_go_to_any_server(service: RunningService, tmp_path: Path) -> None:
    with second(service, tmp_path) as other, running_balancer(tmp_path, service.address, other.address) as balancer:
        asked = {balancer.asked_by("ann", named=False) for _ in range(40)}
    assert asked == {service.address, other.address}


def test_by_turns_the_calls_of_an_account_go_to_all(service: RunningService, tmp_path: Path) -> None:
    """What the benchmark compares with."""
    with (
        second(service, tmp_path) as other,
        running_balancer(tmp_path, service.address, other.address, by="turn") as balancer,
    ):
        asked = [balancer.asked_by("ann") for _ in range(4)]
    assert asked[0] != asked[1]
    assert asked[:2] == asked[2:]


def test_the_commands_of_the_document_work_as_pasted(service: RunningService, tmp_path: Path) -> None:
    """The program of docs/balancer.md is run, on a balancer that the command's options start but for addresses."""
    command, program = [block for block in blocks_of(ROOT / "docs" / "balancer.md") if block.language != "text"]
    target, arguments = shlex.split(command.text)[1:]
    assert f"\n{target}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    options = shlex.split(arguments.removeprefix("ARGS="))
    folder = ["--tls-folder", str(certificates_in(tmp_path))]
    printing = [sys.executable, "-m", "tools.balancer", *options, *folder, "--print"]
    printed = run(printing, check=True, cwd=ROOT, capture_output=True, text=True).stdout
    assert all(name in printed for name in ("10.0.0.4", "10.0.0.5", "50050", "x-account-id"))
    request = ReserveRequest(account_id="ann", credit_type="spec", amount=1, request_id="once")
    token = bearer("app", ("SERVICE",), "credits.spend").removeprefix("Bearer ")
    with running_balancer(tmp_path, service.address) as balancer:
        exec(program.text, {"credits": balancer.credits, "request": request, "token": token})  # noqa: S102
        assert sum(requests(balancer.admin_port).values()) == 1


@pytest.mark.requirement("H5")
def test_the_gateway_sends_an_accounts_requests_to_one_server(service: RunningService, tmp_path: Path) -> None:
    """However its id is written, whatever comes after it, and whatever header the caller sends."""
    with (
        second(service, tmp_path) as other,
        running_gateway(tmp_path, service.address, other.address) as gateway,
    ):
        eventually(lambda: healthy(gateway.admin_port) == 2)
        reader = gateway.as_caller("reader", "SERVICE", scope="credits.read")

        def asked(path: str, header: str = "") -> str:
            before = requests(gateway.admin_port)
            answer = reader.get(f"/v1/{path}", headers={"x-account-id": header} if header else {})
            assert answer.status_code == 200, answer.text
            after = requests(gateway.admin_port)
            (server,) = [address for address in after if after[address] > before[address]]
            return server

        by_account = {account: asked(f"accounts/{account}/balances") for account in ACCOUNTS}
        assert set(by_account.values()) == {service.address, other.address}
        for account, server in by_account.items():
            assert asked(f"accounts/{account}/transactions?pageSize=1") == server
            assert asked(f"accounts/{account.replace('-', '%2D')}/reservations", "somebody-else") == server
        assert {asked("creditTypes") for _ in range(40)} == {service.address, other.address}
