"""Cells of a statement: harmless to whatever opens them, exact, and in every language."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.v1 import statement_service_pb2 as pb
from creditd.csv_cells import plain_amount, text_cell
from creditd.domain.entry import EntryKind
from creditd.domain.instant import SECOND, Instant
from creditd.server.handlers.statement_handlers import token_of
from creditd.server.statements.csv_file import COLUMNS, CsvFile
from creditd.server.statements.figures import local_time
from creditd.server.statements.words import WORDS
from creditd.service.call import MAX_METADATA_BYTES
from creditd.service.pages import PageTokens
from creditd.service.statements import MAX_WALLETS, ROWS_AT_A_TIME, Piece, Position, WalletPart
from creditd.storage.statements import StatementRow
from tests.support.rules import rules_of

pytestmark = pytest.mark.requirement("C3")

CLIENT_BYTES = 4 * 1024 * 1024
"""What gRPC's clients take at most, unless they are told otherwise."""

MOST = 2**63 - 1


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("", '""'),
        ("lunch", '"lunch"'),
        ('say "hi"', '"say ""hi"""'),
        ("=1+1", '"\'=1+1"'),
        ('=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'),
        ("+66812345678", '"\'+66812345678"'),
        ("-5", '"\'-5"'),
        ("@SUM(A1)", '"\'@SUM(A1)"'),
        ("  =1", '"\'  =1"'),
        ("\t=1", '"\' =1"'),
        ("a;=1", '"a;\'=1"'),
        ('a; "=1;', '"a;\' ""=1;"'),
        ("two\r\nlines", '"two lines"'),
        ("\uff1d1", '"\'\uff1d1"'),
        ("a=b-c", '"a=b-c"'),
        ("ราคา 5 บาท", '"ราคา 5 บาท"'),
    ],
)
def test_a_text_is_one_cell_and_no_formula(text: str, cell: str) -> None:
    assert text_cell(text) == cell


@pytest.mark.parametrize(
    ("amount", "decimals", "written"),
    [(1_250, 2, "12.50"), (-1, 2, "-0.01"), (7, 0, "7"), (0, 3, "0.000"), (-(2**63), 9, "-9223372036.854775808")],
)
def test_an_amount_is_exact(amount: int, decimals: int, written: str) -> None:
    assert plain_amount(amount, decimals) == written


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 9))
def test_an_amount_can_be_read_back(amount: int, decimals: int) -> None:
    written = plain_amount(amount, decimals)
    assert int(written.replace(".", "")) == amount
    assert len(written.partition(".")[2]) == decimals


def test_a_time_is_what_the_clocks_of_the_zone_showed() -> None:
    """On both sides of an hour that Jerusalem had twice."""
    zone = ZoneInfo("Asia/Jerusalem")
    before = Instant(1_761_427_800 * SECOND)
    written = [local_time(Instant(before + hours * 3_600 * SECOND), zone).isoformat() for hours in (0, 1)]
    assert written == ["2025-10-26T00:30:00+03:00", "2025-10-26T01:30:00+03:00"]
    after = local_time(Instant(before + 2 * 3_600 * SECOND), zone).isoformat()
    assert after == "2025-10-26T01:30:00+02:00"


@pytest.mark.parametrize("language", WORDS)
def test_every_language_has_every_word(language: str) -> None:
    words = WORDS[language]
    assert words.keys() == WORDS["en"].keys()
    assert all(words.values())
    assert {f"kind.{kind.name}" for kind in EntryKind} | {f"column.{name}" for name in COLUMNS} <= words.keys()


def test_a_chunk_of_the_longest_entries_is_less_than_clients_take() -> None:
    """Labels of control characters are the longest: JSON writes each in six."""
    labels = '{"k": "' + "\\u0001" * (MAX_METADATA_BYTES - 1) + '"}'
    wide = "\U0001f600" * 255
    row = StatementRow(
        *(MOST, Instant(0), EntryKind.RESERVE, MOST, -MOST, MOST, -MOST, MOST, MOST, MOST),
        *("0" * 36, wide, wide, "s" * 128, "\U0001f600" * 500, labels),
    )
    file = CsvFile("a" * 128, WORDS["th"], ZoneInfo("UTC"), {"c" * 32: 9})
    written = file.written(Piece("c" * 32, None, [row] * ROWS_AT_A_TIME, None))
    assert len(written) < CLIENT_BYTES - 16_384


def test_the_longest_resume_token_is_taken() -> None:
    parts = tuple(WalletPart(f"c{number:031}", MOST, MOST) for number in range(MAX_WALLETS))
    token = token_of(PageTokens(b"secret"), b"query", "en", Position(parts, MOST))
    field: Any = pb.ExportTransactionsRequest.DESCRIPTOR.fields_by_name["resume_token"]
    assert len(token) <= rules_of(field).string.max_len
