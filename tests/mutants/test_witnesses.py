"""Each planted fault stands where it says, and names a test that is there: `make mutants` finds out too late."""

from pathlib import Path

from tests.mutants.__main__ import share_of
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


def test_as_many_turns_as_there_are_shares_try_each_fault_once() -> None:
    turns = [{fault.name for fault in share_of(FAULTS, 3, commit)} for commit in ("3a0", "3a1", "3a2")]
    assert sorted(name for turn in turns for name in turn) == sorted(fault.name for fault in FAULTS)
    assert all(len(turn) > len(FAULTS) / 4 for turn in turns)
