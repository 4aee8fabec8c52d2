"""Every run ends once, and costs what it says, whoever is killed meanwhile: servers, the executor, PostgreSQL (G2)."""

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import grpc
import psycopg
import pytest
from google.protobuf.duration_pb2 import Duration

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import workflow_pb2
from credit.v1 import workflow_service_pb2 as pb
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.workflow_service_pb2_grpc import WorkflowServiceStub
from creditd.development.postgres import EmbeddedPostgres
from creditd.ledger.ids import uuid7
from tests.faults.arena import STAFF, Arena, arena
from tests.faults.client import ASK_AGAIN, open_channel
from tests.faults.executor_process import ExecutorProcess
from tests.faults.operations import CREDIT_TYPE
from tests.faults.run_audit import audit_runs
from tests.support.patience import eventually
from tests.support.postgres_faults import kill_all, restart
from tests.support.refusals import read_refusal

RUNS: Final = int(os.environ.get("CREDITD_TEST_RUNS", "100"))
"""Of the long battery."""

LONG_SECONDS: Final = 1_500

SETTLED_SECONDS: Final = 300.0
"""Far more than the longest timeout and a few leases take."""

WORD_SECONDS: Final = 0.03

LEAST_RUNS_OF_ACCOUNT: Final = 40
"""Fewer than may be open at once, so that few callers wait for room."""

CALLERS: Final = 16

WORKFLOWS: Final[dict[str, dict[str, Any]]] = {
    "measured": {"amount_range": {"least_amount": 0, "most_amount": 60}, "timeout": Duration(seconds=120)},
    "fixed": {"fixed_amount": 60, "timeout": Duration(seconds=120)},
    "hasty": {"fixed_amount": 60, "timeout": Duration(seconds=1)},
}


class Callers:
    """Have workflows run on all servers, and ask again until they have an answer."""

    def __init__(self, place: Arena, accounts: int) -> None:
        """Open the accounts, and make their workflows."""
        self._channels = [open_channel(server.address) for server in place.servers]
        self._stubs = [WorkflowServiceStub(channel) for channel in self._channels]
        self.pool = ThreadPoolExecutor(CALLERS)
        self.surprises: Counter[str] = Counter()
        self.accounts = [f"runs-{number}" for number in range(accounts)]
        for account_id in self.accounts:
            amount = admin.CreditAmount(credit_type=CREDIT_TYPE, amount=1_000_000)
            funding = admin.AddCreditsRequest(
                account_id=account_id, amounts=[amount], reason="to be spent", request_id=uuid7()
            )
            AdminServiceStub(self._channels[0]).AddCredits(funding, metadata=STAFF)
            for workflow_id, cost in WORKFLOWS.items():
                made = workflow_pb2.Workflow(
                    display_name=workflow_id, executor="words", credit_type=CREDIT_TYPE, **cost
                )
                self.ask(
                    "CreateWorkflow",
                    pb.CreateWorkflowRequest(
                        account_id=account_id, workflow_id=workflow_id, workflow=made, request_id=uuid7()
                    ),
                )

    def close(self) -> None:
        """End the connections."""
        self.pool.shutdown(cancel_futures=True)
        for channel in self._channels:
            channel.close()

    def ask(self, method: str, request: Any) -> Any:
        """Make a call, again and again until it is answered; None for a refusal."""
        while True:
            try:
                return getattr(random.choice(self._stubs), method)(request, metadata=STAFF, timeout=10)
            except grpc.RpcError as error:
                if error.code() not in ASK_AGAIN:
                    reason = read_refusal(error).reason
                    if reason != "RUN_ENDED":
                        self.surprises[reason or str(error)] += 1
                    return None
                time.sleep(random.uniform(0.05, 0.2))

    def run(self, number: int) -> str:
        """Have something run, and give every eighth one up; return the run's id."""
        account_id = self.accounts[number % len(self.accounts)]
        text: Any = "word " * random.randrange(1, 50)
        if number % 10 == 0:
            # It cannot be counted, or costs more than is held.
            text = random.choice([5, "word " * 61])
        workflow_id = "hasty" if number % 10 == 1 else ("fixed" if number % 3 else "measured")
        if workflow_id == "hasty":
            text = "word " * 60
        request = pb.RunWorkflowRequest(
            name=f"accounts/{account_id}/workflows/{workflow_id}",
            input=json.dumps({"text": text}),
            request_id=uuid7(),
        )
        answer = self.ask("RunWorkflow", request)
        if answer is None:
            return ""
        if number % 8 == 0:
            time.sleep(random.uniform(0, 1.5))
            self.ask("CancelRun", pb.CancelRunRequest(name=answer.run.name, reason="enough", request_id=uuid7()))
        run_id: str = answer.run.name.rpartition("/")[2]
        return run_id


