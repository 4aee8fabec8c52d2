"""Amounts as people read and type them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditd.console.shapes.figures import MAX_AMOUNT, UnreadableAmount, amount_of, figure, signed, typed
from creditd.console.texts import LANGUAGES


@pytest.mark.parametrize(
    ("amount", "decimals", "language", "shown"),
    [
        (0, 2, "en", "0.00"),
        (1_816, 0, "en", "1,816"),
        (1_250, 2, "he", "12.50"),
        (5, 2, "th", "0.05"),
        (-1_234_567, 2, "en", "\u221212,345.67"),
        (1_234_567, 2, "vi", "12.345,67"),
        (MAX_AMOUNT, 0, "en", "9,223,372,036,854,775,807"),
    ],
)
def test_a_figure_is_whole_and_grouped_as_its_language_does(
    amount: int, decimals: int, language: str, shown: str
) -> None:
    assert figure(amount, decimals, language) == shown


def test_a_sign_is_shown_both_ways() -> None:
    assert (signed(5, 0, "en"), signed(-5, 0, "en"), signed(0, 0, "en")) == ("+5", "\u22125", "0")


@given(
    st.integers(1, MAX_AMOUNT), st.integers(0, 9), st.sampled_from(sorted(LANGUAGES)), st.sampled_from([figure, typed])
)
def test_what_is_shown_is_read_as_the_same_amount(
    amount: int, decimals: int, language: str, writes: Callable[[int, int, str], str]
) -> None:
    assert amount_of(writes(amount, decimals, language), decimals, language) == amount


@pytest.mark.parametrize(
    ("text", "decimals", "language", "problem"),
    [
        ("", 0, "en", "amount.unreadable"),
        ("five", 0, "en", "amount.unreadable"),
        ("1,50", 2, "en", "amount.unreadable"),
        ("1.50", 2, "vi", "amount.unreadable"),
        ("-5", 0, "en", "amount.unreadable"),
        ("1e3", 0, "en", "amount.unreadable"),
        ("\u0661\u0662", 0, "en", "amount.unreadable"),
        ("1.5", 0, "en", "amount.whole"),
        ("1.505", 2, "en", "amount.decimals"),
        ("0", 0, "en", "amount.range"),
        ("9223372036854775808", 0, "en", "amount.range"),
        ("92233720368547758.08", 2, "en", "amount.range"),
    ],
)
def test_what_could_be_misread_is_refused_with_its_reason(
    text: str, decimals: int, language: str, problem: str
) -> None:
    with pytest.raises(UnreadableAmount) as refused:
        amount_of(text, decimals, language)
    assert refused.value.problem == problem


@pytest.mark.parametrize("text", ["1,000.5", " 1000.50 ", "1\u00a0000.5", "\u20681000.500\u2069"])
def test_blanks_and_groups_and_needless_zeros_are_no_matter(text: str) -> None:
    assert amount_of(text, 2, "en") == 100_050
