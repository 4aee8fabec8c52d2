"""Servers are killed in a storm of webhooks, some of them while they apply one."""

import random
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from creditd.development.postgres import EmbeddedPostgres
from creditd.service.payments.inbox_worker import LEASE
from tests.faults.duration import LONG_SECONDS
from tests.faults.payment_arena import PaymentArena, payment_arena
from tests.faults.payment_audit import PaymentFindings, missing_events, payment_audit
from tests.faults.payment_storm import PaymentStorm
from tests.support.patience import eventually

BURSTS = 8
PURCHASES_A_BURST = 18

RECOVERY_SECONDS = LEASE / 1_000_000 + 90
"""What a killed worker had claimed waits for the end of its lease; the rest is for a loaded machine."""


@pytest.mark.requirement("E3", "E8")
@pytest.mark.long
@pytest.mark.timeout(LONG_SECONDS)
def test_every_paid_purchase_is_credited_once_whoever_is_killed(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    with payment_arena(postgres, tmp_path) as place:
        storm = PaymentStorm(place, BURSTS, PURCHASES_A_BURST)
        kills = sum(_burst_and_kill(place, storm, number) for number in range(BURSTS))
        found = _await_the_end(place, storm)
        _print(kills, place, storm, found)
        assert found.is_complete
        assert (found.doubled, found.robbed, found.broken) == (0, 0, [])
        assert (found.figures.parked, found.figures.deadlocks) == (0, 0)
        assert found.figures.applied_again
        assert found.figures.found_paid
        deliveries = place.deliveries()
        assert all(delivery.is_done for delivery in deliveries if delivery.provider != "omise")
        with psycopg.connect(place.arena.database_url) as connection:
            assert not missing_events(connection, deliveries)
        place.arena.verify_ledger(found.credited)


def _burst_and_kill(place: PaymentArena, storm: PaymentStorm, number: int) -> int:
    """Kill servers around a burst, start them again, and return how many; the moment is another each time."""
    first, second = place.arena.servers
    match number % 3:
        case 0:
            # The first server is where webhooks arrive: those of Omise are lost for good.
            chosen = [first]
            first.kill()
            storm.burst(number)
        case 1:
            chosen = [random.choice([first, second])]
            storm.burst(number)
            time.sleep(random.uniform(0, 0.5))
            chosen[0].kill()
        case _:
            chosen = [first, second]
            storm.burst(number)
            place.await_claim()
            first.kill()
            second.kill()
    place.start(*chosen)
    return len(chosen)


def _await_the_end(place: PaymentArena, storm: PaymentStorm) -> PaymentFindings:
    """Return what is found when nothing more is to come, or when it has been waited for long enough."""
    with psycopg.connect(place.arena.database_url, autocommit=True) as connection:
        with suppress(AssertionError):
            eventually(lambda: payment_audit(connection, storm.dues).is_complete, RECOVERY_SECONDS)
        with suppress(TimeoutError):
            place.front.run(place.front.fakes.outgoing.idle())
        with suppress(AssertionError):
            eventually(lambda: payment_audit(connection, storm.dues).is_complete)
        return payment_audit(connection, storm.dues)


def _print(kills: int, place: PaymentArena, storm: PaymentStorm, found: PaymentFindings) -> None:
    paid = sum(due.credited > 0 for due in storm.dues.values())
    refunded = sum(due.taken_back > 0 for due in storm.dues.values())
    answers = [status for delivery in place.deliveries() for status in delivery.statuses]
    figures = found.figures
    print(
        f"\nfaults: server SIGKILL x{kills} in a storm of webhooks: paid {paid}, credited {found.credited}, "
        f"lost {found.lost}, doubled {found.doubled}, refunded {refunded}, taken back {found.taken_back}, "
        f"too little {found.kept}, too much {found.robbed}, pending {figures.pending}, parked {figures.parked} "
        f"(deliveries tried {len(answers)} times, {sum(status != 200 for status in answers)} in vain, "
        f"events applied again {figures.applied_again}, found paid without a webhook {figures.found_paid}, "
        f"deadlocks {figures.deadlocks})"
    )
