"""Approvals and what was decided on them, as rows that are added and never changed.

Who decides holds the account (see :meth:`creditd.ledger.transaction.Transaction.hold`), so that decisions on it come
one after the other; and the key of a decision lets in one for each approval.
"""

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, insert, text

from creditd.domain.controls.approval import (
    Approval,
    ApprovalKey,
    ApprovalKind,
    ApprovalState,
    BalanceAfter,
    Decision,
    Party,
    WantedAct,
    WantedAmount,
)
from creditd.domain.instant import LAST_SECOND, SECOND, Instant
from creditd.domain.wallet import WalletKey
from creditd.storage.controls.approval_tables import approval_decisions, approvals
from creditd.storage.rows import micros, timestamp

_COLUMNS: Final = f"""
    a.account_id, a.approval_id::text, a.kind, a.amounts, a.purchase_id::text, a.money, a.currency, a.maker,
    a.maker_person, a.maker_roles, a.role_is_stored, a.reason, a.metadata, a.request_id, a.fingerprint, a.preview,
    {micros("a.create_time")}, {micros("a.expire_time")},
    d.state, d.decided_by, d.decided_by_person, d.decision_reason, d.balances, d.decide_time, s.note
"""

_DECISION: Final = f"""
LEFT JOIN LATERAL (
    SELECT state, decided_by, decided_by_person, reason AS decision_reason, balances,
           {micros("decide_time")} AS decide_time
    FROM approval_decisions WHERE account_id = a.account_id AND approval_id = a.approval_id OFFSET 0
) AS d ON true
LEFT JOIN LATERAL (
    SELECT note FROM staff_notes WHERE account_id = a.account_id AND request_id = a.request_id OFFSET 0
) AS s ON true
"""
"""What was decided, and the note that was left with the request."""


_ONE: Final = text(f"""
SELECT {_COLUMNS} FROM approvals AS a {_DECISION} WHERE a.account_id = :account_id AND a.approval_id = :approval_id
""")

_OF_REQUEST: Final = text(f"""
SELECT {_COLUMNS} FROM approvals AS a {_DECISION} WHERE a.account_id = :account_id AND a.request_id = :request_id
""")


def add(connection: Connection, approval: Approval) -> None:
    """Add an approval that nobody has decided on; its id and its request id are new. The account is there."""
    act, maker = approval.act, approval.maker
    row = {
        "account_id": act.account_id,
        "approval_id": approval.approval_id,
        "kind": int(act.kind),
        "amounts": [[one.credit_type, one.amount] for one in act.amounts],
        "purchase_id": act.purchase_id or None,
        "money": act.money,
        "currency": act.currency or None,
        "maker": maker.subject,
        "maker_person": maker.person,
        "maker_roles": sorted(maker.roles),
        "preview": [list(balance) for balance in approval.preview],
    }
    same = "role_is_stored", "reason", "metadata", "request_id", "fingerprint", "create_time", "expire_time"
    connection.execute(insert(approvals).values(row | {name: getattr(approval, name) for name in same}))


def decide(connection: Connection, key: ApprovalKey, decision: Decision) -> None:
    """Add what was decided on an approval. Raises sqlalchemy.exc.IntegrityError if there is a decision."""
    row = decision._asdict() | {"state": int(decision.state), "balances": [list(one) for one in decision.balances]}
    connection.execute(insert(approval_decisions).values(key._asdict() | row))


def find(connection: Connection, key: ApprovalKey) -> Approval | None:
    """Return an approval, or None."""
    row = connection.execute(_ONE, key._asdict()).one_or_none()
    return _approval(row) if row else None


def find_by_request(connection: Connection, account_id: str, request_id: str) -> Approval | None:
    """Return the approval that a request id asked for, or None."""
    row = connection.execute(_OF_REQUEST, {"account_id": account_id, "request_id": request_id}).one_or_none()
    return _approval(row) if row else None


class ApprovalFilter(NamedTuple):
    """Which approvals; what is empty or None lets all pass."""

    account_id: str = ""
    state: ApprovalState | None = None
    kind: ApprovalKind | None = None
    maker: str = ""


class ApprovalPlace(NamedTuple):
    """Where an approval stands among all, newest first."""

    create_time: Instant
    approval_id: str


class ApprovalLook(NamedTuple):
    """Approvals found, newest first, and the place that the look has come to if it ended there; None if it saw all."""

    approvals: list[Approval]
    end: ApprovalPlace | None


