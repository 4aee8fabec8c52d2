"""What counts as the same promo code, and codes that nobody guesses (F1, F2)."""

import secrets
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditd.domain.promo.promo_text import ALPHABET, is_possible, normalised, random_code

pytestmark = pytest.mark.requirement("F1", "F2")


@pytest.mark.parametrize(
    "written",
    [
        "SUMMER2026",
        "summer2026",
        " Summer-2026 ",
        "sum\u00admer 20\u00a026",
        "ＳＵＭＭＥＲ２０２６",  # noqa: RUF001 - of full width, as it is typed on some keyboards.
        "summer\u20132026",
        "summer\u22122026",
        "summer_2026",
        "\u200fSUMMER\u200b2026\u200e",
        "s\tu\nmmer2026",
    ],
)
def test_what_people_take_for_the_same_code_is_the_same(written: str) -> None:
    assert normalised(written) == "summer2026"


@settings(deadline=None)
@given(st.text(max_size=60))
def test_a_normalised_code_is_normalised_and_so_is_each_way_to_write_it(written: str) -> None:
    code = normalised(written)
    assert normalised(code) == code
    assert normalised(f" -{written}\u200e ") == code
    assert not any(character.isspace() or character.isupper() for character in code if character.isascii())


@settings(deadline=None)
@given(st.from_regex("[a-z0-9]{3,64}", fullmatch=True), st.randoms())
def test_dashes_spaces_and_capitals_make_no_difference(code: str, random: Random) -> None:
    pieces = [random.choice((one, one.upper())) + random.choice(("", " ", "-", "\u2014")) for one in code]
    assert normalised("".join(pieces)) == code
    assert is_possible(code)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "--",
        "ab",
        "a" * 65,
        "<script>alert(1)</script>",
        "'; DROP TABLE promo_codes; --",
        "שלום",
        "a\x00bc",
        "é" * 9,
    ],
)
def test_what_is_no_code_is_none_and_harms_nobody(written: str) -> None:
    assert not is_possible(normalised(written))


def test_random_codes_are_long_of_letters_that_look_like_no_other_and_never_the_same() -> None:
    codes = [random_code(secrets.choice, "VIP") for _ in range(2_000)]
    assert len({normalised(code) for code in codes}) == len(codes)
    assert all(is_possible(normalised(code)) for code in codes)
    assert set(ALPHABET).isdisjoint("01OILU")
    prefix, *groups = codes[0].split("-")
    assert (prefix, [len(group) for group in groups]) == ("VIP", [4, 4, 4, 4])
    # Each character is drawn: 16 * log2(30) is 78 bits.
    drawn = Counter("".join(code.removeprefix("VIP").replace("-", "") for code in codes))
    assert set(drawn) == set(ALPHABET)
