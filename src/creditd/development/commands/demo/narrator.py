"""Plays calls for the story and shows what came of them: sentences, balances, the ledger."""

import asyncio
import textwrap
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from credit.v1 import (
    account_pb2,
    admin_service_pb2,
    credit_service_pb2,
    entry_pb2,
    payment_admin_service_pb2,
    payment_service_pb2,
    source_pb2,
    workflow_service_pb2,
)
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit.v1.entry_pb2 import Entry
from credit.v1.payment_admin_service_pb2_grpc import PaymentAdminServiceStub
from credit.v1.payment_service_pb2_grpc import PaymentServiceStub
from credit.v1.purchase_pb2 import Purchase
from credit.v1.workflow_service_pb2_grpc import WorkflowServiceStub
from creditd.cli.output import CommandFailure, say
from creditd.cli.refusal import explain
from creditd.cli.tables import table
from creditd.domain.resource_names import account_name
from creditd.ledger.ids import uuid7

WIDTH: Final = 100
CREDIT_TYPE: Final = "spec"


class Narrator:
    """The services with a token, and a voice."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        """Speak to a server."""
        self._credit: Any = CreditServiceStub(channel)
        self._admin: Any = AdminServiceStub(channel)
        self._payment: Any = PaymentServiceStub(channel)
        self._payment_admin: Any = PaymentAdminServiceStub(channel)
        self._workflow: Any = WorkflowServiceStub(channel)
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._chapters = 0

    def chapter(self, title: str) -> None:
        """Begin another part."""
        self._chapters += 1
        say(f"\n{self._chapters}. {title}\n")

    def tell(self, text: str) -> None:
        """Say something."""
        say(textwrap.fill(text, WIDTH))

    async def spend(self, method: str, **fields: Any) -> Any:
        """Call a method of CreditService by its name, with a request id of its own unless one is given."""
        kind = getattr(credit_service_pb2, f"{method}Request")
        return await getattr(self._credit, method)(_request(kind, fields), metadata=self._metadata)

    async def administer(self, method: str, **fields: Any) -> Any:
        """Call a method of AdminService by its name, likewise."""
        kind = getattr(admin_service_pb2, f"{method}Request")
        return await getattr(self._admin, method)(_request(kind, fields), metadata=self._metadata)

    async def buy(self, method: str, **fields: Any) -> Any:
        """Call a method of PaymentService by its name, likewise."""
        kind = getattr(payment_service_pb2, f"{method}Request")
        return await getattr(self._payment, method)(_request(kind, fields), metadata=self._metadata)

    async def sell(self, method: str, **fields: Any) -> Any:
        """Call a method of PaymentAdminService by its name, likewise."""
        kind = getattr(payment_admin_service_pb2, f"{method}Request")
        return await getattr(self._payment_admin, method)(_request(kind, fields), metadata=self._metadata)

    async def work(self, method: str, **fields: Any) -> Any:
        """Call a method of WorkflowService by its name, likewise."""
        kind = getattr(workflow_service_pb2, f"{method}Request")
        return await getattr(self._workflow, method)(_request(kind, fields), metadata=self._metadata)

    def watch(self, run: str) -> AsyncIterator[workflow_service_pb2.WatchRunResponse]:
        """Return the stream of a run, by its name."""
        request = workflow_service_pb2.WatchRunRequest(name=run)
        stream: AsyncIterator[workflow_service_pb2.WatchRunResponse] = self._workflow.WatchRun(
            request, metadata=self._metadata
        )
        return stream

    async def add(self, account_id: str, amount: int) -> None:
        """Add credits that an account has bought."""
        added = admin_service_pb2.CreditAmount(credit_type=CREDIT_TYPE, amount=amount)
        await self.administer(
            "AddCredits",
            account_id=account_id,
            amounts=[added],
            source=source_pb2.SOURCE_PURCHASED,
            reason="the demo",
        )

    async def purchases(self, account_id: str) -> Sequence[Purchase]:
        """Return an account's purchases, newest first."""
        answer = await self.buy("ListPurchases", account_id=account_id, page_size=100)
        purchases: Sequence[Purchase] = answer.purchases
        return purchases

    async def is_replayed(self, method: str, **fields: Any) -> tuple[Any, bool]:
        """Call a method of CreditService; return its answer, and whether it was one given before."""
        kind = getattr(credit_service_pb2, f"{method}Request")
        call = getattr(self._credit, method)(_request(kind, fields), metadata=self._metadata)
        answer = await call
        trailing = dict(await call.trailing_metadata() or ())
        return answer, trailing.get("replayed") == "true"

    async def verification(self) -> Any:
        """Return the summary that VerifyLedger ends with, for all accounts."""
        call = self._admin.VerifyLedger(admin_service_pb2.VerifyLedgerRequest(), metadata=self._metadata)
        return [answer async for answer in call][-1].summary

    async def set_plan(self, account_id: str, kind: account_pb2.PlanKind) -> None:
        """Switch an account's plan."""
        plan = account_pb2.Plan(kind=kind)
        await self.administer("SetPlan", name=account_name(account_id), plan=plan, reason="the demo")

    async def show_balance(self, account_id: str, *, available: int) -> None:
        """Show an account's balance. Raises CommandFailure unless as much is available."""
        answer = await self.spend("GetBalance", account_id=account_id, credit_types=[CREDIT_TYPE])
        (wallet,) = answer.account_balance.wallets
        balance = wallet.balance
        sources = ", ".join(f"{grant.available} {_word(source_pb2.Source, grant.source)}" for grant in wallet.grants)
        row = (account_id, balance.total, balance.reserved, balance.available, sources or "-", balance.version)
        self.show(("account", "total", "reserved", "available", "available from", "version"), [row])
        expect(balance.available == available, f"{available} are available to {account_id}")

    async def ledger(self, account_id: str) -> Sequence[Entry]:
        """Return an account's ledger, newest first."""
        answer = await self.spend("ListTransactions", account_id=account_id, credit_type=CREDIT_TYPE, page_size=100)
        entries: Sequence[Entry] = answer.entries
        return entries

    async def show_ledger(self, account_id: str) -> None:
        """Show an account's ledger, oldest first."""
        rows = [
            (
                entry.version,
                _word(entry_pb2.EntryKind, entry.kind),
                entry.amount,
                f"{entry.available_delta:+d}",
                f"{entry.reserved_delta:+d}",
                entry.available_after,
                entry.reserved_after,
                ", ".join(f"{part.amount} {_word(source_pb2.Source, part.source)}" for part in entry.slices) or "-",
            )
            for entry in reversed(await self.ledger(account_id))
        ]
        head = ("version", "kind", "amount", "available", "reserved", "available after", "reserved after", "moved")
        self.show(head, rows)

    def show(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Show a table."""
        say()
        say(textwrap.indent(table(head, rows), "    "))
        say()

    def show_refusal(self, error: grpc.aio.AioRpcError) -> None:
        """Show why a call was refused, without the details."""
        say(f"\n    {explain(error).splitlines()[0]}")


async def outcome(call: Awaitable[Any]) -> Any:
    """Return what a call answers, or the error that it is refused with."""
    return (await asyncio.gather(call, return_exceptions=True))[0]


def refusal(result: Any, reason: str) -> grpc.aio.AioRpcError:
    """Return the error that a call had to be refused with. Raises CommandFailure for any other outcome."""
    if isinstance(result, grpc.aio.AioRpcError) and f" {reason}:" in explain(result):
        return result
    raise CommandFailure(f"expected {reason}, got {explain(result) if isinstance(result, grpc.RpcError) else result}")


def expect(fact: object, what: str) -> None:
    """Raise CommandFailure unless something that was just told is so."""
    if not fact:
        raise CommandFailure(f"the story went wrong: {what}")


def _request(kind: type[Message], fields: dict[str, Any]) -> Message:
    if "request_id" in kind.DESCRIPTOR.fields_by_name:
        fields = {"request_id": uuid7(), **fields}
    return kind(**fields)


def _word(enum: Any, number: int) -> str:
    # SOURCE_PURCHASED is "purchased", ENTRY_KIND_TOP_UP is "top up".
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    name: str = enum.Name(number)
    return name.removeprefix(prefix).lower().replace("_", " ")
