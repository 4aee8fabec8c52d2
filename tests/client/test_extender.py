"""Holds are extended whatever becomes of threads."""

from threading import Event, Thread

import pytest

from credit.v1.reservation_pb2 import Reservation
from credit_client import Hold
from credit_client.extender import Extender
from tests.support.patience import eventually
from tests.support.programs import PATIENCE_SECONDS

pytestmark = pytest.mark.requirement("H4")

WATCHING = "credit holds"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have holds be extended almost at once."""
    monkeypatch.setattr("credit_client.hold.SHARE", 0.0)


def held() -> Hold:
    """Return a hold of ten minutes."""
    reservation = Reservation(name="accounts/ann/wallets/chat/reservations/7", amount=30)
    reservation.remaining_ttl.FromSeconds(600)
    return Hold(reservation, "work-7", spent_stands=False)


def test_a_thread_that_is_not_to_be_had_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    may_start, extended = iter([False, True, False]), Event()

    class Scarce(Thread):
        def start(self) -> None:
            if not next(may_start, True):
                raise RuntimeError("can't start new thread")
            super().start()

    def extend(_: Hold) -> bool:
        extended.set()
        return False

    monkeypatch.setattr("credit_client.extender.Thread", Scarce)
    extender = Extender(extend)
    with pytest.raises(RuntimeError):
        extender.watch(held())
    extender.watch(held())
    assert extended.wait(PATIENCE_SECONDS)
    extender.close()


def test_a_thread_that_has_died_is_followed_by_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As all but one have in a process that was forked."""
    watching: list[Thread] = []
    extended = Event()

    class Mortal(Thread):
        def run(self) -> None:
            if self.name == WATCHING:
                watching.append(self)
            if len(watching) > 1:
                super().run()

    def extend(_: Hold) -> bool:
        extended.set()
        return False

    monkeypatch.setattr("credit_client.extender.Thread", Mortal)
    extender = Extender(extend)
    extender.watch(held())
    eventually(lambda: watching)
    watching[0].join(PATIENCE_SECONDS)
    extender.watch(held())
    assert extended.wait(PATIENCE_SECONDS)
    extender.close()
