"""What is not paid yet is looked at again in its time: neither its events nor its polls have each other begin anew."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_event import SHORTEST_READ_PAUSE, PaymentEvent, PaymentEventState
from creditd.domain.payments.provider import PaymentMethod
from creditd.domain.payments.purchase import Purchase
from creditd.ledger.ids import uuid7
from creditd.payments.provider import Delivery, Said, Webhook
from creditd.service.payments.cases import FoundCases
from creditd.service.payments.inbox_worker import InboxWorker
from creditd.service.payments.intake import Intake
from creditd.service.payments.payment_requests import PaymentRequests
from creditd.service.payments.poller import FIRST_PAUSE, Poller
from creditd.service.payments.providers import Providers
from creditd.storage.payments import payment_events
from creditd.telemetry.statistics import PaymentStatistics
from tests.service.payments.rigs import Rig, rig_of
from tests.support.till import Till

pytestmark = pytest.mark.requirement("E8")

Answer = TypeVar("Answer")


async def _at_once(function: Callable[[], Answer], /, *, owner: str = "") -> Answer:
    del owner
    return function()


@dataclass
class Stopped:
    """A till whose time stands still but for what a test lets pass."""

    till: Till
    at: Instant

    def now(self) -> Instant:
        """Return the time at which it stands."""
        return self.at

    def pass_on(self, microseconds: int) -> None:
        """Let time pass."""
        self.at = Instant(self.at + microseconds)

    def worker(self, rig: Rig) -> InboxWorker:
        """Return the worker of a provider's inbox."""
        desk, turns = self.till.desk, asyncio.Semaphore(1)
        statistics = PaymentStatistics()
        return InboxWorker(desk.database, rig.provider, self.till.recorder, desk.clock, _at_once, turns, statistics)

    def poller(self, rig: Rig) -> Poller:
        """Return the poller of a provider."""
        desk = self.till.desk
        requests = PaymentRequests(self.till.transactions, Providers([rig.provider]), self.till.recorder, _at_once)
        finds = FoundCases(desk.database, desk.clock, uuid7)
        return Poller(
            desk.database,
            rig.provider,
            requests,
            self.till.recorder,
            finds,
            desk.clock,
            _at_once,
            PaymentStatistics(),
            interval_seconds=60.0,
        )

    def file(self, rig: Rig, **changed: Any) -> PaymentEvent:
        """Have the first webhook that the provider has sent come in, with what is changed of it."""
        headers, body = rig.box.letters[0]
        delivery = rig.provider.receive(Webhook(body, headers), self.at)._replace(**changed)
        intake = Intake(self.till.desk.clock, uuid7)
        with self.till.desk.database.transaction() as connection:
            intake.file(connection, rig.provider, delivery)
        with self.till.desk.database.autocommit() as connection:
            stored = payment_events.page(connection, payment_events.EventFilter(None, None), None, 100)
        (event,) = (event for event in stored if event.delivery_key == delivery.key)
        return event


@pytest.fixture
def stopped(till: Till, monkeypatch: pytest.MonkeyPatch) -> Stopped:
    """Have the time of a till stand still."""
    stopped = Stopped(till, till.desk.clock.now())
    monkeypatch.setattr(till.desk.clock, "now", stopped.now)
    return stopped


@pytest.fixture
def account() -> str:
    """Return an account that nobody has seen."""
    return f"reading-{uuid4().hex}"


def looks(stopped: Stopped, purchase: Purchase) -> tuple[int, int]:
    """Return how often a purchase was polled since something was told of it, and how long until it is again."""
    found = stopped.till.purchase(purchase)
    assert found.next_poll_time is not None
    return found.polls, found.next_poll_time - stopped.at


def test_two_events_of_one_payment_do_not_have_each_other_read(
    stopped: Stopped, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has told what there is; what comes of it is asked after a pause, however many events wait for it."""
    reads: list[str] = []
    with rig_of("omise") as rig:
        interpret = rig.provider.interpret

        async def read(delivery: Delivery) -> Said | None:
            reads.append(delivery.key)
            return await interpret(delivery)

        monkeypatch.setattr(rig.provider, "interpret", read)
        rig.begin(stopped.till, account, PaymentMethod.PROMPTPAY)
        events = [stopped.file(rig), stopped.file(rig, key="another event of the same charge")]
        worker = stopped.worker(rig)
        for rounds in (1, 2):
            for _ in range(4):
                rig.run(worker.work_once())
            assert sorted(reads) == sorted(event.delivery_key for event in events * rounds)
            assert {stopped.till.event(event).state for event in events} == {PaymentEventState.WAITING}
            stopped.pass_on(SHORTEST_READ_PAUSE)


def test_polls_of_what_is_not_paid_become_rarer(stopped: Stopped, account: str) -> None:
    """The provider says nothing new, and that does not count as news."""
    with rig_of("stripe") as rig:
        purchase, poller = rig.begin(stopped.till, account, PaymentMethod.CHECKOUT), stopped.poller(rig)
        for polls in (1, 2, 3):
            assert rig.run(poller.work_once()) == 1
            pause = FIRST_PAUSE << (polls - 1)
            assert looks(stopped, purchase) == (polls, pause)
            stopped.pass_on(pause)


def test_an_event_has_its_purchase_polled_soon_once(stopped: Stopped, account: str) -> None:
    """When it is read for the first time: that it is read again is no news."""
    with rig_of("omise") as rig:
        purchase, poller = rig.begin(stopped.till, account, PaymentMethod.PROMPTPAY), stopped.poller(rig)
        for pause in (FIRST_PAUSE, 2 * FIRST_PAUSE):
            rig.run(poller.work_once())
            stopped.pass_on(pause)
        rig.run(poller.work_once())
        assert looks(stopped, purchase) == (3, 4 * FIRST_PAUSE)
        event, worker = stopped.file(rig), stopped.worker(rig)
        rig.run(worker.work_once())
        assert looks(stopped, purchase) == (0, FIRST_PAUSE)
        stopped.pass_on(FIRST_PAUSE)
        rig.run(poller.work_once())
        rig.run(worker.work_once())
        stopped.pass_on(FIRST_PAUSE)
        rig.run(poller.work_once())
        assert looks(stopped, purchase) == (2, 2 * FIRST_PAUSE)
        stopped.pass_on(10 * SECOND)
        before = stopped.till.event(event).update_time
        rig.run(worker.work_once())
        assert stopped.till.event(event).update_time > before
        assert looks(stopped, purchase) == (2, 2 * FIRST_PAUSE - 10 * SECOND)