AFTER_ALL: Final = ApprovalPlace(Instant(LAST_SECOND * SECOND), "ffffffff-ffff-ffff-ffff-ffffffffffff")


def _page(looked_at: str, order: str) -> str:
    return f"""
SELECT {_COLUMNS} FROM (SELECT * FROM approvals WHERE {looked_at} ORDER BY {order} LIMIT :rows) AS a {_DECISION}
WHERE (:kind = 0 OR a.kind = :kind) AND (:maker = '' OR a.maker = :maker)
  AND (:state = 0
       OR :state = coalesce(d.state, CASE WHEN a.expire_time > {timestamp(":now ::bigint")} THEN 1 ELSE 4 END))
ORDER BY {order} LIMIT :count
"""


def _last(looked_at: str, order: str) -> str:
    return f"""
SELECT (array_agg({micros("create_time")}))[:rows], (array_agg(approval_id::text))[:rows]
FROM (SELECT create_time, approval_id FROM approvals WHERE {looked_at} ORDER BY {order} LIMIT :rows) AS looked
HAVING count(*) = :rows
"""


_OF_ALL: Final = (
    f"(create_time, approval_id) < ({timestamp(':create_time ::bigint')}, :approval_id ::uuid)",
    "create_time DESC, approval_id DESC",
)

_OF_ACCOUNT: Final = "account_id = :account_id AND approval_id < :approval_id ::uuid", "approval_id DESC"

_PAGE, _PAGE_OF_ACCOUNT = text(_page(*_OF_ALL)), text(_page(*_OF_ACCOUNT))

_LAST, _LAST_OF_ACCOUNT = text(_last(*_OF_ALL)), text(_last(*_OF_ACCOUNT))


def page(
    connection: Connection, wanted: ApprovalFilter, before: ApprovalPlace, now: Instant, *, count: int, rows: int
) -> ApprovalLook:
    """Return up to ``count`` approvals older than a place, newest first, among the ``rows`` that an index finds first.

    Of an account they stand in the order of their ids, which are made one after the other.
    """
    if wanted.account_id:
        statement, last = _PAGE_OF_ACCOUNT, _LAST_OF_ACCOUNT
        looked_at = {"account_id": wanted.account_id, "approval_id": before.approval_id, "rows": rows}
    else:
        statement, last = _PAGE, _LAST
        looked_at = before._asdict() | {"rows": rows}
    narrowing = {"kind": int(wanted.kind or 0), "maker": wanted.maker, "state": int(wanted.state or 0)}
    asked = looked_at | narrowing | {"now": now, "count": count}
    found = [_approval(row) for row in connection.execute(statement, asked)]
    if len(found) == count:
        return ApprovalLook(found, None)
    end = connection.execute(last, looked_at).one_or_none()
    return ApprovalLook(found, ApprovalPlace(*end) if end else None)


_BALANCE: Final = text(f"""
SELECT credit_type, version, available, reserved, debt, {micros("update_time")} FROM wallets
WHERE account_id = :account_id AND credit_type = :credit_type
""")


def balance(connection: Connection, key: WalletKey) -> BalanceAfter | None:
    """Return the figures of a wallet as they are stored, or None if it has no row."""
    row = connection.execute(_BALANCE, key._asdict()).one_or_none()
    return BalanceAfter(*row) if row else None


def _approval(row: Any) -> Approval:
    account_id, approval_id, kind, amounts, purchase_id, money, currency, maker, person, roles = row[:10]
    role_is_stored, reason, metadata, request_id, fingerprint, preview, create_time, expire_time = row[10:18]
    return Approval(
        approval_id,
        WantedAct(
            ApprovalKind(kind),
            account_id,
            tuple(WantedAmount(*one) for one in amounts),
            purchase_id or "",
            money,
            currency or "",
        ),
        Party(maker, person, frozenset(roles)),
        role_is_stored,
        reason,
        metadata,
        request_id,
        fingerprint,
        _balances(preview),
        create_time,
        expire_time,
        _decision(row[18:24]),
        row[24] or "",
    )


def _decision(columns: Any) -> Decision | None:
    state, decided_by, person, reason, balances, decide_time = columns
    if state is None:
        return None
    return Decision(ApprovalState(state), decided_by, person, reason, decide_time, _balances(balances))


def _balances(stored: list[list[Any]]) -> tuple[BalanceAfter, ...]:
    return tuple(BalanceAfter(*one) for one in stored)
