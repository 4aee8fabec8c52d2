"""The account: its status and plan, which decide what its wallets may do."""

from enum import IntEnum
from typing import NamedTuple

from creditd.domain import errors
from creditd.domain.instant import Instant


class AccountStatus(IntEnum):
    """What an account may do. The numbers are those of the proto and of the rows."""

    ACTIVE = 1
    SUSPENDED = 2
    CLOSED = 3


FIRST_VERSION = 1
"""The version with which an account is opened: active, on the standard plan."""


class Account(NamedTuple):
    """The holder of credits. ``version`` is raised by each change of status or plan."""

    account_id: str
    version: int
    status: AccountStatus
    unlimited: bool
    unlimited_until: Instant | None
    create_time: Instant
    update_time: Instant

    def has_unlimited_plan(self, now: Instant) -> bool:
        """Tell whether the unlimited plan is in force at ``now``: spending is recorded and takes no credits."""
        return self.unlimited and (self.unlimited_until is None or now < self.unlimited_until)

    @property
    def had_no_plan(self) -> bool:
        """Tell whether the account was certainly never on another plan: neither status nor plan has ever changed."""
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
