"""ExportTransactions as PDF: what CSV has, for people (C3)."""

import re
from collections.abc import Mapping

import pytest

from credit.v1 import statement_service_pb2 as pb
from creditd.documents.document import Document
from creditd.server.handlers import statement_handlers
from creditd.server.statements import printer as printers
from creditd.server.statements.printer import Press
from creditd.server.statements.words import WORDS
from tests.support.customer import Customer
from tests.support.exports import READER, chunks_of, exporting, file_of, records_of
from tests.support.pdfs import ECHO, text_in, undrawn
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("C3")

PDF = pb.STATEMENT_FORMAT_PDF


@pytest.fixture
def paid(customer: Customer) -> Customer:
    """Return a customer who has bought and spent, beside the sign-up credit."""
    customer.top_up(123_456, credit_type="THB")
    customer.top_up(1_000)
    customer.deduct(25, reason="ค่าอาหารกลางวัน")
    return customer


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have documents sent as they are, without the second that drawing takes: in parts so small that there are some."""
    monkeypatch.setattr(printers, "COMMAND", ECHO)
    monkeypatch.setattr(statement_handlers, "CHUNK_BYTES", 512)


def test_it_has_the_entries_and_balances_of_the_period(paid: Customer) -> None:
    text = text_in(file_of(paid, format=PDF, time_zone="Asia/Bangkok"))
    words = WORDS["en"]
    for expected in ("1,234.56", "975", "-25", paid.account_id[:20], "Asia/Bangkok", words["kind.DEDUCT"]):
        assert expected in text
    assert text.count(words["record.OPENING_BALANCE"]) == text.count(words["record.CLOSING_BALANCE"]) == 3


def test_its_figures_are_those_of_the_csv(paid: Customer) -> None:
    paid.confirm(paid.hold(30), 20)
    paid.refund(paid.deduct(40, reason="a long night, 17 -3 5").reservation.name, 15)
    paid.hold(5)
    paid.top_up(1, credit_type="THB")
    names = ("available_change", "available", "held", "debt")
    records = records_of(paid)
    words = WORDS["en"]
    columns = [words[f"column.{name}"] for name in names]
    assert figures_in(text_in(file_of(paid, format=PDF)), words) == [
        [record[column] for column in columns if record[column]] for record in records
    ]


def figures_in(text: str, words: Mapping[str, str]) -> list[list[str]]:
    """Return the figures of each line that is an entry or a balance, as CSV writes them."""
    balances = words["record.OPENING_BALANCE"], words["record.CLOSING_BALANCE"]
    lines = text.replace(",", "").splitlines()
    return [
        line.split()[-3 if line.startswith(balances) else -4 :]
        for line in lines
        if line.startswith(balances) or re.match(r"\d{4}-\d\d-\d\d ", line)
    ]


@pytest.mark.usefixtures("echo")
def test_amounts_are_as_the_language_has_them(paid: Customer) -> None:
    document = undrawn(file_of(paid, format=PDF, language="vi", credit_types=["THB"]))
    assert "1.234,56" in document.sections[0].rows[-1].cells
    assert document.title == WORDS["vi"]["title.statement"]


@pytest.mark.usefixtures("echo")
def test_a_pdf_broken_off_goes_on_byte_for_byte(paid: Customer) -> None:
    chunks = chunks_of(paid, format=PDF)
    assert len(chunks) > 2
    paid.deduct(1)
    paid.service.clock.advance(100)
    rest = chunks_of(paid, format=PDF, resume_token=chunks[0].resume_token)
    assert rest == chunks[1:]
    assert not chunks[-1].resume_token


@pytest.mark.usefixtures("echo")
def test_halves_that_were_drawn_otherwise_are_not_put_together(paid: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    token = chunks_of(paid, format=PDF)[0].resume_token
    printed = Press.printed

    async def another(press: Press, document: Document) -> bytes:
        return await printed(press, document) + b"\n"

    monkeypatch.setattr(Press, "printed", another)
    export = paid.service.as_caller(READER, "FINANCE").statement.ExportTransactions
    assert refused(export, exporting(paid, format=PDF, resume_token=token)).reason == "PAGE_TOKEN_INVALID"


@pytest.mark.usefixtures("echo")
def test_more_entries_than_a_pdf_takes_are_refused(paid: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_handlers, "MAX_PDF_ROWS", 3)
    export = paid.service.as_caller(READER, "FINANCE").statement.ExportTransactions
    refusal = refused(export, exporting(paid, format=PDF))
    assert refusal.reason == "STATEMENT_TOO_LONG"
    assert refusal.metadata["rows"] == "4"
    assert chunks_of(paid, format=PDF, credit_types=["chat"])
