"""What stands out of an account: what somebody should know before anything else."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from credit.v1.account_pb2 import AccountOverview, AccountStatus, PlanKind
from credit.v1.balance_pb2 import Balance, Wallet
from credit.v1.entry_pb2 import Entry
from credit.v1.history_item_pb2 import HistoryItem
from creditd.console.shapes.cells import CellWriter
from creditd.console.subjects.wallet_pages import entry_path

_LOOKS: Final = ("bad", "warn", "info")
"""How notices look, the worst first."""

_STATUSES: Final[Mapping[int, tuple[str, str, str]]] = {
    AccountStatus.ACCOUNT_STATUS_SUSPENDED: ("notice.suspended", "bad", "ban"),
    AccountStatus.ACCOUNT_STATUS_CLOSED: ("notice.closed", "warn", "lock"),
}
"""Those that stand out: the key of the text, the look, and the icon."""

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


def account_notices(
    write: CellWriter,
    overview: AccountOverview,
    wallets: Iterable[Wallet],
    act: HistoryItem | None = None,
    causes: Mapping[str, Entry] = MappingProxyType({}),
) -> list[Notice]:
    """Return what stands out of an account as it is; nothing if all is as it should be.

    ``act`` is what gave it its status, and ``causes`` what brought debt, by credit type, as far as that is known.
    """
    account = overview.account
    found = list(_of_status(write, account.status, act))
    for wallet in wallets:
        found += _of_wallet(write, wallet, causes.get(wallet.balance.credit_type))
    if overview.extra_payments:
        found.append(Notice("notice.extra_payments", "warn", "alert", {"count": overview.extra_payments}))
    if overview.open_disputes:
        found.append(Notice("notice.disputes", "warn", "alert", {"count": overview.open_disputes}))
    if overview.open_flags:
        found.append(Notice("notice.flags", "warn", "flag", {"count": overview.open_flags}))
    if account.plan.kind == PlanKind.PLAN_KIND_UNLIMITED:
        found.append(Notice("notice.unlimited", "info", "info", {}))
    return found


def _of_status(write: CellWriter, status: AccountStatus, act: HistoryItem | None) -> Iterator[Notice]:
    if status not in _STATUSES:
        return
    key, look, icon = _STATUSES[status]
    if act is None:
        yield Notice(key, look, icon, {})
        return
    values = {
        "who": write.identifier(act.actor).html,
        "time": write.time(act.create_time).html,
        "reason": write.said(act.reason).html,
    }
    yield Notice(f"{key}.by", look, icon, values)


def lapsed_notices(write: CellWriter, lapsed: Mapping[str, int], days: int) -> list[Notice]:
    """Return what lapsed unused, by credit type, in the days that are looked back."""
    return [
        Notice("notice.lapsed", "info", "expire", {"amount": write.credits(amount, code).html, "count": days})
        for code, amount in lapsed.items()
    ]


def _debt(write: CellWriter, balance: Balance, cause: Entry | None) -> Notice:
    values = {"debt": write.credits(balance.debt, balance.credit_type).html}
    if cause is None:
        return Notice("notice.debt", "warn", "alert", values)
    values |= {"time": write.time(cause.create_time).html, "reason": write.said(cause.reason).html}
    return Notice("notice.debt.cause", "warn", "alert", values, entry_path(write.visit, cause))


def _of_wallet(write: CellWriter, wallet: Wallet, cause: Entry | None) -> Iterator[Notice]:
    """Yield its debt, and what is about to lapse of it, if that is more than half."""
    balance = wallet.balance
    if balance.debt:
        yield _debt(write, balance, cause)
    end = write.visit.now + _SOON_SECONDS
    lapsing = [grant for grant in wallet.grants if grant.HasField("expire_time") and grant.expire_time.seconds < end]
    amount = sum(grant.available for grant in lapsing)
    if amount * 2 > balance.available:
        first = min((grant.expire_time for grant in lapsing), key=lambda moment: moment.seconds)
        values = {"amount": write.credits(amount, balance.credit_type).html, "time": write.time(first).html}
        yield Notice("notice.lapsing", "warn", "expire", values)
