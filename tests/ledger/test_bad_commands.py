"""A command that breaks is found by halving the batch, and fails alone."""

import logging
from typing import Any

import psycopg
import pytest

from creditd.domain import decide as rules
from creditd.ledger import batch
from creditd.ledger.work import Outcome, Work
from tests.support.desk import Desk
from tests.support.ledger_books import Books
from tests.support.works import add, deduct, work


class Defect(Exception):
    """A rule of ours has a fault."""


@pytest.fixture
def faulty_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the rules break for an amount of 13."""

    def decide(wallet: Any, reservation: Any, command: Any, *rest: Any) -> Any:
        if command.amount == 13:
            raise Defect
        return rules.decide(wallet, reservation, command, *rest)

    monkeypatch.setattr(batch, "decide", decide)


def with_a_reason(done: Work, reason: str) -> Work:
    """Return a work like another, with a reason."""
    (step,) = done.steps
    command = step.command._replace(origin=done.origin._replace(reason=reason))
    return work(done.account_id, command)


@pytest.mark.usefixtures("faulty_rule")
@pytest.mark.parametrize("position", [0, 3, 6])
def test_a_command_that_a_rule_breaks_on_fails_alone(
    desk: Desk, books: Books, account: str, position: int, caplog: pytest.LogCaptureFixture
) -> None:
    accounts = [f"{account}-{number}" for number in range(7)]
    desk.write(*(add(name, 100) for name in accounts))
    amounts = [13 if number == position else 1 for number in range(7)]
    results = desk.write(*(deduct(name, amount) for name, amount in zip(accounts, amounts, strict=True)))
    assert [isinstance(result, Outcome) for result in results] == [amount == 1 for amount in amounts]
    assert isinstance(results[position], Defect)
    assert [books.figures(name).available for name in accounts] == [99 if amount == 1 else 100 for amount in amounts]
    assert [(r.levelno, r.message) for r in caplog.records] == [(logging.ERROR, "a command failed by itself")]


@pytest.mark.usefixtures("faulty_rule")
def test_the_others_on_the_same_wallet_are_done(desk: Desk, books: Books, account: str) -> None:
    desk.do(add(account, 100))
    results = desk.write(*(deduct(account, amount) for amount in (1, 13, 2, 13, 4)))
    assert [isinstance(result, Outcome) for result in results] == [True, False, True, False, True]
    assert books.figures(account) == (4, 93, 0)


def test_a_command_that_the_database_refuses_fails_alone(desk: Desk, books: Books, account: str) -> None:
    desk.do(add(account, 100))
    bad = with_a_reason(deduct(account, 50), "PostgreSQL keeps no \0 in a text")
    results = desk.write(deduct(account, 1), bad, deduct(account, 2))
    assert [isinstance(result, Outcome) for result in results] == [True, False, True]
    assert isinstance(results[1], psycopg.Error)
    assert books.figures(account) == (3, 97, 0)
    assert books.are_whole(account)


@pytest.mark.usefixtures("faulty_rule")
def test_a_batch_of_nothing_but_bad_commands_fails_as_a_whole_and_the_writer_goes_on(
    desk: Desk, books: Books, account: str
) -> None:
    desk.do(add(account, 100))
    results = desk.write(*(deduct(account, 13) for _ in range(5)))
    assert all(isinstance(result, Defect) for result in results)
    desk.do(deduct(account, 1))
    assert books.figures(account) == (2, 99, 0)