@contextmanager
def calling(place: Arena, accounts: int) -> Iterator[Callers]:
    """Keep callers until the block ends."""
    callers = Callers(place, accounts)
    try:
        yield callers
    finally:
        callers.close()


class Killer:
    """Kills one after the other, at random, and starts it again."""

    def __init__(self, place: Arena, executor: ExecutorProcess, postgres: EmbeddedPostgres) -> None:
        """Know the victims."""
        self.killed: Counter[str] = Counter()
        self._place = place
        self._executor = executor
        self._postgres = postgres
        self._victims: dict[str, Callable[[], None]] = {
            "server": self._kill_server,
            "executor": self._kill_executor,
            "PostgreSQL": self._kill_postgres,
        }
        self._over = threading.Event()

    def each_once(self) -> None:
        """Kill each kind of victim once."""
        for kind in self._victims:
            self._kill(kind)
            time.sleep(random.uniform(0.3, 1.0))

    def until(self, is_over: Callable[[], bool]) -> None:
        """Kill at random until nothing goes on any more, each kind once at least."""
        self.each_once()
        while not is_over():
            self._kill(random.choice(list(self._victims)))
            # However slow a start is on a loaded machine, something is done between two kills.
            random.choice(self._place.servers).await_serving()
            time.sleep(random.uniform(0.5, 3.0))

    def _kill(self, kind: str) -> None:
        self._victims[kind]()
        self.killed[kind] += 1

    def _kill_server(self) -> None:
        server = random.choice(self._place.servers)
        server.kill()
        time.sleep(random.uniform(0, 1.0))
        server.start()

    def _kill_executor(self) -> None:
        self._executor.kill()
        time.sleep(random.uniform(0, 1.0))
        self._executor.start()

    def _kill_postgres(self) -> None:
        kill_all(self._postgres)
        time.sleep(random.uniform(0, 1.0))
        restart(self._postgres)


def is_settled(place: Arena) -> bool:
    """Tell whether all runs have ended."""
    with suppress(psycopg.OperationalError), psycopg.connect(place.database_url) as connection:
        row = connection.execute("SELECT count(*) FROM runs WHERE state <= 2").fetchone()
        return row == (0,)
    return False


@pytest.mark.requirement("G2", "A7")
@pytest.mark.parametrize(
    ("runs", "servers"),
    [
        pytest.param(16, 1, id="short"),
        pytest.param(RUNS, 2, id="long", marks=[pytest.mark.long, pytest.mark.timeout(LONG_SECONDS)]),
    ],
)
def test_each_run_ends_once_and_costs_what_it_says(
    postgres: EmbeddedPostgres, tmp_path: Path, runs: int, servers: int
) -> None:
    with (
        ExecutorProcess(tmp_path, WORD_SECONDS) as executor,
        arena(postgres, tmp_path, servers=servers, executors=f"words={executor.address}") as place,
        calling(place, max(2, runs // LEAST_RUNS_OF_ACCOUNT)) as callers,
    ):
        began = time.monotonic()
        killer = Killer(place, executor, postgres)
        made: list[Future[str]] = [callers.pool.submit(callers.run, number) for number in range(runs)]
        if runs == RUNS:
            # Also while the last ones are still at work.
            killer.until(lambda: all(future.done() for future in made) and is_settled(place))
        else:
            killer.each_once()
        ids = [future.result() for future in made]
        eventually(lambda: is_settled(place), SETTLED_SECONDS)
        seconds = time.monotonic() - began
        with psycopg.connect(place.database_url) as connection:
            found = audit_runs(connection, ids, executor)
        print(
            f"\nfaults: {runs} runs, SIGKILL of {dict(killer.killed)}: unresolved {found.unresolved}, "
            f"lost {found.lost}, doubled {found.doubled}, charged twice {found.charged_twice}, charged without success "
            f"{found.charged_without_success}, charged otherwise {found.charged_otherwise}, without a result "
            f"{found.without_result}, holds left {found.holds_left} "
            f"({dict(found.states)}, attempts {found.attempts}, {seconds:.0f} s)"
        )
        assert found.is_in_order, found
        assert not callers.surprises
        for server in place.servers:
            server.await_serving()
        place.verify_ledger(runs)
