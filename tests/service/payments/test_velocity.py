"""What is reported is counted in the transaction that records it; what breaks a rule flags the account once (C8)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import text

from creditd.domain.account import AccountStatus
from creditd.domain.controls.account_flag import AccountFlag
from creditd.domain.controls.velocity import VelocityAction, VelocityKind, VelocityRule
from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_facts import Fact, FactKind, RefundStage, refund_facts
from creditd.payments.provider import Report
from creditd.storage import accounts
from creditd.storage.controls import account_flags, audit, velocity
from creditd.storage.controls.account_flags import FlagFilter
from creditd.storage.controls.audit import AuditFilter
from tests.support.statements import statements_of
from tests.support.till import PRICE, TOTAL, Till, failed, paid, report, till_at
from tests.support.works import act, reserve

pytestmark = pytest.mark.requirement("C8")

DAY = 86_400

FAILURES = VelocityRule(VelocityKind.FAILED_PAYMENTS, 3, DAY, VelocityAction.FLAG)
TOO_MANY_FAILURES = VelocityRule(VelocityKind.FAILED_PAYMENTS, 5, DAY, VelocityAction.SUSPEND)
REFUNDS = VelocityRule(VelocityKind.REFUNDS, 2, 30 * DAY, VelocityAction.SUSPEND)
TOP_UPS = VelocityRule(VelocityKind.TOP_UPS, 2, 3_600, VelocityAction.SUSPEND)
RULES = (FAILURES, TOO_MANY_FAILURES, REFUNDS, TOP_UPS)


@pytest.fixture
def till(url: str) -> Iterator[Till]:
    """Provide a server's way of applying what providers say, with rules."""
    with till_at(url, *RULES) as till:
        yield till


def flags(till: Till, account: str, *, cleared: bool = False) -> list[AccountFlag]:
    """Return an account's flags, oldest first."""
    with till.desk.database.listing() as connection:
        return account_flags.page(connection, FlagFilter(account, cleared=cleared), None, 100)[::-1]


def kinds(till: Till, account: str) -> list[tuple[VelocityKind, VelocityAction]]:
    return [(flag.kind, flag.action) for flag in flags(till, account)]


def status(till: Till, account: str) -> AccountStatus | None:
    with till.desk.database.autocommit() as connection:
        found = accounts.find(connection, account)
    return found.status if found else None


def counted(till: Till, account: str) -> int:
    query = text("SELECT count(*) FROM velocity_events WHERE account_id = :account")
    with till.desk.database.autocommit() as connection:
        return int(connection.execute(query, {"account": account}).scalar_one())


def attempt(till: Till, account: str, name: str = "") -> Report:
    """Return that a payment of a new purchase failed, or one of several attempts at it."""
    return failed(till.order(account))._replace(attempt=name)


def given_back(till: Till, account: str, made: int, now: Instant | None = None) -> Report:
    """Return that a new purchase, paid before, was refunded so many seconds before ``now``."""
    purchase = till.order(account)
    refund = Fact(FactKind.REFUND, f"re_{purchase.purchase_id}", RefundStage.SUCCEEDED, PRICE.amount)
    made_time = Instant((now or till.desk.clock.now()) - made * SECOND)
    return report(purchase, *refund_facts(refund, made_time=made_time))


def test_one_more_than_allowed_flags_the_account_and_what_is_allowed_does_not(till: Till, account: str) -> None:
    for _ in range(3):
        till.say(attempt(till, account))
    assert flags(till, account) == []
    till.say(attempt(till, account))
    (flag,) = flags(till, account)
    assert (flag.kind, flag.action, flag.event_count, flag.most, flag.window_seconds) == (1, 1, 4, 3, DAY)
    assert not flag.suspended


def test_an_event_counts_once_however_often_it_is_told(till: Till, account: str) -> None:
    said = [attempt(till, account) for _ in range(3)]
    for one in said * 3:
        till.say(one)
    assert (counted(till, account), flags(till, account)) == (3, [])


def test_attempts_at_one_payment_count_each(till: Till, account: str) -> None:
    purchase = till.order(account)
    for number in range(4):
        till.say(failed(purchase)._replace(attempt=f"ch_{number}"))
    assert len(flags(till, account)) == 1


def test_a_failure_counts_also_where_the_payment_was_made_meanwhile(till: Till, account: str) -> None:
    """What is kept of it does not show it: the order in which both are told makes no difference."""
    for _ in range(4):
        purchase = till.order(account)
        till.say(paid(purchase))
        till.say(failed(purchase))
    assert (VelocityKind.FAILED_PAYMENTS, VelocityAction.FLAG) in kinds(till, account)


def test_a_rule_flags_once_until_it_is_cleared(till: Till, account: str) -> None:
    for _ in range(5):
        till.say(attempt(till, account))
    assert kinds(till, account) == [(FAILURES.kind, FAILURES.action)]
    till.say(attempt(till, account))
    assert kinds(till, account) == [(FAILURES.kind, FAILURES.action), (FAILURES.kind, TOO_MANY_FAILURES.action)]


def test_refunds_count_when_they_were_made_in_any_order(till: Till, account: str) -> None:
    for number, order in enumerate(permutations((0, 15 * DAY, 29 * DAY))):
        name = f"{account}-{number}"
        for made in order:
            till.say(given_back(till, name, made))
        assert [flag.event_count for flag in flags(till, name)] == [3], order


