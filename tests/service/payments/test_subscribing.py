"""Subscriptions decide the unlimited plan by their state and the clock, whatever the order in which they are told."""

import pytest

from creditd.domain.account import AccountStatus
from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.subscription import SubscriptionStatus
from creditd.payments.provider import ReportMismatch
from creditd.service.payments.cases import UnknownPayment
from tests.support.till import TOTAL, Till, paid, subscription
from tests.support.works import act, deduct

ACTIVE, EXPIRED, CANCELLED = SubscriptionStatus.ACTIVE, SubscriptionStatus.EXPIRED, SubscriptionStatus.CANCELLED
HOUR = 3_600


def test_an_active_subscription_opens_the_account_and_switches_the_plan_on(till: Till, account: str) -> None:
    assert till.say(subscription(account, ACTIVE, at=1)).changed
    assert till.is_unlimited(account)
    assert [kind for kind, _ in till.announced(account)] == ["PLAN_CHANGED"]


def test_its_end_switches_the_plan_off(till: Till, account: str) -> None:
    till.say(subscription(account, ACTIVE, at=1))
    till.say(subscription(account, EXPIRED, at=2))
    assert not till.is_unlimited(account)


def test_an_older_description_that_comes_late_undoes_nothing(till: Till, account: str) -> None:
    till.say(subscription(account, EXPIRED, at=2))
    assert not till.say(subscription(account, ACTIVE, at=1)).changed
    assert not till.is_unlimited(account)


def test_an_old_subscriptions_end_does_not_end_a_newer_one(till: Till, account: str) -> None:
    till.say(subscription(account, ACTIVE, at=1, name="old"))
    till.say(subscription(account, ACTIVE, at=2, name="new"))
    till.say(subscription(account, EXPIRED, at=3, name="old"))
    assert till.is_unlimited(account)


def test_a_cancelled_one_is_in_force_until_its_end_and_then_not_by_the_clock_alone(till: Till, account: str) -> None:
    end_time = Instant(till.desk.clock.now() + HOUR * SECOND)
    till.say(subscription(account, ACTIVE, at=1))
    till.say(subscription(account, CANCELLED, at=2, end_time=end_time))
    assert till.is_unlimited(account)
    till.desk.clock.advance(HOUR)
    assert not till.is_unlimited(account)


def test_purchased_credits_are_untouched_while_the_plan_is_on_and_there_when_it_ends(till: Till, account: str) -> None:
    till.say(paid(till.order(account)))
    till.say(subscription(account, ACTIVE, at=1))
    till.desk.do(deduct(account, 1_000))
    till.say(subscription(account, EXPIRED, at=2))
    assert till.figures(account) == (TOTAL, 0)
    till.desk.do(deduct(account, 30))
    assert till.figures(account) == (TOTAL - 30, 0)


def test_a_plan_that_staff_set_stays_until_a_subscription_changes(till: Till, account: str) -> None:
    till.say(subscription(account, ACTIVE, at=1))
    till.desk.accounts.set_plan(account, act(None), unlimited=False, until=None)
    till.say(subscription(account, ACTIVE, at=2))
    assert not till.is_unlimited(account)


def test_one_that_does_not_say_whose_it_is_is_known_by_what_was_said_before(till: Till, account: str) -> None:
    nameless = subscription(account, EXPIRED, at=2)._replace(account_id="")
    with pytest.raises(UnknownPayment):
        till.say(nameless)
    till.say(subscription(account, ACTIVE, at=1))
    assert till.say(nameless).account_id == account
    assert not till.is_unlimited(account)


def test_one_that_was_another_accounts_is_for_a_person(till: Till, account: str) -> None:
    till.say(subscription(account, ACTIVE, at=1))
    with pytest.raises(ReportMismatch):
        till.say(subscription(account, ACTIVE, at=2)._replace(account_id=f"{account}-2"))
    assert not till.is_unlimited(f"{account}-2")


def test_a_subscription_in_test_mode_keeps_no_live_plan_in_force(till: Till, account: str) -> None:
    till.say(subscription(account, ACTIVE, at=1, name="test"))
    live = subscription(account, ACTIVE, at=2, name="live")._replace(live=True)
    till.say(live)
    till.say(live._replace(status=EXPIRED, provider_update_time=Instant(3 * SECOND)))
    assert not till.is_unlimited(account)


def closed(till: Till, account: str, status: AccountStatus = AccountStatus.CLOSED) -> None:
    """Close an account, or open it again."""
    till.desk.accounts.set_status(account, status, act(None), allow_balance=True)


def test_what_is_said_while_the_account_is_closed_counts_from_the_moment_that_it_is_open(
    till: Till, account: str
) -> None:
    till.say(subscription(account, ACTIVE, at=1))
    closed(till, account)
    assert till.say(subscription(account, EXPIRED, at=2)).changed
    closed(till, account, AccountStatus.ACTIVE)
    assert not till.is_unlimited(account)
    # Nothing was left to be said again, or to be done by a person.
    assert not till.say(subscription(account, EXPIRED, at=2)).changed
    assert till.cases(account) == []
    assert [kind for kind, _ in till.announced(account)] == [
        *("PLAN_CHANGED", "ACCOUNT_STATUS_CHANGED"),
        *("PLAN_CHANGED", "ACCOUNT_STATUS_CHANGED"),
    ]


def test_a_subscription_that_begins_while_the_account_is_closed_is_for_a_person_until_it_is_open(
    till: Till, account: str
) -> None:
    till.say(subscription(account, EXPIRED, at=1))
    closed(till, account)
    assert till.say(subscription(account, ACTIVE, at=2)).problem.startswith("ACCOUNT_CLOSED")
    assert [(case.account, case.cause.name) for case in till.cases(account)] == [(account, "RECORDED")]
    closed(till, account, AccountStatus.SUSPENDED)
    assert till.is_unlimited(account)
    assert till.cases(account) == []


def test_a_plan_of_staff_s_is_left_alone_when_the_account_is_opened_and_nothing_is_due(
    till: Till, account: str
) -> None:
    till.say(subscription(account, ACTIVE, at=1))
    till.desk.accounts.set_plan(account, act(None), unlimited=False, until=None)
    closed(till, account)
    closed(till, account, AccountStatus.ACTIVE)
    assert not till.is_unlimited(account)
