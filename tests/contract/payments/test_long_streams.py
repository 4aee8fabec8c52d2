"""VerifyLedger and ReconcilePayments while the database becomes unfit, or goes away, in their midst."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import grpc
import psycopg
import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import payment_admin_service_pb2 as payment_admin
from creditd.development.postgres import EmbeddedPostgres
from creditd.ledger.verification import Verification
from creditd.service.payments.reconciliation import Reconciliation
from tests.support.market import PROVIDERS, STRIPE, Market, open_market
from tests.support.patience import eventually
from tests.support.refusals import read_refusal

pytestmark = pytest.mark.requirement("H2", "H3")

Streams = dict[str, tuple[Callable[[Market], Any], type, str]]

STREAMS: Streams = {
    "VerifyLedger": (
        lambda market: market.staff.admin.VerifyLedger(admin.VerifyLedgerRequest()),
        Verification,
        "step",
    ),
    "ReconcilePayments": (
        lambda market: market.staff.payment_admin.ReconcilePayments(
            payment_admin.ReconcilePaymentsRequest(provider=PROVIDERS["stripe"])
        ),
        Reconciliation,
        "_take",
    ),
}
"""How each is called, and the step that it takes at the database again and again.

What the step is called with last is the same throughout a run, and another's in another run.
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """Run a PostgreSQL that may be stopped."""
    with tempfile.TemporaryDirectory(prefix="streams-") as folder:
        postgres = EmbeddedPostgres(Path(folder), settings={"fsync": "off"})
        postgres.start()
        yield postgres
        postgres.stop()


@pytest.fixture(scope="module")
def market(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Keep a market with something to verify, and to compare, on a database that tests may spoil."""
    with open_market(tmp_path_factory.mktemp("market"), database_url=postgres.url) as market:
        for number in range(3):
            purchase = market.buy(f"buyer-{number}", STRIPE)
            market.act(market.fakes.stripe.pay, purchase.provider_reference)
        market.settle()
        yield market


class Step:
    """Stands in for a step: every one but the first of a run begins when it ``may_go_on``, and not before."""

    def __init__(self, owner: type, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Replace a method until the test ends."""
        self._begun: dict[int, tuple[Any, int]] = {}
        self.may_go_on = Event()
        step: Callable[..., Any] = getattr(owner, name)

        def held(*arguments: Any) -> Any:
            run = arguments[-1]
            _, before = self._begun.get(id(run), (run, 0))
            self._begun[id(run)] = run, before + 1
            if before:
                self.may_go_on.wait()
            return step(*arguments)

        monkeypatch.setattr(owner, name, held)

    def begun(self) -> dict[int, int]:
        """Return how many steps each run has begun, if more than one: the server makes runs of its own as well."""
        return {run: begun for run, (_, begun) in [*self._begun.items()] if begun > 1}


@pytest.fixture(params=STREAMS)
def under_way(
    request: pytest.FixtureRequest, market: Market, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Any, Step]]:
    """Give a stream that has read some, and has a step under way; what comes after it is to be as ever."""
    eventually(lambda: market.service.server.health.serving, 30)
    call, owner, name = STREAMS[request.param]
    with monkeypatch.context() as patch:
        step = Step(owner, name, patch)
        stream = call(market)
        eventually(step.begun)
        yield stream, step
        step.may_go_on.set()
    eventually(lambda: market.service.server.health.serving, 30)
    assert list(call(market))[-1].WhichOneof("outcome") == "summary"


def require_unavailable(stream: Any) -> None:
    """See the stream end as one that is to be opened again."""
    with pytest.raises(grpc.RpcError) as error:
        list(stream)
    refusal = read_refusal(error.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
    assert refusal.retry is not None
    assert 0 < int(refusal.trailing["grpc-retry-pushback-ms"]) < 10_000


def test_a_stream_ends_as_soon_as_the_database_is_found_unfit(market: Market, under_way: tuple[Any, Step]) -> None:
    """With the next look at it, a second later; the step under way, which takes for ever here, is not waited for."""
    stream, step = under_way
    with psycopg.connect(market.service.config.database_url, autocommit=True) as owner:
        owner.execute("REVOKE SELECT ON alembic_version FROM creditd_app")
        try:
            require_unavailable(stream)
            assert not step.may_go_on.is_set()
            assert not market.service.server.health.takes_calls
        finally:
            owner.execute("GRANT SELECT ON alembic_version TO creditd_app")


def test_a_stream_whose_database_is_away_ends_with_its_next_step(
    postgres: EmbeddedPostgres, under_way: tuple[Any, Step]
) -> None:
    stream, step = under_way
    begun = step.begun()
    postgres.stop()
    try:
        step.may_go_on.set()
        require_unavailable(stream)
        assert {run: step.begun()[run] for run in begun} == begun
    finally:
        postgres.start()
