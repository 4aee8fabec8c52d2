"""Refusals name amounts to people as people write them, by the decimals of what they count; to programs as integers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import support_service_pb2 as support
from credit.v1.credit_type_pb2 import CreditType
from credit.v1.limits_pb2 import Limit
from creditd.ledger.ids import uuid7
from tests.support.customer import CHAT, Customer
from tests.support.refusals import RefusedCall, details_of, refused
from tests.support.service import running_service

pytestmark = pytest.mark.requirement("H2")

BAHT = "THB"
"""The credit type that has two decimals, where chat credits have none."""

Provoke = Callable[[Customer, str], RefusedCall]


def limited(c: Customer, code: str) -> RefusedCall:
    c.limit(Limit(credit_type=code, most_per_movement=1_250))
    return refused(c.app.credit.Deduct, c.deducting(123_456, credit_type=code))


def confirmed_too_much(c: Customer, code: str) -> RefusedCall:
    name = c.reserve(1_250, credit_type=code).reservation.name
    return refused(c.app.credit.Confirm, c.confirming(name, 123_456))


def refunded_too_much(c: Customer, code: str) -> RefusedCall:
    name = c.deduct(1_250, credit_type=code).reservation.name
    return refused(c.app.credit.Refund, c.refunding(name, 123_456))


def written_off(c: Customer, code: str) -> RefusedCall:
    request = admin.WriteOffDebtRequest(
        account_id=c.account_id, credit_type=code, amount=123_456, reason="r", request_id=uuid7()
    )
    return refused(c.staff.admin.WriteOffDebt, request)


def too_much(c: Customer, code: str) -> RefusedCall:
    return refused(c.app.credit.Deduct, c.deducting(123_456, credit_type=code))


REFUSALS: dict[str, tuple[Provoke, set[str], tuple[str, str]]] = {
    "INSUFFICIENT_CREDIT": (too_much, {"123456", "2500"}, ("1,234.56", "25.00")),
    "LIMIT_EXCEEDED": (limited, {"123456", "1250"}, ("1,234.56", "12.50")),
    "AMOUNT_EXCEEDS_RESERVATION": (confirmed_too_much, {"123456", "1250"}, ("1,234.56", "12.50")),
    "AMOUNT_EXCEEDS_CONFIRMED": (refunded_too_much, {"123456", "1250"}, ("1,234.56", "12.50")),
    "AMOUNT_EXCEEDS_DEBT": (written_off, {"123456", "0"}, ("1,234.56", "0.00")),
}
"""Each by what provokes it, with its amounts in the smallest unit, and as English has them with two decimals."""


@pytest.fixture
def rich(customer: Customer) -> Customer:
    """Return a customer with 25 baht and 2,500 chat credits."""
    customer.top_up(2_500, credit_type=BAHT)
    customer.top_up(2_500)
    return customer


@pytest.mark.parametrize("reason", REFUSALS)
def test_amounts_are_integers_for_programs_and_have_the_decimals_for_people(rich: Customer, reason: str) -> None:
    provoke, facts, (first, second) = REFUSALS[reason]
    refusal = provoke(rich, BAHT)
    assert (refusal.reason, refusal.metadata["credit_type"]) == (reason, BAHT)
    assert facts <= set(refusal.metadata.values())
    for text in (refusal.localized.message, refusal.message.replace("1234.56", first)):
        assert first in text
        assert second in text
        assert not any(fact in text for fact in facts - {"0"})


@pytest.mark.parametrize(
    ("language", "baht", "chat"),
    [
        ("en", ("1,234.56", "25.00"), ("123,456", "2,500")),
        ("vi", ("1.234,56", "25,00"), ("123.456", "2.500")),
        ("th", ("1,234.56", "25.00"), ("123,456", "2,500")),
        ("he", ("1,234.56", "25.00"), ("123,456", "2,500")),
    ],
)
def test_amounts_are_written_as_the_language_writes_them(
    rich: Customer, language: str, baht: tuple[str, str], chat: tuple[str, str]
) -> None:
    app = rich.service.as_caller("app", "ADMIN", language=language)
    for code, amounts in ((BAHT, baht), (CHAT, chat)):
        refusal = refused(app.credit.Reserve, rich.reserving(123_456, credit_type=code))
        assert refusal.localized.locale == language
        assert all(amount in refusal.localized.message for amount in amounts)
        assert (refusal.metadata["required"], refusal.metadata["available"]) == ("123456", "2500")


def test_an_item_of_a_batch_and_an_explanation_say_it_as_well(rich: Customer) -> None:
    reserving = rich.reserving(123_456, credit_type=BAHT)
    (result,) = rich.app.credit.BatchReserve(credit.BatchReserveRequest(requests=[reserving])).results
    asked = support.ExplainReserveRequest(account_id=rich.account_id, credit_type=BAHT, amount=123_456)
    (obstacle,) = rich.staff.support.ExplainReserve(asked).explanation.obstacles
    for status in (result.error, obstacle):
        assert "1,234.56" in details_of(status)["localized"].message
        assert details_of(status)["metadata"]["required"] == "123456"


def test_a_server_that_never_heard_of_the_credit_type_looks_its_decimals_up(rich: Customer, tmp_path: Path) -> None:
    """What names a reservation names no credit type that would be asked for before: neither alone nor in a batch."""
    text = "The amount is more than was reserved. Requested: 2.000. Reserved: 1.000."
    with running_service(tmp_path, database_url=rich.service.config.database_url) as other:
        app = other.as_caller("app", "SERVICE", scope="credits.spend credits.read")
        alone = refused(app.credit.Confirm, confirming_of_a_new_type(rich, "late"))
        assert alone.localized.message == text
        # What was looked up has told of all that there were.
        batch = credit.BatchConfirmRequest(requests=[confirming_of_a_new_type(rich, "later")])
        (item,) = app.credit.BatchConfirm(batch).results
        assert details_of(item.error)["localized"].message == text


def confirming_of_a_new_type(c: Customer, code: str) -> credit.ConfirmRequest:
    """Create a credit type of three decimals, and return the request to confirm more of it than is held."""
    created = admin.CreateCreditTypeRequest(credit_type=CreditType(code=code, decimals=3), request_id=uuid7())
    c.staff.admin.CreateCreditType(created)
    c.top_up(2_500, credit_type=code)
    return c.confirming(c.reserve(1_000, credit_type=code).reservation.name, 2_000)
