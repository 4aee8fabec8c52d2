"""Each change of an account's status or plan raises its version, so that no decision rests on a stale copy."""

import pytest

from creditd.domain.account import AccountStatus, new_account, with_plan, with_status
from creditd.domain.errors import AccountClosed, AccountNotEmpty, ExpiryInPast
from creditd.domain.instant import instant_text
from tests.domain.wallets import DAY, START, after

ALICE = new_account("alice", START)


@pytest.mark.parametrize("status", AccountStatus)
def test_a_change_of_status_raises_the_version_and_keeps_the_plan(status: AccountStatus) -> None:
    unlimited = with_plan(ALICE, after(1), unlimited=True, until=after(DAY))
    changed = with_status(unlimited, status, after(2), is_empty=True)
    assert changed == unlimited._replace(version=3, status=status, update_time=after(2))


def test_an_account_that_is_not_empty_is_suspended_but_not_closed() -> None:
    assert with_status(ALICE, AccountStatus.SUSPENDED, after(1), is_empty=False).version == 2
    with pytest.raises(AccountNotEmpty) as refusal:
        with_status(ALICE, AccountStatus.CLOSED, after(1), is_empty=False)
    assert refusal.value.facts == {"account_id": "alice"}


def test_a_change_of_plan_raises_the_version_and_keeps_the_status() -> None:
    changed = with_plan(ALICE, after(1), unlimited=True, until=after(DAY))
    assert changed == ALICE._replace(version=2, unlimited=True, unlimited_until=after(DAY), update_time=after(1))


def test_a_plan_that_is_switched_off_has_no_end() -> None:
    on = with_plan(ALICE, after(1), unlimited=True, until=after(DAY))
    off = with_plan(on, after(2), unlimited=False, until=None)
    assert (off.version, off.unlimited, off.unlimited_until) == (3, False, None)


def test_a_plan_that_has_ended_already_is_refused() -> None:
    for until in (after(-1), after(0)):
        with pytest.raises(ExpiryInPast) as refusal:
            with_plan(ALICE, START, unlimited=True, until=until)
        assert refusal.value.facts == {"field": "plan.end_time", "server_time": instant_text(START)}


def test_a_closed_account_gets_no_plan() -> None:
    closed = with_status(ALICE, AccountStatus.CLOSED, after(1), is_empty=True)
    with pytest.raises(AccountClosed):
        with_plan(closed, after(2), unlimited=True, until=None)
