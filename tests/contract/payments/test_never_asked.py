"""A purchase that the provider never heard of is over after a day, in which its caller could have repeated it."""

from collections.abc import Iterator

import pytest

from tests.contract.payments.shopper import Shopper, state_of
from tests.support.market import STRIPE, Market, open_market
from tests.support.patience import eventually
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("E4", "E8")

DAY_SECONDS = 86_400


@pytest.fixture
def late_market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Open a market of this test's own, whose clock may go far ahead of the fakes'."""
    with open_market(tmp_path_factory.mktemp("market")) as market:
        yield market


def test_after_a_day_it_has_expired(late_market: Market, account: str) -> None:
    shopper = Shopper(late_market, late_market.staff, account)
    shopper.misbehave(STRIPE, "error")
    refused(shopper.staff.payment.CreatePurchase, request := shopper.buying())
    shopper.behave(STRIPE)
    (pending,) = shopper.purchases()
    clock = late_market.service.clock
    clock.advance(DAY_SECONDS - 60)
    looked_at = "SELECT polls FROM purchases WHERE account_id = %s"
    assert eventually(lambda: _value(late_market, looked_at, account))
    assert state_of(shopper.purchase(pending.name)) == "PENDING"
    clock.advance(3_600)
    seen = shopper.becomes(pending.name, "EXPIRED")
    assert shopper.history(seen)[-1] == ("EXPIRED", "stripe")
    assert shopper.changes(seen.name)[-1].reason == "the provider was never asked"
    assert state_of(shopper.create(request)) == "EXPIRED"
    assert not shopper.checkouts()


def _value(market: Market, query: str, account_id: str) -> object:
    with market.service.core.database.autocommit() as connection:
        return connection.exec_driver_sql(query, (account_id,)).scalar()
