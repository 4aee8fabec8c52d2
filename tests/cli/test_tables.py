"""The tables that people read: columns, widths, and what is in no cell."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditd.cli.answer_cells import amount_text
from creditd.cli.printable import json_text, printable, printable_lines
from creditd.cli.tables import PLAIN, cell_width, cut, facts, fitted_table, table
from creditd.cli.terminal import Palette

HEAD = ("time", "amount", "kind", "reason", "request_id")
ROWS = [
    ("2026-11-29T10:15:17Z", "1,234.50", "ADMIN_ADD", "中文字 an order", "0198-" * 8),
    ("2026-11-29T10:15:18Z", "-3.00", "RESERVE", "", "0198"),
]

ANY_CELL = st.text(st.characters(codec="utf-8"), max_size=60)


def test_tables_stand_in_columns_with_numbers_flush_right() -> None:
    assert table(("who", "how many"), [("ann", 5), ("bob", "+12")]).splitlines() == [
        "who  how many",
        "---  --------",
        "ann         5",
        "bob       +12",
    ]
    assert table(("who",), []).splitlines() == ["who", "---"]


def test_a_table_that_may_lose_nothing_becomes_blocks_where_it_does_not_fit() -> None:
    rows = [("CREDITD_LISTEN", "127.0.0.1:50051"), ("CREDITD_WORKERS", "1")]
    assert table(("setting", "value"), rows, 20) == (
        "setting  CREDITD_LISTEN\nvalue    127.0.0.1:50051\n\nsetting  CREDITD_WORKERS\nvalue    1"
    )


def test_wide_characters_take_two_columns() -> None:
    lines = table(("name", "n"), [("中文字", 1), ("abc", 2), ("e\u0301", 3)]).splitlines()
    assert {cell_width(line) for line in lines} == {9}
    assert cell_width("中文字") == 6
    assert cell_width("👩‍👩‍👧") == 2
    assert (cut("中文字", 5), cut("中文字", 4), cut("中文字", 6)) == ("中文…", "中…", "中文字")


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 120, 500])
def test_a_list_fits_by_leaving_out_what_matters_least(columns: int) -> None:
    shown = fitted_table(HEAD, ROWS, columns, PLAIN)
    lines = shown.text.splitlines()
    assert max(map(cell_width, lines)) <= columns
    kept = tuple(lines[0].split())
    assert kept + shown.left_out == HEAD
    assert ("1,234.50" in shown.text) == ("amount" in kept), "a figure is there as a whole or not at all"


def test_with_room_for_all_nothing_is_cut() -> None:
    shown = fitted_table(HEAD, ROWS, 500, PLAIN)
    assert shown.left_out == ()
    assert "…" not in shown.text
    assert "0198-" * 8 in shown.text


@given(st.lists(st.lists(ANY_CELL, min_size=3, max_size=3), max_size=5), st.integers(1, 100))
def test_whatever_is_in_the_cells_it_fits_and_steers_nothing(rows: list[list[str]], columns: int) -> None:
    for text in (fitted_table(("a", "b", "c"), rows, columns, PLAIN).text, table(("a", "b", "c"), rows)):
        for line in text.split("\n"):
            assert all(unicodedata.category(letter) not in ("Cc", "Zl", "Zp", "Cs") for letter in line)
    fitted = fitted_table(("a", "b", "c"), rows, columns, PLAIN).text.split("\n")
    assert max(map(cell_width, fitted)) <= columns
    assert len(fitted) == len(rows) + 2


def test_colours_move_nothing() -> None:
    coloured = fitted_table(HEAD, ROWS, 120, Palette(has_colour=True)).text
    plain = fitted_table(HEAD, ROWS, 120, PLAIN).text
    assert "\x1b[1mtime\x1b[0m" in coloured
    assert "\x1b[31m-3.00\x1b[0m" in coloured
    for code in ("\x1b[1m", "\x1b[31m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


def test_what_would_steer_the_terminal_is_written_out() -> None:
    assert printable("a\x1b[2J\x07\r\nb\x9b31m\u202ec\u2028") == r"a\x1b[2J\x07\r\nb\x9b31m\u202ec\u2028"
    assert printable_lines("a\n\tb\x1b") == "a\n\tb\\x1b"
    assert facts([("name", "a\x1bb")]) == r"name  a\x1bb"
    # Joiners make letters and emoji what they are.
    assert printable("\u0645\u06cc\u200c\u062e 👩\u200d👧 café") == "\u0645\u06cc\u200c\u062e 👩\u200d👧 café"


def test_json_says_the_same_without_steering() -> None:
    text = json_text({"reason": "a\x9b31m\u202eb\x7f\n中\U000e0041"})
    assert text == '{\n  "reason": "a\\u009b31m\\u202eb\\u007f\\n中\\udb40\\udc41"\n}'


@pytest.mark.parametrize(
    ("amount", "decimals", "text"),
    [
        (0, 0, "0"),
        (1816, 0, "1,816"),
        (-1816, 0, "-1,816"),
        (5, 2, "0.05"),
        (-5, 2, "-0.05"),
        (1234567, 2, "12,345.67"),
        (9_223_372_036_854_775_807, 9, "9,223,372,036.854775807"),
    ],
)
def test_an_amount_is_written_by_the_decimals_of_its_type(amount: int, decimals: int, text: str) -> None:
    assert amount_text(amount, decimals) == text
