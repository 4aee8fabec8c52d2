"""What is not paid yet is looked at again in its time: its events do not have each other read."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from creditd.domain.instant import Instant
from creditd.domain.payments.payment_event import SHORTEST_READ_PAUSE, PaymentEvent, PaymentEventState
from creditd.domain.payments.provider import PaymentMethod
from creditd.ledger.ids import uuid7
from creditd.payments.provider import Delivery, Said, Webhook
from creditd.service.payments.inbox_worker import InboxWorker
from creditd.service.payments.intake import Intake
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
