"""An account with a workflow, and what is done with its runs, in a word each."""

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

import psycopg
from google.protobuf.duration_pb2 import Duration

from credit.v1 import run_pb2
from credit.v1 import workflow_service_pb2 as pb
from tests.support.customer import Customer
from tests.support.patience import eventually
from tests.support.workflows import creating

WORKFLOW: Final = "obey"

OPEN: Final = (run_pb2.RUN_STATE_WAITING, run_pb2.RUN_STATE_RUNNING)


@dataclass
class Runner:
    """An account whose owner runs a workflow."""

    customer: Customer
    owner: SimpleNamespace

    @classmethod
    def of(cls, customer: Customer, credits: int = 100, **fields: Any) -> "Runner":
        """Give a customer credits and a workflow, of 0 to 10 credits unless stated otherwise."""
        runner = cls(customer, customer.service.as_caller(customer.account_id, "USER"))
        if credits:
            customer.top_up(credits)
        runner.create(**fields)
        return runner

    def create(self, workflow_id: str = WORKFLOW, *, seconds: float = 60.0, **fields: Any) -> None:
        """Create a workflow."""
        stated: dict[str, Any] = {"executor": "obey", "amount_range": {"least_amount": 0, "most_amount": 10}} | fields
        timeout = Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
        self.owner.workflow.CreateWorkflow(creating(self.customer.account_id, workflow_id, timeout=timeout, **stated))

    def running(self, workflow_id: str = WORKFLOW, /, request_id: str = "", **told: Any) -> pb.RunWorkflowRequest:
        """Return the request for a run, and what the executor is told with it."""
        return pb.RunWorkflowRequest(
            name=f"accounts/{self.customer.account_id}/workflows/{workflow_id}",
            input=json.dumps(told),
            request_id=request_id or self.customer.request_id(),
        )

    def run(self, workflow_id: str = WORKFLOW, /, **told: Any) -> run_pb2.Run:
        """Run the workflow."""
        answer: pb.RunWorkflowResponse = self.owner.workflow.RunWorkflow(self.running(workflow_id, **told))
        return answer.run

    def get(self, run: run_pb2.Run) -> run_pb2.Run:
        """Return a run as it is now."""
        answer: pb.GetRunResponse = self.owner.workflow.GetRun(pb.GetRunRequest(name=run.name))
        return answer.run

    def ended(self, run: run_pb2.Run) -> run_pb2.Run:
        """Return a run once it has ended."""
        eventually(lambda: self.get(run).state not in OPEN)
        return self.get(run)

    def cancelling(self, run: run_pb2.Run, why: str = "", request_id: str = "") -> pb.CancelRunRequest:
        """Return the request to give a run up."""
        return pb.CancelRunRequest(name=run.name, reason=why, request_id=request_id or self.customer.request_id())

    def cancel(self, run: run_pb2.Run, why: str = "") -> run_pb2.Run:
        """Give a run up."""
        answer: pb.CancelRunResponse = self.owner.workflow.CancelRun(self.cancelling(run, why))
        return answer.run

    @property
    def figures(self) -> tuple[int, int]:
        """What is available and what is held."""
        return self.customer.figures()

    def rows(self, columns: str) -> list[tuple[Any, ...]]:
        """Return columns of the account's runs, oldest first."""
        with psycopg.connect(self.customer.service.config.database_url) as connection:
            statement = f"SELECT {columns} FROM runs WHERE account_id = %s ORDER BY run_id"  # noqa: S608 - of a test.
            return connection.execute(statement, (self.customer.account_id,)).fetchall()

    def change(self, run: run_pb2.Run, assignments: str) -> None:
        """Change a run's row, as if time had passed or a server had died."""
        with psycopg.connect(self.customer.service.config.database_url) as connection:
            connection.execute(
                f"UPDATE runs SET {assignments} WHERE account_id = %s AND run_id = %s",  # noqa: S608 - of a test.
                (self.customer.account_id, id_of(run)),
            )


def id_of(run: run_pb2.Run) -> str:
    """Return the id in a run's name."""
    return run.name.rpartition("/")[2]
