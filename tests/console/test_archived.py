"""What lies in the archive: lists and questions that come to it name the file."""

from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from credit.v1.credit_service_pb2 import ListTransactionsResponse
from credit.v1.entry_pb2 import ArchivedEntries
from creditd.console.reader import reader_of
from creditd.console.refusal_words import refusal_words
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.settings import PublicUrl
from creditd.console.shapes.archived_entries import archived_cells
from creditd.console.shapes.cells import CellWriter
from creditd.console.texts import LANGUAGES, Texts
from creditd.console.wire.cookies import CookieJar

FILE = "5a/ann/chat.1-5000.jsonl.gz"


@pytest.fixture
def write() -> CellWriter:
    """Return what writes for a reader of English."""
    visit: Any = SimpleNamespace(reader=reader_of(CookieJar("", PublicUrl("", is_encrypted=False)), {}, "en"), now=0)
    return CellWriter(visit, {})


@pytest.mark.requirement("D7")
def test_a_list_names_the_file_at_its_end(write: CellWriter) -> None:
    archived = ArchivedEntries(credit_type="chat", before_version=5_000, file=FILE)
    archived.before_time.FromJsonString("2026-01-02T03:04:05Z")
    (cell,) = archived_cells(write, ListTransactionsResponse(archived_entries=[archived]))
    for told in ("chat", "5000", "2026-01-02T03:04:05Z", FILE):
        assert told in cell.plain, told
    # Before its end there is more to be read here.
    assert not archived_cells(write, ListTransactionsResponse(archived_entries=[archived], next_page_token="x"))


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_staff_are_told_the_file_and_not_to_ask_staff(language: str) -> None:
    facts = {"credit_type": "chat", "before_version": "5000", "before_time": "2026-01-02T03:04:05Z", "file": FILE}
    code = grpc.StatusCode.FAILED_PRECONDITION
    refusal = ServiceRefusal(code, "ENTRIES_ARCHIVED", "Please ask the support team for it.", facts=facts)
    words = refusal_words(refusal, Texts(language))
    assert (FILE in words, "support" in words) == (True, False)


def test_other_refusals_are_told_in_the_words_of_the_service() -> None:
    hostile = "<script>alert(1)</script>"
    refusal = ServiceRefusal(grpc.StatusCode.FAILED_PRECONDITION, "DEBT_NOT_FOUND", hostile)
    assert refusal_words(refusal, Texts("en")) == '<span dir="auto">&lt;script&gt;alert(1)&lt;/script&gt;</span>'
