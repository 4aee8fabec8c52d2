"""Where a battery takes place: a database of its own, servers on it, and the verdict at the end."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import psycopg

from credit.v1 import admin_service_pb2 as admin
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from creditd.development.postgres import EmbeddedPostgres
from creditd.development.postgres.logins import server_url
from tests.faults.audit import OF_THE_BATTERY, audit
from tests.faults.client import Client, open_channel
from tests.faults.load import Load
from tests.faults.mix import HOT, HOT_CREDITS
from tests.faults.operations import CREDIT_TYPE
from tests.faults.processes import ServerProcess
from tests.support.postgres import drop_database
from tests.support.postgres_faults import at_port
from tests.support.schemas import create_migrated
from tests.support.tokens import bearer

STAFF = (("authorization", bearer("faults", ["ADMIN"])),)
ADAPTER = (("authorization", bearer("webhooks", ["SERVICE"], "payments.ingest")),)

AnyClient = TypeVar("AnyClient", bound=Client)


@dataclass(frozen=True)
class Arena:
    """A database, and the servers on it."""

    database_url: str
    servers: list[ServerProcess]

    @contextmanager
    def client(self, kind: type[AnyClient]) -> Iterator[AnyClient]:
        """Connect callers to all servers."""
        client = kind([server.address for server in self.servers])
        try:
            yield client
        finally:
            client.close()

    def conclude(self, name: str, load: Load, more: str = "") -> None:
        """Print the figures of a battery, and fail if anything is wrong."""
        with psycopg.connect(self.database_url) as connection:
            found = audit(connection, load.operations)
        repeated = load.repeated()
        found_done = sum(operation.replayed for operation in load.operations)
        print(
            f"\nfaults: {name}: acknowledged {found.acknowledged}, lost {found.lost}, doubled {found.doubled}, "
            f"unresolved {found.unresolved}, longest gap {load.longest_gap_seconds():.1f} s "
            f"(refused {found.refused}, repeated {repeated}, found done {found_done}, "
            f"deadlocks {found.deadlocks}{more})"
        )
        assert (found.lost, found.doubled, found.unresolved, found.deadlocks, found.broken) == (0, 0, 0, 0, [])
        assert not load.client.surprises
        self.verify_ledger(found.acknowledged)

    def counted(self, name: str) -> int:
        """Return one of the ledger's counts, over all servers."""
        return sum(server.counted(name) for server in self.servers)

    def verify_ledger(self, least: int) -> None:
        """Have the service itself verify the whole ledger, of so many entries at least."""
        with open_channel(self.servers[0].address) as channel:
            answers = list(AdminServiceStub(channel).VerifyLedger(admin.VerifyLedgerRequest(), metadata=STAFF))
        assert len(answers) == 1, answers[0]
        assert answers[0].summary.entries > least > 0


@contextmanager
def arena(
    postgres: EmbeddedPostgres,
    folder: Path,
    *,
    servers: int = 1,
    through_port: int = 0,
    files: int = 0,
    **settings: object,
) -> Iterator[Arena]:
    """Run servers on a new database until the block ends.

    They reach it through another port if one is given, and may have so many ``files`` open if it is given.
    """
    name = f"faults_{uuid4().hex}"
    database_url = create_migrated(postgres.tcp_url, name)
    with ExitStack() as stack:
        stack.callback(drop_database, postgres.tcp_url, name)
        served_by = server_url(database_url)
        reached_by = at_port(served_by, through_port) if through_port else served_by
        running = [
            stack.enter_context(ServerProcess(folder, reached_by, files=files, **settings)) for _ in range(servers)
        ]
        fund(running[0].address)
        yield Arena(database_url, running)


def fund(address: str) -> None:
    """Give the hot account what callers spend."""
    request = admin.AddCreditsRequest(
        account_id=HOT,
        amounts=[admin.CreditAmount(credit_type=CREDIT_TYPE, amount=HOT_CREDITS)],
        reason="to be spent",
        request_id=f"{OF_THE_BATTERY}{HOT}",
    )
    with open_channel(address) as channel:
        AdminServiceStub(channel).AddCredits(request, metadata=STAFF, timeout=10)
