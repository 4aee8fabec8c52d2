"""A report that waits for staff as an event of our own is applied as it was made."""

import pytest

from creditd.domain.instant import Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.payment_facts import Fact, FactKind, PaymentStage
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.purchase import PurchaseKey
from creditd.payments.provider import Report
from creditd.service.payments.cases import body_of, said_in

pytestmark = pytest.mark.requirement("C8")

KEY = PurchaseKey("alice", "purchase-1")
FACT = Fact(FactKind.PAYMENT, "pi_1", PaymentStage.FAILED, 0, "card_declined", said_time=Instant(3))


@pytest.mark.parametrize("attempt", ["ch_1", "", None])
def test_it_is_read_as_it_was_written(attempt: str | None) -> None:
    """Also which attempt has failed and when: velocity rules count by that."""
    made = Report(
        Provider.STRIPE, live=False, references=("pi_1",), purchase=KEY, price=Money(10, "THB"), facts=(FACT,)
    )
    said = made._replace(currency="THB", checkout="cs_1", misfit="a misfit", is_ours=True)
    said = said._replace(attempt=attempt, said_time=Instant(5))
    assert said_in(body_of(said)) == said


def test_a_purchase_that_was_suggested_is_certain_then() -> None:
    """Staff have confirmed it."""
    said = Report(Provider.STRIPE, live=True, references=("pi_1",), purchase=None, price=None, facts=(FACT,))
    assert said_in(body_of(said._replace(suggested=KEY))) == said._replace(purchase=KEY, is_ours=True)
