"""Runs outlive their servers: another one goes on with them, if it has their executor (G2)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from credit.v1 import run_pb2
from tests.support.customer import Customer
from tests.support.databases import migrated_database
from tests.support.obedient_executor import ObedientExecutor, obedient_executor
from tests.support.patience import eventually
from tests.support.runner import Runner, id_of
from tests.support.service import running_service

pytestmark = pytest.mark.requirement("G2")


@pytest.fixture
def url() -> Iterator[str]:
    """Keep a database."""
    with migrated_database() as found:
        yield found


@pytest.fixture
def served() -> Iterator[tuple[ObedientExecutor, str]]:
    """Run an executor; give it and how it is configured."""
    with obedient_executor() as (executor, port):
        yield executor, f"obey=localhost:{port}"


@contextmanager
def customer_of(folder: Path, url: str, *executors: str) -> Iterator[Customer]:
    """Run a server on a database until the block ends, and give a customer of it."""
    with running_service(folder, database_url=url, executors=executors) as service:
        app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin")
        yield Customer(service, app, service.as_caller("staff", "ADMIN"), "ann")


def the_same(runner: Runner, customer: Customer) -> Runner:
    """Return the same account on another server."""
    # Its request ids go on from those before.
    same = replace(customer, numbers=runner.customer.numbers)
    return Runner(same, customer.service.as_caller(customer.account_id, "USER"))


def test_a_stopped_servers_run_is_gone_on_with_by_one_that_has_its_executor(
    tmp_path: Path, url: str, served: tuple[ObedientExecutor, str]
) -> None:
    executor, configured = served
    with customer_of(tmp_path, url, configured) as customer:
        first = Runner.of(customer)
        run = first.run(hold=True, used=3)
        executor.await_asked(id_of(run))
    with customer_of(tmp_path, url, "other=localhost:1") as customer:
        # It was looked for, and left: what is due is not for this server.
        eventually(lambda: customer.service.core.run_statistics.open_runs == 1)
        seen = the_same(first, customer).get(run)
        assert (seen.state, seen.attempts) == (run_pb2.RUN_STATE_RUNNING, 1)
        assert the_same(first, customer).figures == (90, 10)
    with customer_of(tmp_path, url, configured) as customer:
        last = the_same(first, customer)
        executor.await_asked(id_of(run), times=2)
        executor.let_go(id_of(run))
        ended = last.ended(run)
        assert (ended.state, ended.used_amount, ended.attempts) == (run_pb2.RUN_STATE_SUCCEEDED, 3, 2)
        assert last.figures == (97, 0)


def test_of_two_servers_one_works_on_a_run_and_either_gives_it_up(
    tmp_path: Path, url: str, served: tuple[ObedientExecutor, str]
) -> None:
    executor, configured = served
    with customer_of(tmp_path, url, configured) as one, customer_of(tmp_path, url, configured) as two:
        first = Runner.of(one)
        second = the_same(first, two)
        runs = [(first if number % 2 else second).run(hold=True, used=1) for number in range(10)]
        for run in runs:
            executor.await_asked(id_of(run))
        for number, run in enumerate(runs):
            # By the one that has not made it; whichever works on it finds out.
            if number % 2:
                second.cancel(run)
                executor.await_given_up(id_of(run))
            executor.let_go(id_of(run))
        ended = [first.ended(run) for run in runs]
        assert [run.used_amount for run in ended] == [1, 0] * 5
        assert len(executor.asked) == len(runs)
        assert first.figures == (95, 0)
