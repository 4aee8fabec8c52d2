"""What stands in a receipt, whatever the purchase (C3)."""

from datetime import UTC
from typing import Any

import pytest

from creditd.domain.credit_type import CreditType
from creditd.domain.instant import Instant
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.purchase import Purchase, PurchaseChange, PurchaseState
from creditd.server.statements.figures import read_money
from creditd.server.statements.receipt import Receipts
from creditd.server.statements.words import WORDS

pytestmark = pytest.mark.requirement("C3")

_PURCHASE: list[Any] = [
    *("ann", "01890a5d-ac96-774b-bcce-b302099a8057", 1, "1", 1, Provider.STRIPE, True, 1, ""),
    *("small", "Small", 1_000, "THB", "chat", 90, 10, PurchaseState.REFUNDED, "cs_1", "", "", None, "pi_1", 100, 0),
    *((), 1_000, 400, 0, 0, "", "", None, 0, None, Instant(1), Instant(1)),
]

RECEIPTS = Receipts("en", WORDS["en"], UTC)

CHAT = CreditType("chat", "Chat", 0)


def change(version: int, refunded: int) -> PurchaseChange:
    """Return a step of a purchase's history, after which so much is refunded."""
    return PurchaseChange(version, PurchaseState.PARTIALLY_REFUNDED, 100, 0, refunded, 0, "", "", "", Instant(1))


@pytest.mark.parametrize(
    ("amount", "currency", "language", "expected"),
    [
        (100_000, "THB", "en", "1,000.00 THB"),
        (1_000_000, "VND", "vi", "1.000.000 VND"),
        (1_000, "JPY", "th", "1,000 JPY"),
        (1_250, "KWD", "he", "1.250 KWD"),
        (-5, "USD", "en", "-0.05 USD"),
    ],
)
def test_money_has_the_decimals_of_its_currency(amount: int, currency: str, language: str, expected: str) -> None:
    assert read_money(amount, currency, language) == expected


@pytest.mark.parametrize("provider", Provider)
def test_every_provider_has_a_name(provider: Provider) -> None:
    assert RECEIPTS.of_payment(Purchase(*_PURCHASE)._replace(provider=provider), [], CHAT).details


def test_each_refund_is_told_with_what_was_given_back_until_then() -> None:
    history = [change(1, 0), change(2, 100), change(3, 100), change(4, 400)]
    (section,) = RECEIPTS.of_refund(Purchase(*_PURCHASE), history, CHAT).sections
    assert [row.cells[1:] for row in section.rows] == [["1.00 THB", "1.00 THB"], ["3.00 THB", "4.00 THB"]]


def test_of_a_history_that_is_cut_no_refund_is_told_as_all_of_those_before() -> None:
    history = [change(7, 300), change(8, 400)]
    (section,) = RECEIPTS.of_refund(Purchase(*_PURCHASE), history, CHAT).sections
    assert [row.cells[1:] for row in section.rows] == [["1.00 THB", "4.00 THB"]]


def test_a_payment_in_test_mode_says_so() -> None:
    live = Purchase(*_PURCHASE)
    assert not RECEIPTS.of_payment(live, [], CHAT).warning
    assert RECEIPTS.of_payment(live._replace(live=False), [], CHAT).warning == WORDS["en"]["receipt.test"]
