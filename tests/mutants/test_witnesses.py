"""Each planted fault stands where it says, and names a test that is there: `make mutants` finds out too late."""

from pathlib import Path

from tests.mutants.faults import FAULTS

ROOT = Path(__file__).parents[2]


def test_each_fault_replaces_one_place() -> None:
    source = ROOT / "src" / "creditd"
    found = {fault.name: (source / fault.file).read_text(encoding="utf-8").count(fault.right) for fault in FAULTS}
    assert {name: places for name, places in found.items() if places != 1} == {}


def test_each_fault_has_a_witness() -> None:
    named = [
        (fault.name, file, f"def {fault.witness.partition('[')[0]}(" if fault.witness else "")
        for fault in FAULTS
        for file in fault.tests
    ]
    assert [place for place in named if place[2] not in (ROOT / place[1]).read_text(encoding="utf-8")] == []
