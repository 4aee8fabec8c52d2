"""The account: its status, plan and limits, which decide what its wallets may do, and its balance alerts."""

from collections import Counter
from enum import IntEnum
from typing import NamedTuple

from creditd.domain import errors
from creditd.domain.events.balance_alert import MAX_ALERTS, BalanceAlert
from creditd.domain.instant import Instant
from creditd.domain.limits import MAX_LIMITS, Limit


class AccountStatus(IntEnum):
    """What an account may do. The numbers are those of the proto and of the rows."""

    ACTIVE = 1
    SUSPENDED = 2
    CLOSED = 3


FIRST_VERSION = 1
"""The version with which an account is opened: active, on the standard plan."""


class Account(NamedTuple):
    """The holder of credits. ``version`` is raised by each change of status, plan, limits or alerts."""

    account_id: str
    version: int
    status: AccountStatus
    unlimited: bool
    unlimited_until: Instant | None
    create_time: Instant
    update_time: Instant
    limits: tuple[Limit, ...] = ()
    alerts: tuple[BalanceAlert, ...] = ()

    def has_unlimited_plan(self, now: Instant) -> bool:
        """Tell whether the unlimited plan is in force at ``now``: spending is recorded and takes no credits."""
        return self.unlimited and (self.unlimited_until is None or now < self.unlimited_until)

    @property
    def had_no_plan(self) -> bool:
        """Tell whether the account was certainly never on another plan: none of its facts has ever changed."""
        return self.version == FIRST_VERSION

    def require_open(self) -> None:
        """Raise AccountClosed for a closed account: it refuses all but reads."""
        if self.status == AccountStatus.CLOSED:
            raise errors.AccountClosed(account_id=self.account_id)

    def require_spending(self) -> None:
        """Raise AccountClosed or AccountSuspended unless the account may spend."""
        if self.status != AccountStatus.ACTIVE:
            self.require_open()
            raise errors.AccountSuspended(account_id=self.account_id)


def new_account(account_id: str, now: Instant) -> Account:
    """Return a new account: active, on the standard plan."""
    return Account(
        account_id,
        FIRST_VERSION,
        AccountStatus.ACTIVE,
        unlimited=False,
        unlimited_until=None,
        create_time=now,
        update_time=now,
    )


def with_status(account: Account, status: AccountStatus, now: Instant, *, is_empty: bool) -> Account:
    """Return the account with another status. Raises AccountNotEmpty for closing one that is not empty."""
    if status == AccountStatus.CLOSED and not is_empty:
        raise errors.AccountNotEmpty(account_id=account.account_id)
    return account._replace(version=account.version + 1, status=status, update_time=now)


def with_plan(account: Account, now: Instant, *, unlimited: bool, until: Instant | None) -> Account:
    """Return the account with the unlimited plan switched on or off; ``until`` None is until it is switched off.

    Raises AccountClosed, ExpiryInPast.
    """
    account.require_open()
    errors.require_future("plan.end_time", until, now)
    return account._replace(
        version=account.version + 1, unlimited=unlimited, unlimited_until=until if unlimited else None, update_time=now
    )


def with_limits(account: Account, limits: tuple[Limit, ...], now: Instant) -> Account:
    """Return the account with these limits in place of those it had.

    Raises AccountClosed; InvalidField for too many, for two on the same movements, and for a least above the most.
    """
    account.require_open()
    if len(limits) > MAX_LIMITS:
        raise errors.InvalidField(field="limits", rule=f"at most {MAX_LIMITS}")
    if any(many > 1 for many in Counter(limit[:2] for limit in limits).values()):
        raise errors.InvalidField(field="limits", rule="each credit type and spender at most once")
    if any(limit.least is not None and limit.most is not None and limit.least > limit.most for limit in limits):
        raise errors.InvalidField(field="limits", rule="least_per_movement no more than most_per_movement")
    return account._replace(version=account.version + 1, limits=tuple(sorted(limits, key=_order)), update_time=now)


def with_alerts(account: Account, alerts: tuple[BalanceAlert, ...], now: Instant) -> Account:
    """Return the account with these balance alerts in place of those it had.

    Raises AccountClosed; InvalidField for too many, and for two on the same credit type.
    """
    account.require_open()
    if len(alerts) > MAX_ALERTS:
        raise errors.InvalidField(field="alerts", rule=f"at most {MAX_ALERTS}")
    if len({alert.credit_type for alert in alerts}) < len(alerts):
        raise errors.InvalidField(field="alerts", rule="each credit type at most once")
    return account._replace(version=account.version + 1, alerts=tuple(sorted(alerts)), update_time=now)


def _order(limit: Limit) -> tuple[str, str]:
    return limit.credit_type, limit.spender_id
