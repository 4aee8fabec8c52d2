"""Amounts are counted in the smallest unit, and shown to people in the currency's own."""

import pytest

from creditd.currencies import money_text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (59_000, "THB", "590.00 THB"),
        (59_000, "VND", "59000 VND"),
        (59_000, "KWD", "59.000 KWD"),
        (5, "USD", "0.05 USD"),
        (0, "THB", "0.00 THB"),
        (2**63 - 1, "JPY", "9223372036854775807 JPY"),
        (2**63 - 1, "THB", "92233720368547758.07 THB"),
    ],
)
def test_an_amount_is_shown_by_its_currencys_decimals(amount: int, currency: str, text: str) -> None:
    assert money_text(amount, currency) == text
