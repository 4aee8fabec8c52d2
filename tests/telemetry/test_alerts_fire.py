"""Each alert fires by its fault, in real servers and a real Prometheus: `make alerts-battery` prints the table."""

import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.support.patience import patience
from tests.telemetry.alarm import Alarm
from tests.telemetry.alert_faults import FAULTS, NOT_FIRED, Fault
from tests.telemetry.alert_rules import alerts
from tests.telemetry.troubled_service import TroubledService, troubled_service

WAIT_SECONDS = 0.5


def test_each_alert_has_its_fault_or_the_reason_why_not() -> None:
    struck = [name for fault in FAULTS for name in fault.alerts]
    assert sorted([*struck, *NOT_FIRED]) == sorted(alerts())


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.requirement("I4")
def test_each_alert_fires_by_its_fault() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="alerts-") as name,
        troubled_service(Path(name)) as (service, prometheus),
    ):
        for fault in FAULTS:
            strike(service, prometheus, fault)
        missing = {alert for fault in FAULTS for alert in fault.alerts} - prometheus.fired.keys()
        assert missing == set()
        # A template that cannot be filled in says so in the text.
        assert [text for text in prometheus.fired.values() if "error" in text] == []
    for alert, why in NOT_FIRED.items():
        sys.stdout.write(f"not fired  {alert:<28} {why}\n")


def strike(service: TroubledService, prometheus: Alarm, fault: Fault) -> None:
    """Have a fault until its alerts fire, and print what has come of it."""
    began = time.monotonic()

    def wait() -> bool:
        time.sleep(WAIT_SECONDS)
        return prometheus.has(fault.alerts) or time.monotonic() - began > patience(fault.seconds)

    try:
        fault.strike(service, wait)
    except Exception as error:  # noqa: BLE001 - the other faults have their turn; what has not fired fails the test.
        sys.stdout.write(f"{'FAILED':<10} {fault.what}: {error!r}\n")
    for name in fault.alerts:
        said = prometheus.fired.get(name)
        sys.stdout.write(f"{'FIRED' if said else 'MISSING':<10} {name:<28} {fault.what}: {said}\n")
    sys.stdout.flush()
