"""What the tests of payments share: one market a worker, and a shopper of each test's own."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from creditd.config import Config
from creditd.development.fakes.deliveries import Mischief
from tests.contract.payments.shopper import Shopper
from tests.support.market import Market, open_market
from tests.support.service import RunningService


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Open one market for all these tests: each has accounts of its own, and time only ever goes forward."""
    rules = (*Config().velocity_rules, "failed_payments=12/86400/suspend")
    with open_market(tmp_path_factory.mktemp("market"), velocity_rules=rules) as market:
        clock = market.service.clock
        # Signatures are made by the clock that they are judged by, and what was made is looked for by it, also after a
        # test has moved it.
        for fake in (market.fakes.stripe, market.fakes.omise, market.fakes.lemonsqueezy):
            fake.clock = lambda: clock.now() / 1_000_000
        yield market


@pytest.fixture(scope="session")
def service(market: Market) -> RunningService:
    """Return the market's service."""
    return market.service


@pytest.fixture
def shopper(market: Market, staff: SimpleNamespace, account: str) -> Iterator[Shopper]:
    """Return a shopper that nobody has seen yet; whatever a test does to the fakes is over after it."""
    shopper = Shopper(market, staff, account)
    yield shopper
    market.act(_calm, market)
    shopper.quiet()


def _calm(market: Market) -> None:
    for api in market.fakes.apis.values():
        api.behave()
    market.fakes.outgoing.mischief = Mischief()
    market.fakes.outgoing.release()
