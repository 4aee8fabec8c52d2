"""Whatever is asked of two servers on one database, in whatever order, is answered as the reference answers it."""

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.asking import UNIT_SECONDS
from tests.model.comparison import Server
from tests.model.reference import DEFAULT_TTL, GRACE, MAX_TTL
from tests.model.spending import SpendingRules
from tests.model.staff import StaffRules
from tests.support.extent import examples
from tests.support.service import running_service

STORIES, FEW_STORIES = 25, 10
SHORT = settings(stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(SHORT, max_examples=300, stateful_step_count=80)
SCOPE = "credits.spend credits.read"
"""Staff alone open no account by spending from it."""

FOUND_SECONDS = 900
"""Time to shrink a story that went wrong; one that goes well takes a fraction of it."""


class CreditMachine(SpendingRules, StaffRules):
    """All rules."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Run two servers on one database; their sweeps come when they are called."""
    terms = {
        "reservation_ttl_seconds": round(DEFAULT_TTL * UNIT_SECONDS),
        "reservation_max_ttl_seconds": round(MAX_TTL * UNIT_SECONDS),
        "refund_grace_seconds": round(GRACE * UNIT_SECONDS),
        "sweep_interval_seconds": 3_600.0,
        "sign_up_credits": {"spec": 1},
    }
    with running_service(tmp_path_factory.mktemp("first"), **terms) as first:
        folder = tmp_path_factory.mktemp("second")
        with running_service(folder, database_url=first.config.database_url, **terms) as second:
            yield [
                Server(service, service.as_caller("model", "ADMIN", "SERVICE", scope=SCOPE))
                for service in (first, second)
            ]


def tell_stories(servers: list[Server], extent: settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Run the machine, and print how far it came."""
    steps: Counter[str] = Counter()

    def make_machine() -> CreditMachine:
        return CreditMachine(servers, steps)

    # Hypothesis takes any factory; its types ask for a class.
    factory: Any = make_machine
    run_state_machine_as_test(factory, settings=extent)
    counts = ", ".join(f"{count} {what}" for what, count in steps.most_common())
    with capsys.disabled():
        sys.stdout.write(f"\nmodel: {steps.total()} steps in {steps['open']} stories: {counts}\n")
    assert steps.total() > 10 * steps["open"]


@pytest.mark.requirement("A1", "A2", "A3", "A4", "A5", "A7", "A8", "A9", "A10", "A14", "B1", "C1", "D1", "I6")
@pytest.mark.timeout(FOUND_SECONDS)
@examples(STORIES, FEW_STORIES)
def test_the_servers_answer_as_the_reference_does(
    servers: list[Server], capsys: pytest.CaptureFixture[str], examples: int
) -> None:
    tell_stories(servers, settings(SHORT, max_examples=examples), capsys)


@pytest.mark.requirement("A1", "A2", "A3", "A4", "A5", "A7", "A8", "A9", "A10", "A14", "B1", "C1", "D1", "I6")
@pytest.mark.long
@pytest.mark.timeout(FOUND_SECONDS)
def test_they_do_so_in_long_stories(servers: list[Server], capsys: pytest.CaptureFixture[str]) -> None:
    tell_stories(servers, LONG, capsys)
