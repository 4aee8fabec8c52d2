"""GetReceipt confirms that a purchase was paid, and what was given back of it (C3)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event
from typing import Any

import pytest

from credit.v1 import statement_service_pb2 as pb
from creditd.server.handlers.receipt_handlers import RECEIPTS_OF_A_CALLER
from creditd.server.statements import printer as printers
from creditd.server.statements.printer import Press, Printer
from creditd.server.statements.words import WORDS
from creditd.service.statements import Position, Statements
from tests.contract.payments.shopper import Shopper
from tests.support.market import PRICE, STRIPE
from tests.support.patience import eventually, patience
from tests.support.pdfs import ECHO, SLEEPS, children, text_in, undrawn
from tests.support.promos import make_code, percent_discount
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("C3")

PAYMENT, REFUND = pb.RECEIPT_KIND_PAYMENT, pb.RECEIPT_KIND_REFUND


def asking(name: str, kind: int = PAYMENT, **fields: Any) -> pb.GetReceiptRequest:
    """Return the request for a receipt, in English unless stated otherwise."""
    stated: dict[str, Any] = {"name": name, "kind": kind, "language": "en"} | fields
    return pb.GetReceiptRequest(**stated)


def receipt(shopper: Shopper, name: str, kind: int = PAYMENT, **fields: Any) -> str:
    """Return the text of a receipt, as the owner reads it."""
    owner = shopper.market.service.as_caller(shopper.account_id, "USER")
    return text_in(owner.statement.GetReceipt(asking(name, kind, **fields), timeout=patience(60)).data)


def test_a_receipt_says_what_was_paid_for_what(shopper: Shopper) -> None:
    purchase = shopper.bought()
    text = receipt(shopper, purchase.name)
    for expected in ("1,000.00 THB", "Small", "Stripe", purchase.name.rpartition("/")[2], purchase.payment_id, "90"):
        assert expected in text
    assert WORDS["en"]["title.receipt"] in text
    assert WORDS["en"]["receipt.test"] in text


def test_a_receipt_of_refunds_has_each_of_them(shopper: Shopper) -> None:
    purchase = shopper.bought()
    fake = shopper.market.fakes.stripe
    for amount, state in ((PRICE // 4, "PARTIALLY_REFUNDED"), (None, "REFUNDED")):
        shopper.market.act(fake.refund, purchase.payment_id, *([amount] if amount else []))
        shopper.becomes(purchase.name, state)
    text = receipt(shopper, purchase.name, REFUND)
    for expected in ("250.00 THB", "750.00 THB", "1,000.00 THB", "0.00 THB", WORDS["en"]["title.refund"]):
        assert expected in text


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have receipts sent as they are, without the second that drawing takes."""
    monkeypatch.setattr(printers, "COMMAND", ECHO)


def details(shopper: Shopper, name: str, **fields: Any) -> dict[str, str]:
    """Return what stands in a receipt that was not drawn."""
    owner = shopper.market.service.as_caller(shopper.account_id, "USER")
    document = undrawn(owner.statement.GetReceipt(asking(name, **fields), timeout=patience(60)).data)
    return {detail.label: detail.value for detail in document.details}


@pytest.mark.usefixtures("echo")
def test_a_receipt_tells_a_discount(shopper: Shopper) -> None:
    code = make_code(shopper.staff, percent_discount(20))
    purchase = shopper.bought(promo_code=code.display_code)
    said, words = details(shopper, purchase.name, language="vi"), WORDS["vi"]
    assert [said[words[f"receipt.{name}"]] for name in ("price", "discount", "paid")] == [
        *("1.000,00 THB", "-200,00 THB", "800,00 THB"),
    ]


@pytest.mark.usefixtures("echo")
def test_a_receipt_does_not_wait_behind_statements(shopper: Shopper, monkeypatch: pytest.MonkeyPatch) -> None:
    purchase = shopper.bought()
    go_on, begun, step = Event(), Event(), Statements.step

    async def held(self: Statements, account_id: str, position: Position, show: Callable[..., Any]) -> Any:
        begun.set()
        while not go_on.is_set():  # noqa: ASYNC110 - it is set on another thread.
            await asyncio.sleep(0.005)
        return await step(self, account_id, position, show)

    monkeypatch.setattr(Statements, "step", held)
    finance = shopper.market.service.as_caller("accountant", "FINANCE").statement
    export = pb.ExportTransactionsRequest(account_id=shopper.account_id, format=pb.STATEMENT_FORMAT_PDF)
    statement = finance.ExportTransactions(export)
    assert begun.wait(patience(60))
    assert purchase.payment_id in details(shopper, purchase.name).values()
    go_on.set()
    assert next(statement).data


def test_the_drawing_of_a_receipt_ends_with_its_caller(shopper: Shopper, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next one has the press."""
    name, before = shopper.bought().name, children()
    owner = shopper.market.service.as_caller(shopper.account_id, "USER").statement
    with monkeypatch.context() as slow:
        slow.setattr(printers, "COMMAND", SLEEPS)
        call = owner.GetReceipt.future(asking(name))
        (drawing,) = eventually(lambda: [child for child in children() if child not in before])
        call.cancel()
        eventually(lambda: drawing not in children())
        slow.setattr(printers, "COMMAND", ECHO)
        assert details(shopper, name)


@pytest.mark.usefixtures("echo")
def test_a_caller_has_few_receipts_at_once(shopper: Shopper, monkeypatch: pytest.MonkeyPatch) -> None:
    name = shopper.bought().name
    go_on, press, entered = Event(), Printer.press, []

    @asynccontextmanager
    async def held(self: Printer) -> AsyncIterator[Press]:
        entered.append(self)
        while not go_on.is_set():  # noqa: ASYNC110 - it is set on another thread.
            await asyncio.sleep(0.005)
        async with press(self) as own:
            yield own

    monkeypatch.setattr(Printer, "press", held)
    owner = shopper.market.service.as_caller(shopper.account_id, "USER").statement
    receipts = [owner.GetReceipt.future(asking(name)) for _ in range(RECEIPTS_OF_A_CALLER)]
    eventually(lambda: len(entered) == RECEIPTS_OF_A_CALLER)
    assert refused(owner.GetReceipt, asking(name)).reason == "TOO_MANY_AT_ONCE"
    go_on.set()
    assert all(answer.result().data for answer in receipts)
    assert details(shopper, name)


def test_there_is_no_receipt_of_what_did_not_happen(shopper: Shopper) -> None:
    owner = shopper.market.service.as_caller(shopper.account_id, "USER").statement
    unpaid = shopper.buy(STRIPE)
    assert refused(owner.GetReceipt, asking(unpaid.name)).reason == "PURCHASE_NOT_PAID"
    paid = shopper.bought()
    assert refused(owner.GetReceipt, asking(paid.name, REFUND)).reason == "PURCHASE_NOT_REFUNDED"
    unknown = f"{paid.name[:-1]}{'1' if paid.name[-1] == '0' else '0'}"
    assert refused(owner.GetReceipt, asking(unknown)).reason == "PURCHASE_NOT_FOUND"
    stranger = shopper.market.service.as_caller("stranger", "USER").statement
    assert refused(stranger.GetReceipt, asking(paid.name)).reason == "PERMISSION_DENIED"