def test_what_lies_a_window_apart_is_not_counted_together(till: Till, account: str) -> None:
    now = till.desk.clock.now()
    for made in (0, 15 * DAY, 30 * DAY):
        till.say(given_back(till, account, made, now))
    assert (counted(till, account), flags(till, account)) == (3, [])


def test_of_several_times_the_earliest_counts(till: Till, account: str) -> None:
    purchase, now = till.order(account), till.desk.clock.now()
    for days in (10, 0, 20, 15):
        refund = Fact(FactKind.REFUND, f"re_{days}", RefundStage.PENDING, 1)
        made_time = Instant(now - days * DAY * SECOND)
        till.say(report(purchase, *refund_facts(refund, made_time=made_time)))
    query = text("SELECT extract(epoch FROM event_time) FROM velocity_events WHERE account_id = :account")
    with till.desk.database.autocommit() as connection:
        (seconds,) = connection.execute(query, {"account": account}).scalars()
    assert round(seconds * SECOND) == now - 20 * DAY * SECOND


def test_suspension_and_flag_and_audit_are_one_transaction_with_what_was_told(till: Till, account: str) -> None:
    for _ in range(2):
        till.say(paid(till.order(account)))
    assert status(till, account) == AccountStatus.ACTIVE
    last = till.order(account)
    till.say(paid(last))
    (flag,) = flags(till, account)
    assert (flag.kind, flag.suspended, status(till, account)) == (TOP_UPS.kind, True, AccountStatus.SUSPENDED)
    # What was paid for is there all the same.
    assert till.figures(account) == (3 * TOTAL, 0)
    with till.desk.database.listing() as connection:
        told = audit.page(connection, AuditFilter(account_id=account), None, count=10, rows=100).events
    by_kind = {one.kind: one for one in told}
    assert by_kind.keys() == {"account_flag.raise", "account.set_status"}
    assert {one.actor for one in told} == {"velocity"}
    assert by_kind["account_flag.raise"].target == flag.name
    assert by_kind["account_flag.raise"].reason == "3 top_ups within 3600 s; 2 are allowed"
    assert (by_kind["account.set_status"].before or {})["status"] == "ACTIVE"
    others = [kind for kind, _ in till.announced(account) if kind != "TOP_UP_SUCCEEDED"]
    assert sorted(others) == ["ACCOUNT_FLAGGED", "ACCOUNT_STATUS_CHANGED"]
    refused = till.desk.write(reserve(account, 1))[0]
    assert type(refused).__name__ == "AccountSuspended"


def test_what_could_not_be_told_of_leaves_nothing(till: Till, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        till.say(paid(till.order(account)))
    last = till.order(account)

    def die(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(account_flags, "add", die)
        with pytest.raises(RuntimeError, match="killed"):
            till.say(paid(last))
    assert (counted(till, account), status(till, account), till.figures(account)) == (2, 1, (2 * TOTAL, 0))
    till.say(paid(last))
    assert (len(flags(till, account)), status(till, account)) == (1, AccountStatus.SUSPENDED)


def test_a_closed_account_is_flagged_and_stays_closed(till: Till, account: str) -> None:
    till.desk.accounts.set_status(account, AccountStatus.CLOSED, act(None), allow_balance=True)
    for _ in range(3):
        till.say(given_back(till, account, 0))
    (flag,) = flags(till, account)
    assert (flag.suspended, status(till, account)) == (False, AccountStatus.CLOSED)


def test_sixteen_at_once_on_two_servers_flag_and_suspend_once(till: Till, url: str, account: str) -> None:
    said = [attempt(till, account) for _ in range(16)]
    with till_at(url, *RULES) as other, ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda pair: pair[0].say_until_done(pair[1]), zip([till, other] * 8, said, strict=True)))
    assert counted(till, account) == 16
    assert sorted(kinds(till, account)) == [(FAILURES.kind, 1), (FAILURES.kind, 2)]
    assert [flag.suspended for flag in flags(till, account) if flag.action == 2] == [True]
    assert status(till, account) == AccountStatus.SUSPENDED


def test_all_but_one_at_once_do_not_flag(till: Till, url: str, account: str) -> None:
    said = [attempt(till, account) for _ in range(3)] * 5
    with till_at(url, *RULES) as other, ThreadPoolExecutor(15) as threads:
        tills = ([till, other] * 8)[:15]
        list(threads.map(lambda pair: pair[0].say_until_done(pair[1]), zip(tills, said, strict=True)))
    assert (counted(till, account), flags(till, account)) == (3, [])


def test_a_reserve_waits_for_nobody_who_counts(till: Till, account: str) -> None:
    """Whoever judges an account holds rows that no save knows."""
    till.say(paid(till.order(account)))
    with till.desk.database.transaction() as connection:
        velocity.lock(connection, account, [FAILURES, TOP_UPS])
        account_flags.lock_states(connection, account)
        (done,) = till.desk.write(reserve(account, 1))
    assert not isinstance(done, Exception)


def statements(till: Till, said: Report) -> list[str]:
    """Return the statements about velocity rules with which a report is recorded."""
    with statements_of(till.desk.database) as seen:
        till.say(said)
    return [one for one in seen if any(name in one for name in ("velocity_", "account_flags"))]


def test_a_repeat_costs_one_statement_news_cost_three_and_what_is_not_counted_none(
    till: Till, url: str, account: str
) -> None:
    said = attempt(till, account)
    assert len(statements(till, said)) == 3
    assert len(statements(till, said)) == 1
    with till_at(url) as without:
        assert statements(without, attempt(till, account)) == []
