"""Approvals: acts of staff that a second person has to agree to, and who may agree (requirement D4).

Nothing is done before it is approved. Everything here is pure: who asks and who decides come in as parties.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from creditd.domain.controls.approval_errors import ApprovalDecided, ApprovalExpired, NotOwnApproval, OwnApproval
from creditd.domain.controls.audit_event import Document
from creditd.domain.instant import Instant, instant_text
from creditd.domain.payments.package import Money
from creditd.domain.payments.purchase import PurchaseKey, purchase_name

ADMINISTRATORS: Final = frozenset({"ADMIN", "SUPER_ADMIN"})
"""The roles that act alone, up to the thresholds."""

PARTIES: Final = ADMINISTRATORS | {"FINANCE"}
"""The roles that ask, and those that decide."""


class ApprovalKind(IntEnum):
    """What is done once it is approved. The numbers are those of the proto and of the rows."""

    REMOVE_CREDITS = 1
    WRITE_OFF_DEBT = 2
    REVERSE_PURCHASE = 3


class ApprovalState(IntEnum):
    """How far an approval has come. The numbers are those of the proto and of the rows.

    EXPIRED stands in no row: the clock alone tells.
    """

    PENDING = 1
    APPROVED = 2
    REJECTED = 3
    EXPIRED = 4
    CANCELLED = 5


class Party(NamedTuple):
    """Who asks or decides: the subject of the token, who stands behind it, and its roles at that moment."""

    subject: str
    person: str
    roles: AbstractSet[str]


class WantedAmount(NamedTuple):
    """An amount of one credit type, all that there is if it is None, and the balance's version that it was decided on.

    ``version`` counts when it is asked for, and is not kept.
    """

    credit_type: str
    amount: int | None
    version: int | None = None


class WantedAct(NamedTuple):
    """What is to be done to an account.

    ``amounts`` are to be removed or written off. A reversal has a ``purchase_id``, the ``money`` that was given back
    (all that is left if it is None), and the purchase's ``version`` that it was decided on, which counts when it is
    asked for.
    """

    kind: ApprovalKind
    account_id: str
    amounts: tuple[WantedAmount, ...] = ()
    purchase_id: str = ""
    money: int | None = None
    currency: str = ""
    version: int | None = None

    @property
    def purchase(self) -> PurchaseKey:
        """The key of the purchase that is to be reversed."""
        return PurchaseKey(self.account_id, self.purchase_id)


class Thresholds(NamedTuple):
    """The most that an administrator does alone: by credit type, and in money by currency. Without one: anything."""

    credits: Mapping[str, int] = MappingProxyType({})
    money: Mapping[str, int] = MappingProxyType({})


class BalanceAfter(NamedTuple):
    """A balance right after an act."""

    credit_type: str
    version: int
    available: int
    reserved: int
    debt: int
    update_time: Instant


class Decision(NamedTuple):
    """What was decided, by whom, why and when. ``balances`` are those right after what was approved was done."""

    state: ApprovalState
    decided_by: str
    decided_by_person: str
    reason: str
    decide_time: Instant
    balances: tuple[BalanceAfter, ...] = ()


class Approval(NamedTuple):
    """An act that was asked for, and what was decided.

    ``role_is_stored`` tells that the maker's role was granted here, so that it can be seen whether it is lost.
    ``metadata`` are the maker's labels as rows have them; ``preview`` is how the balances would have been. ``note`` is
    the maker's for staff.
    """

    approval_id: str
    act: WantedAct
    maker: Party
    role_is_stored: bool
    reason: str
    metadata: str
    request_id: str
    fingerprint: int
    preview: tuple[BalanceAfter, ...]
    create_time: Instant
    expire_time: Instant
    decision: Decision | None = None
    note: str = ""

    @property
    def account_id(self) -> str:
        """The account that the act is on."""
        return self.act.account_id

    @property
    def name(self) -> str:
        """Its resource name; empty for one that is only tried."""
        return approval_name(self.account_id, self.approval_id) if self.approval_id else ""

    def state_at(self, now: Instant) -> ApprovalState:
        """Return its state at an instant."""
        if self.decision is not None:
            return self.decision.state
        return ApprovalState.EXPIRED if now >= self.expire_time else ApprovalState.PENDING


def needs_second_person(roles: AbstractSet[str], act: WantedAct, thresholds: Thresholds) -> bool:
    """Tell whether somebody with these roles may not do an act alone.

    An act that leaves its amount open is above each threshold that there is for it.
    """
    if ADMINISTRATORS.isdisjoint(roles):
        return True
    if act.kind is ApprovalKind.REVERSE_PURCHASE:
        return _is_above(act.money, thresholds.money.get(act.currency))
    return any(_is_above(one.amount, thresholds.credits.get(one.credit_type)) for one in act.amounts)


def _is_above(amount: int | None, threshold: int | None) -> bool:
    return threshold is not None and (amount is None or amount > threshold)


def require_pending(approval: Approval, now: Instant) -> None:
    """Raise ApprovalDecided or ApprovalExpired unless it can still be decided."""
    state = approval.state_at(now)
    if state is ApprovalState.EXPIRED:
        raise ApprovalExpired(approval=approval.name, expire_time=instant_text(approval.expire_time))
    if state is not ApprovalState.PENDING:
        raise ApprovalDecided(approval=approval.name, state=state.name)


def require_second(approval: Approval, decider: Party) -> None:
    """Raise OwnApproval if the one that decides has asked for it, by whatever account of the same person."""
    makers = {approval.maker.subject, approval.maker.person}
    if not makers.isdisjoint((decider.subject, decider.person)):
        raise OwnApproval(approval=approval.name)


def require_maker(approval: Approval, caller: Party) -> None:
    """Raise NotOwnApproval unless the caller, or the person behind it, has asked for it."""
    if {approval.maker.subject, approval.maker.person}.isdisjoint((caller.subject, caller.person)):
        raise NotOwnApproval(approval=approval.name)


APPROVAL_NAME: Final = re.compile(
    r"accounts/([A-Za-z0-9._:@+-]{1,128})/approvals/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)


class ApprovalKey(NamedTuple):
    """Which approval."""

    account_id: str
    approval_id: str


def approval_name(account_id: str, approval_id: str) -> str:
    """Return an approval's resource name."""
    return f"accounts/{account_id}/approvals/{approval_id}"


def parse_approval_name(name: str) -> ApprovalKey:
    """Parse an approval's resource name. Raises ValueError."""
    match = APPROVAL_NAME.fullmatch(name)
    if match is None:
        raise ValueError(name)
    return ApprovalKey(*match.groups())


def told(approval: Approval, now: Instant) -> Document:
    """Return an approval as the audit log is told of it."""
    act, decision = approval.act, approval.decision
    document: dict[str, object] = {
        "kind": act.kind.name,
        "state": approval.state_at(now).name,
        "maker": approval.maker.subject,
        "maker_person": approval.maker.person,
        "expire_time": approval.expire_time,
    }
    if act.amounts:
        document["amounts"] = {one.credit_type: one.amount for one in act.amounts}
    if act.purchase_id:
        document |= {"purchase": purchase_name(act.purchase), "money": Money(act.money or 0, act.currency)._asdict()}
    if decision is not None:
        document |= {"decided_by": decision.decided_by, "decided_by_person": decision.decided_by_person}
    return document
