"""What stands out of an account: what somebody should know before anything else."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from credit.v1.account_pb2 import AccountOverview, AccountStatus, PlanKind
from credit.v1.balance_pb2 import Wallet
from creditd.console.shapes.cells import CellWriter

_LOOKS: Final = ("bad", "warn", "info")
"""How notices look, the worst first."""

_SOON_SECONDS: Final = 7 * 86_400


class Notice(NamedTuple):
    """Something that stands out: the key of its text, how it looks, what is put into it, and where more of it is."""

    key: str
    look: str
    icon: str
    values: Mapping[str, object]
    path: str = ""


def worst_first(found: Iterable[Notice]) -> list[Notice]:
    """Return notices by how bad they look; those that look alike stay in their order."""
    return sorted(found, key=lambda notice: _LOOKS.index(notice.look))


def account_notices(write: CellWriter, overview: AccountOverview, wallets: Iterable[Wallet]) -> list[Notice]:
    """Return what stands out of an account as it is; nothing if all is as it should be."""
    account = overview.account
    found = []
    if account.status == AccountStatus.ACCOUNT_STATUS_SUSPENDED:
        found.append(Notice("notice.suspended", "bad", "ban", {}))
    if account.status == AccountStatus.ACCOUNT_STATUS_CLOSED:
        found.append(Notice("notice.closed", "warn", "lock", {}))
    for wallet in wallets:
        found += _of_wallet(write, wallet)
    if overview.extra_payments:
        found.append(Notice("notice.extra_payments", "warn", "alert", {"count": overview.extra_payments}))
    if overview.open_disputes:
        found.append(Notice("notice.disputes", "warn", "alert", {"count": overview.open_disputes}))
    if overview.open_flags:
        found.append(Notice("notice.flags", "warn", "flag", {"count": overview.open_flags}))
    if account.plan.kind == PlanKind.PLAN_KIND_UNLIMITED:
        found.append(Notice("notice.unlimited", "info", "info", {}))
    return found


def _of_wallet(write: CellWriter, wallet: Wallet) -> Iterator[Notice]:
    """Yield its debt, and what is about to lapse of it, if that is more than half."""
    balance = wallet.balance
    if balance.debt:
        yield Notice("notice.debt", "warn", "alert", {"debt": write.credits(balance.debt, balance.credit_type).html})
    end = write.visit.now + _SOON_SECONDS
    lapsing = [grant for grant in wallet.grants if grant.HasField("expire_time") and grant.expire_time.seconds < end]
    amount = sum(grant.available for grant in lapsing)
    if amount * 2 > balance.available:
        first = min((grant.expire_time for grant in lapsing), key=lambda moment: moment.seconds)
        values = {"amount": write.credits(amount, balance.credit_type).html, "time": write.time(first).html}
        yield Notice("notice.lapsing", "warn", "expire", values)
