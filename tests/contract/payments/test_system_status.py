"""GetSystemStatus says what the metrics say and from where to worry; GetPurchase when it is looked at next."""

import pytest

from credit.v1 import payment_service_pb2, status_figure_pb2
from credit.v1 import support_service_pb2 as pb
from creditd import __version__
from creditd.bootstrap.system_status import MOST_FIGURES
from creditd.service.system_status import Figure
from creditd.storage.schema import schema_head
from tests.contract.payments.shopper import Shopper
from tests.support.customer import Customer

pytestmark = pytest.mark.requirement("J6")


def status(customer: Customer) -> status_figure_pb2.SystemStatus:
    """Return the status."""
    answer: pb.GetSystemStatusResponse = customer.staff.support.GetSystemStatus(pb.GetSystemStatusRequest())
    return answer.system_status


def test_it_says_what_is_served_and_that_all_is_well(customer: Customer) -> None:
    customer.top_up(1)
    found = status(customer)
    assert (found.version, found.schema_revision, found.is_database_ready) == (__version__, schema_head(), True)
    figures = {one.name: one for one in found.figures}
    assert list(figures) == sorted(figures)
    assert len(figures) == len(found.figures) <= MOST_FIGURES
    assert figures["ledger_works_total"].value > 0
    assert not figures["ledger_queue_depth"].is_worrying
    assert found.worrying_count == sum(one.is_worrying for one in found.figures)


def test_what_counts_at_the_server_is_what_is_told(customer: Customer) -> None:
    statistics = customer.service.core.payment_statistics
    before = statistics.parked
    try:
        statistics.parked = 7
        (parked,) = [one for one in status(customer).figures if one.name == "payments_parked"]
    finally:
        statistics.parked = before
    assert (parked.value, parked.worrying_from, parked.is_worrying) == (7, 1, True)


@pytest.mark.parametrize(
    ("value", "worrying_from", "expected"),
    [(1.0, 2.0, False), (2.0, 2.0, True), (None, 2.0, False), (9.0, None, False)],
)
def test_a_figure_is_worrying_from_its_value_on(
    value: float | None, worrying_from: float | None, *, expected: bool
) -> None:
    assert Figure("any", value, worrying_from).is_worrying == expected


def test_a_purchase_says_when_it_is_looked_at_next_while_it_is(shopper: Shopper) -> None:
    def looked_at_next(name: str) -> payment_service_pb2.GetPurchaseResponse:
        answer: payment_service_pb2.GetPurchaseResponse = shopper.staff.payment.GetPurchase(
            payment_service_pb2.GetPurchaseRequest(name=name)
        )
        return answer

    purchase = shopper.buy()
    answer = looked_at_next(purchase.name)
    assert answer.next_poll_time.seconds > answer.purchase.create_time.seconds
    shopper.pay(purchase)
    shopper.becomes(purchase.name, "COMPLETED")
    assert not looked_at_next(purchase.name).HasField("next_poll_time")
