"""The release before and this one on one database, under load, while this one migrates it; then the old one goes."""

import random
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import psycopg
import pytest

from creditd.development.postgres import EmbeddedPostgres
from creditd.development.postgres.logins import server_url
from creditd.storage.schema import schema_head
from tests.faults.arena import Arena, fund
from tests.faults.client import ASK_AGAIN, Client
from tests.faults.duration import rounds
from tests.faults.load import Load
from tests.faults.mix import Mix
from tests.faults.operations import Operation
from tests.faults.processes import ServerProcess
from tests.faults.releases import migrate_by, old_release
from tests.support.patience import patience
from tests.support.postgres import create_database, drop_database

SETTINGS: dict[str, Any] = {"drain_seconds": 0.2, "shutdown_grace_seconds": 5.0}

STOP_SECONDS = patience(30.0)
"""Far more than a stop takes: it is no measure of it."""

SERVERS = 2
"""Of each release: while one is stopped, another is there."""

PHASE = 200
"""Operations that are acknowledged in each phase, at least."""


class Elsewhere(Client):
    """Callers that try the next server when one does not take a call, as a channel over several servers does.

    An error is a call that none of the servers took.
    """

    def __init__(self, servers: list[ServerProcess]) -> None:
        """Connect to the servers."""
        super().__init__([server.address for server in servers])
        self.errors = 0
        self.moved = 0
        self.answered: dict[int, int] = dict.fromkeys(range(len(servers)), 0)
        self.members = list(range(len(servers)))

    def send(self, operation: Operation, timeout_seconds: float) -> None:
        """Try each server once, in an order of chance."""
        operation.tries += 1
        order = self.shuffled()
        for place, member in enumerate(order):
            if self._is_taken_by(member, operation, timeout_seconds):
                self.moved += place
                self.answered[member] += 1
                return
        self.errors += 1

    def shuffled(self) -> list[int]:
        """Return the servers that are to be used, in an order of chance."""
        members = list(self.members)
        random.shuffle(members)
        return members

    def _is_taken_by(self, member: int, operation: Operation, timeout_seconds: float) -> bool:
        try:
            self.send_to(self.stubs[member], operation, timeout_seconds)
        except grpc.RpcError as error:
            told: Any = error
            if told.code() in ASK_AGAIN:
                return False
            self.take_failure(operation, error)
        return True


@pytest.mark.requirement("I5")
@rounds(3, few=1)
def test_the_old_release_and_the_new_one_serve_side_by_side_through_a_migration(
    postgres: EmbeddedPostgres, tmp_path: Path, rounds: int
) -> None:
    for turn in range(rounds):
        roll_out(postgres, tmp_path / str(turn))


def roll_out(postgres: EmbeddedPostgres, folder: Path) -> None:
    """Serve by the old release, migrate, serve by both, and stop the old one, all under load."""
    path = old_release(folder / "old")
    name = f"faults_{uuid4().hex}"
    database_url = create_database(postgres.tcp_url, name)
    try:
        before = migrate_by(path, database_url)
        served_by = server_url(database_url)
        old, new = ([ServerProcess(folder, served_by, **SETTINGS) for _ in range(SERVERS)] for _ in range(2))
        for server in old:
            server.release = path
        try:
            _roll(database_url, old, new, before)
        finally:
            for server in (*old, *new):
                if server.is_running:
                    server.kill()
    finally:
        drop_database(postgres.tcp_url, name)


def _roll(database_url: str, old: list[ServerProcess], new: list[ServerProcess], before: str) -> None:
    servers = [*old, *new]
    for server in old:
        server.start()
        server.await_serving()
    fund(old[0].address)
    client = Elsewhere(servers)
    client.members = list(range(SERVERS))
    load = Load(client, Mix())
    with load.run():
        load.await_more(PHASE)
        during = migrate_by((), database_url)
        load.await_more(PHASE)
        for number, server in enumerate(new, SERVERS):
            server.start()
            server.await_serving()
            client.members.append(number)
        load.await_more(2 * PHASE)
        by_new = sum(client.answered[number] for number in range(SERVERS, len(servers)))
        for server in old:
            # It is still called while it drains, as long as a balancer has not noticed.
            assert server.stop(STOP_SECONDS) == 0
            load.await_more(PHASE)
        client.members = list(range(SERVERS, len(servers)))
        load.await_more(PHASE)
    client.close()
    assert (before, during) == ("the schema is at 0040", f"the schema is at {schema_head()}")
    assert min(client.answered.values()) > 0
    assert by_new > 0
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (schema_head(),)
    place = Arena(database_url, new)
    answered = f"{sum(client.answered[n] for n in range(SERVERS))} by the old, {sum(client.answered.values())} in all"
    place.conclude(
        "old and new side by side",
        load,
        f", calls {len(load.operations)}, errors {client.errors}, taken elsewhere {client.moved}, answered {answered}, "
        "ledger differences 0",
    )
    assert client.errors == 0
