"""One server's work on runs without a worker that does it by itself: each step when a test says so."""

from itertools import count
from typing import Any, Final
from uuid import uuid4

import psycopg

from creditd.domain.commands import Add
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.instant import SECOND, Instant
from creditd.domain.wallet import Origin, WalletKey
from creditd.domain.workflows.run import Run
from creditd.domain.workflows.workflow import Workflow
from creditd.ledger.ids import uuid7
from creditd.ledger.work import Step
from creditd.service.workflows.run_keeper import RunKeeper
from creditd.service.workflows.run_starts import RunStarts, WantedRun
from creditd.storage.workflows import runs, workflows
from creditd.storage.workflows.run_leases import Lease, Room
from tests.support.desk import RULES, Desk

EXECUTORS: Final = ("poems", "quizzes")

_numbers = count()


class Workshop(Desk):
    """Makes runs, and keeps them."""

    def __init__(self, url: str, max_ttl: int = RULES.max_ttl) -> None:
        """Work on a database."""
        super().__init__(url)
        self.keeper = RunKeeper(self.database, self.transactions, self.clock, max_ttl)
        self.starts = RunStarts(EXECUTORS, max_ttl, uuid7)

    def close(self) -> None:
        """End the connections."""
        self.batches.close()
        self.database.close()

    def clear(self) -> None:
        """Leave nothing to do of tests before."""
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "UPDATE runs SET state = 6, due_time = NULL, end_time = coalesce(end_time, now()) "
                "WHERE state <= 2 OR due_time IS NOT NULL"
            )

    def account(self, credits: int = 1_000) -> str:
        """Open an account with credits."""
        account_id = f"ann-{next(_numbers)}-{uuid4().hex[:8]}"
        origin = Origin("tests", uuid7())
        added = Add(origin, EntryKind.ADMIN_ADD, uuid7(), Source.ADMIN, credits)
        step = Step(WalletKey(account_id, "chat"), added)
        self.transactions.transact(lambda it: it.perform(account_id, origin, (step,)))
        return account_id

    def run(self, account_id: str = "", *, executor: str = "poems", seconds: float = 60.0, **fields: Any) -> Run:
        """Run a workflow of its own, of 0 to 10 credits unless stated otherwise."""
        account_id = account_id or self.account()
        now = self.clock.now()
        stated: dict[str, Any] = {"least_amount": 0, "most_amount": 10, "is_fixed": False} | fields
        made = Workflow(
            account_id=account_id,
            workflow_id=f"poem-{next(_numbers)}",
            version=1,
            display_name="Poem",
            description="",
            executor=executor,
            credit_type="chat",
            timeout_microseconds=int(seconds * SECOND),
            create_time=now,
            update_time=now,
            **stated,
        )
        with self.database.transaction() as connection:
            workflows.add(connection, made)
        wanted = WantedRun(account_id, made.workflow_id, "{}", "")
        origin = Origin("tests", uuid7())
        run, _ = self.transactions.transact(lambda it: self.starts.make(it, wanted, origin))
        return run

    def claim(self, most: int = 100, of_account: int = 100, held: dict[str, int] | None = None) -> list[Run]:
        """Take runs that are due."""
        return self.keeper.claim(Room(most, EXECUTORS, of_account, held or {}))[0]

    def found(self, run: Run) -> Run:
        """Return a run as its row has it."""
        with self.database.autocommit() as connection:
            found = runs.find(connection, run.key)
        assert found is not None
        return found

    def figures(self, account_id: str) -> tuple[int, int]:
        """Return what is available and what is held."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute(
                "SELECT available, reserved FROM wallets WHERE account_id = %s", (account_id,)
            ).fetchone()
        assert row is not None
        return row[0], row[1]

    def later(self, seconds: float) -> Instant:
        """Return the instant so many seconds from now."""
        return Instant(self.clock.now() + int(seconds * SECOND))


def lease_of(run: Run) -> Lease:
    """Return the lease under which a run was taken."""
    return Lease(run.key, run.lease, run.hold)
