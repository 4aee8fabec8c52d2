"""Card numbers never get through; ids, times and amounts do."""

import itertools
import uuid
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditd.payments.card_numbers import MASK, MAX_DEPTH, scrubbed, scrubbed_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@st.composite
def card_numbers(draw: st.DrawFn) -> str:
    body = draw(st.text("0123456789", min_size=12, max_size=18).filter(lambda text: text[0] != "0"))
    return next(body + check for check in "0123456789" if _luhn(body + check) % 10 == 0)


def _luhn(digits: str) -> int:
    values = [int(digit) for digit in reversed(digits)]
    return sum(values[::2]) + sum(sum(divmod(2 * value, 10)) for value in values[1::2])


@given(number=card_numbers(), before=st.text("ab .:/_-"), after=st.text("ab .:/_-"))
@settings(deadline=None)
def test_a_card_number_is_masked_in_any_text(number: str, before: str, after: str) -> None:
    assert scrubbed_text(before + number + after) == before + MASK * len(number) + after


@given(number=card_numbers(), cuts=st.sets(st.integers(1, 12), max_size=5), dash=st.sampled_from(" -"))
@settings(deadline=None)
def test_a_card_number_in_groups_is_masked(number: str, cuts: set[int], dash: str) -> None:
    edges = [0, *sorted(cuts), len(number)]
    groups = [number[start:end] for start, end in itertools.pairwise(edges)]
    assert scrubbed_text(dash.join(groups)) == dash.join(MASK * len(group) for group in groups)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("4242 4242 4242 4242 123", "**** **** **** **** 123"),
        ("4242424242424242 12-27", "**************** 12-27"),
        ("27 4242-4242-4242-4242", "27 ****-****-****-****"),
        ("card4242424242424242", "card****************"),
    ],
)
def test_what_stands_beside_a_card_number_does_not_hide_it(text: str, masked: str) -> None:
    assert scrubbed_text(text) == masked


@given(number=card_numbers())
@settings(deadline=None)
def test_a_card_number_is_masked_in_values_names_and_numbers(number: str) -> None:
    document = {number: [number, int(number), float(number), {"deep": [f"no. {number}"]}]}
    text = orjson.dumps(scrubbed(document)).decode()
    assert number not in text


@given(document=JSON)
@settings(deadline=None)
def test_scrubbing_twice_is_scrubbing_once(document: Any) -> None:
    assert scrubbed(scrubbed(document)) == scrubbed(document)


@given(seconds=st.integers(0, 9_999_999_999), amount=st.integers(-(10**12) + 1, 10**12 - 1))
@settings(deadline=None)
def test_times_and_amounts_stay(seconds: int, amount: int) -> None:
    document = {
        "created": seconds,
        "amount": amount,
        "paid": True,
        "rate": amount / 7,
        "note": f"{amount} at {seconds}.",
    }
    kept = scrubbed(document)
    assert (kept["created"], kept["amount"], kept["paid"]) == (seconds, amount, True)


@pytest.mark.parametrize(
    "kept",
    [
        "4242424242424241",
        "4242424242424242" * 2,
        "123456789012",
        "4242  4242  4242  4242",
        "pi_3MtwBwLkdIwHu7ix28a3tqPa",
        "2024-01-15T10:30:00.123456Z",
    ],
)
def test_what_is_no_card_number_stays(kept: str) -> None:
    assert scrubbed_text(kept) == kept


@given(number=st.integers(0, 2**128 - 1), version=st.sampled_from([4, 5]))
@settings(deadline=None)
def test_uuids_stay(number: int, version: int) -> None:
    name = str(uuid.UUID(int=number, version=version))
    assert scrubbed_text(f"accounts/a/purchases/{name}") == f"accounts/a/purchases/{name}"


def test_the_given_document_is_not_changed() -> None:
    document = {"a": ["4242424242424242"]}
    scrubbed(document)
    assert document == {"a": ["4242424242424242"]}


def test_what_is_nested_beyond_any_sense_is_masked_as_a_whole() -> None:
    document: Any = "4242424242424242"
    for _ in range(10 * MAX_DEPTH):
        document = [document]
    assert MASK in repr(scrubbed(document))
    assert "4242" not in repr(scrubbed(document))


@pytest.mark.parametrize("text", ["1 ", "0-", "9", "0000000000000 ", "12345678-1234-4123-8123-"])
def test_four_times_the_largest_body_is_gone_through_in_one_pass(text: str) -> None:
    """By the square of its length it would take a quarter of an hour, which no test is given."""
    long = text * (4 * 256 * 1024 // len(text))
    assert len(scrubbed_text(long)) == len(long)
