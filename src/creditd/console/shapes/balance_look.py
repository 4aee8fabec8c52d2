"""What an act would do to balances: each as it is, by how much it would change, and as it would be."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from credit.v1.balance_pb2 import Balance
from credit.v1.credit_service_pb2 import GetBalanceRequest
from creditd.console.channel import Stubs
from creditd.console.shapes.cells import Cell, CellWriter

LookRow = tuple[Cell, Cell, Cell, Cell]
"""What it is about; now, change and after."""


def asked_only(request: Any) -> Any:
    """Return the same request as a question: what it would do, by a request id of its own, which leaves the act's free.

    It states a reason where the form has none yet.
    """
    asked = type(request)()
    asked.CopyFrom(request)
    asked.validate_only, asked.request_id = True, f"{request.request_id}:preview"
    asked.reason = request.reason or "preview"
    return asked


def balance_look(method: Callable[[Stubs], Any]) -> Callable[[CellWriter, Any], Awaitable[Sequence[LookRow]]]:
    """Return what looks at the balances of the account of the path, as they are and as a call says it would leave them.

    What it returns raises ServiceRefusal.
    """

    async def rows(write: CellWriter, request: Any) -> Sequence[LookRow]:
        visit = write.visit
        answer = await visit.ask(method(visit.stubs), asked_only(request))
        fields = answer.DESCRIPTOR.fields_by_name
        if "approval" in fields and answer.HasField("approval"):
            after = answer.approval.preview
        else:
            after = answer.balances if "balances" in fields else [answer.balance]
        return await balance_rows(write, visit.parts["account_id"], after)

    return rows


async def balance_rows(write: CellWriter, account_id: str, after: Sequence[Balance]) -> Sequence[LookRow]:
    """Return the rows for balances as they would be, beside those that are now. Raises ServiceRefusal."""
    visit = write.visit
    request = GetBalanceRequest(account_id=account_id, credit_types=[balance.credit_type for balance in after])
    answer = await visit.ask(visit.stubs.credit.GetBalance, request)
    now = {wallet.balance.credit_type: wallet.balance for wallet in answer.account_balance.wallets}
    return [row for then in after for row in _rows(write, now.get(then.credit_type, Balance()), then)]


def _rows(write: CellWriter, now: Balance, then: Balance) -> Iterable[LookRow]:
    code = then.credit_type
    figures = (
        ("available", now.available, then.available),
        ("held", now.reserved, then.reserved),
        ("debt", now.debt, then.debt),
    )
    for name, before, after in figures:
        if name == "available" or before or after:
            label = write.text("look.figure", figure=write.text(name), type=code)
            yield look_row(write, label, before, after, code)


def look_row(write: CellWriter, label: Cell, before: int, after: int, credit_type: str) -> LookRow:
    """Return a row for an amount of a credit type."""
    return (
        label,
        write.credits(before, credit_type, is_bare=True),
        write.credits(after - before, credit_type, is_signed=True, is_bare=True),
        write.credits(after, credit_type, is_bare=True),
    )
