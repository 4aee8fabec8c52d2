"""What approvals do: acts of staff as they are kept, done within a transaction that is open."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import orjson

from creditd.domain import errors
from creditd.domain.account import Account
from creditd.domain.commands import Remove, WriteOff
from creditd.domain.controls.approval import Approval, ApprovalKind, BalanceAfter, WantedAct, WantedAmount
from creditd.domain.controls.audit_event import Act, moved_event
from creditd.domain.entry import Entry
from creditd.domain.wallet import Origin, WalletKey
from creditd.ledger.transaction import Transaction
from creditd.ledger.work import Step
from creditd.service.payments import reversals
from creditd.service.payments.reversals import Reversals
from creditd.storage import accounts
from creditd.storage.controls import approvals, audit
from creditd.storage.requests import RequestKey, load_requests

KINDS: Final[Mapping[ApprovalKind, str]] = MappingProxyType(
    {
        ApprovalKind.REMOVE_CREDITS: "credits.remove",
        ApprovalKind.WRITE_OFF_DEBT: "debt.write_off",
        ApprovalKind.REVERSE_PURCHASE: "purchase.reverse",
    }
)
"""What the audit log calls them: the same as when they are done by one person."""


class DoneAct(NamedTuple):
    """What was done: with each amount that was left open as it came out, and the balances right after it."""

    act: WantedAct
    balances: tuple[BalanceAfter, ...]


class ApprovedActs:
    """Does what is asked for and approved. Everything is decided anew each time, on locked rows."""

    def __init__(self, reversing: Reversals, make_id: Callable[[], str]) -> None:
        """Reverse purchases by ``reversing``, and give audit events their ids by ``make_id``."""
        self._reversals = reversing
        self._make_id = make_id

    def hold(self, transaction: Transaction, wanted: WantedAct, counted: Origin | None = None) -> Account:
        """Lock what an act is on until the transaction ends; return its account, which is not opened by that.

        A reversal is counted by velocity rules if it is to be done, and then has its origin ``counted``: the account
        may not be locked by then. Raises PurchaseNotFound, AccountNotFound.
        """
        if wanted.purchase_id:
            purchase = reversals.lock(transaction, wanted.purchase)
            if counted is not None:
                self._reversals.count(transaction, purchase, counted)
        if accounts.find(transaction.connection, wanted.account_id) is None:
            raise errors.AccountNotFound(account_id=wanted.account_id)
        return transaction.hold(wanted.account_id)

    def was_done(self, transaction: Transaction, wanted: WantedAct, origin: Origin) -> bool:
        """Tell whether the request of an origin was carried out before, by somebody who could do so alone."""
        if wanted.purchase_id:
            return reversals.was_recorded(transaction, wanted.account_id, origin)
        key = RequestKey(wanted.account_id, origin.request_id or "")
        found = load_requests(transaction.connection, [key]).get(key, [])
        return any(entry.fingerprint == origin.fingerprint for entry in found)

    def do(self, transaction: Transaction, wanted: WantedAct, act: Act, label: str) -> DoneAct:
        """Do what is wanted, and tell the audit log. ``label`` is the approval's name, for rows of the ledger.

        The account is held, and the request id of the act claimed. Raises the refusals of the act.
        """
        if wanted.purchase_id:
            return self._reverse(transaction, wanted, act)
        labels = (orjson.loads(act.origin.metadata) if act.origin.metadata else {}) | {"approval": label}
        origin = act.origin._replace(request_id=None, fingerprint=0, metadata=orjson.dumps(labels).decode())
        entries = transaction.perform(wanted.account_id, origin, steps_of(wanted, origin)).entries
        told = moved_event(act, self._make_id(), transaction.now, wanted.account_id, entries)
        audit.append(transaction.connection, told)
        done = tuple(WantedAmount(entry.credit_type, entry.amount) for entry in entries)
        return DoneAct(wanted._replace(amounts=done), tuple(map(_balance_after, entries)))

    def _reverse(self, transaction: Transaction, wanted: WantedAct, act: Act) -> DoneAct:
        purchase = reversals.lock(transaction, wanted.purchase)
        money = reversals.left_of(purchase) if wanted.money is None else wanted.money
        # The maker's request is known by its approval alone: a repeat is answered with that, not with what came of it.
        kept = act._replace(origin=act.origin._replace(fingerprint=0))
        self._reversals.record(transaction, purchase, money, kept, wanted.version)
        after = approvals.balance(transaction.connection, WalletKey(wanted.account_id, purchase.credit_type))
        done = wanted._replace(money=money, currency=purchase.currency, version=None)
        return DoneAct(done, (after,) if after else ())


def steps_of(wanted: WantedAct, origin: Origin) -> tuple[Step, ...]:
    """Return the steps of a removal, or of a debt that is written off, each with an ordinal of its own."""
    return tuple(
        Step(
            WalletKey(wanted.account_id, one.credit_type), _command(wanted.kind, origin._replace(ordinal=ordinal), one)
        )
        for ordinal, one in enumerate(wanted.amounts)
    )


def _command(kind: ApprovalKind, origin: Origin, one: WantedAmount) -> Remove | WriteOff:
    if kind is ApprovalKind.WRITE_OFF_DEBT or one.amount is None:
        return WriteOff(origin, one.amount, one.version)
    return Remove(origin, one.amount, one.version)


def act_of(approval: Approval, correlation_id: str) -> Act:
    """Return the act that an approval is of, as its maker's, in a call of another one."""
    maker = approval.maker
    origin = Origin(maker.subject, approval.request_id, approval.fingerprint, approval.reason, approval.metadata)
    return Act(origin, KINDS[approval.act.kind], maker.person, tuple(sorted(maker.roles)), correlation_id)


def _balance_after(entry: Entry) -> BalanceAfter:
    return BalanceAfter(
        entry.credit_type,
        entry.version,
        entry.available_after,
        entry.reserved_after,
        entry.debt_after,
        entry.create_time,
    )
