"""A comparison goes on past what cannot be recorded, and past a provider that fails; it ends where nothing can be."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from creditd.domain.instant import Instant
from creditd.domain.payments.payment_event import PaymentEvent
from creditd.domain.payments.provider import PaymentMethod, Provider
from creditd.domain.payments.purchase import Purchase, PurchaseState
from creditd.ledger.ids import uuid7
from creditd.ledger.work import DatabaseUnavailable, VersionConflict
from creditd.payments.provider import Said
from creditd.service.payments import reconciliation
from creditd.service.payments.cases import FoundCases, Recorded, references_of
from creditd.service.payments.providers import Providers
from creditd.service.payments.reconciliation import Comparison, Finding, Reconciliation
from creditd.telemetry.statistics import PaymentStatistics
from tests.service.payments.rigs import Rig, rig_of
from tests.support.till import Till

pytestmark = pytest.mark.requirement("E8")

Answer = TypeVar("Answer")

FAILED_FOR_GOOD = "it could not be recorded"


async def _at_once(function: Callable[[], Answer], /, *, owner: str = "") -> Answer:
    del owner
    return function()


@pytest.fixture
def rigs() -> Iterator[dict[str, Rig]]:
    """Provide Stripe and Omise, each without anything that has happened there."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(rig_of(name)) for name in ("stripe", "omise")}


@pytest.fixture
def compared(till: Till, rigs: dict[str, Rig]) -> Reconciliation:
    """Provide the comparison with both, in that order."""
    desk = till.desk
    providers = Providers([rig.provider for rig in rigs.values()])
    finds = FoundCases(desk.database, desk.clock, uuid7)
    return Reconciliation(
        desk.database, providers, till.recorder, finds, desk.clock, uuid7, _at_once, PaymentStatistics()
    )


def paid(till: Till, rig: Rig) -> Purchase:
    """Buy and pay, of which nothing is heard."""
    method = PaymentMethod.CHECKOUT if rig.name == "stripe" else PaymentMethod.PROMPTPAY
    purchase = rig.begin(till, f"compared-{uuid4().hex}", method)
    rig.fake.pay(purchase.reference)
    return purchase


def outcomes(compared: Reconciliation, kind: Provider, at: Instant) -> tuple[list[Finding], Comparison]:
    """Compare from a minute before an instant on; return the findings and the counts."""

    async def compare() -> list[Finding | Comparison]:
        return [outcome async for outcome in compared.compare(kind, Instant(at - 60_000_000))]

    *finds, counts = asyncio.run(compare())
    assert isinstance(counts, Comparison)
    return [find for find in finds if isinstance(find, Finding)], counts


def failing(till: Till, monkeypatch: pytest.MonkeyPatch, purchase: Purchase, *errors: Exception) -> list[str]:
    """Have recording what is said of a purchase fail with these errors in turn; return what was tried to record."""
    left, record = list(errors), till.recorder.record
    tried: list[str] = []

    def fail(said: Said, actor: str, reason: str, event: PaymentEvent | None = None) -> Recorded:
        tried.append(references_of(said)[0])
        if purchase.reference in references_of(said) and left:
            raise left.pop(0)
        return record(said, actor, reason, event)

    monkeypatch.setattr(till.recorder, "record", fail)
    return tried


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "BUSY_PAUSES", (0.0,) * len(reconciliation.BUSY_PAUSES))


@pytest.mark.parametrize("error", [KeyError("a defect"), VersionConflict()], ids=["defect", "held"])
def test_what_cannot_be_recorded_keeps_nothing_else_from_it(
    till: Till, rigs: dict[str, Rig], compared: Reconciliation, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Whichever of the two is listed first."""
    bad, good = (paid(till, rigs["omise"]) for _ in range(2))
    failing(till, monkeypatch, bad, *[error] * 100)
    finds, counts = outcomes(compared, Provider.OMISE, bad.create_time)
    (left,) = (find for find in finds if not find.applied)
    assert left.reference == bad.reference
    assert left.description.startswith(FAILED_FOR_GOOD)
    assert (counts.applied, counts.unresolved) == (1, 1)
    assert [till.purchase(one).state for one in (bad, good)] == [PurchaseState.PENDING, PurchaseState.COMPLETED]


def test_what_others_hold_for_a_moment_is_recorded_all_the_same(
    till: Till, rigs: dict[str, Rig], compared: Reconciliation, monkeypatch: pytest.MonkeyPatch
) -> None:
    purchase = paid(till, rigs["omise"])
    failing(till, monkeypatch, purchase, VersionConflict(), VersionConflict())
    _, counts = outcomes(compared, Provider.OMISE, purchase.create_time)
    assert (counts.applied, counts.unresolved) == (1, 0)


def test_a_database_that_is_away_ends_it(
    till: Till, rigs: dict[str, Rig], compared: Reconciliation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else would be unresolved too."""
    first, second = (paid(till, rigs["omise"]) for _ in range(2))
    failing(till, monkeypatch, first, *[DatabaseUnavailable()] * 100)
    tried = failing(till, monkeypatch, second, *[DatabaseUnavailable()] * 100)
    with pytest.raises(DatabaseUnavailable):
        outcomes(compared, Provider.OMISE, first.create_time)
    assert len(tried) == 1


def test_a_provider_that_fails_keeps_no_other_waiting(
    till: Till, rigs: dict[str, Rig], compared: Reconciliation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it has failed is told once the others are done."""
    purchase = paid(till, rigs["omise"])

    async def recent(since: Instant) -> AsyncIterator[Any]:
        if since:
            raise KeyError(since)
        yield

    monkeypatch.setattr(rigs["stripe"].provider, "recent", recent)
    with pytest.raises(KeyError):
        asyncio.run(compared.background._work())  # type: ignore[arg-type]
    assert till.purchase(purchase).state is PurchaseState.COMPLETED
