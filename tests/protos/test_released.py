"""The protos are held to what clients were promised: protos/released.binpb."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.requirement("H1")

ROOT = Path(__file__).parents[2]


class Change(NamedTuple):
    """A change planted in a proto: the text that stands there, and what it becomes."""

    file: str
    text: str
    becomes: str


BREAKING: Mapping[str, Change] = {
    "a field renamed": Change("reservation", "int64 confirmed_amount = 6;", "int64 captured_amount = 6;"),
    "a field renumbered": Change("balance", "int64 available = 5;", "int64 available = 9;"),
    "a field of another type": Change("money", "int64 amount = 1;", "string amount = 1;"),
    "a field taken away": Change("entry", "  string actor = 16;\n", ""),
    "presence lost": Change("admin_service", "optional int64 amount = 3", "int64 amount = 3"),
    "an RPC taken away": Change(
        "webhook_service", "  rpc IngestWebhook(IngestWebhookRequest) returns (IngestWebhookResponse);\n", ""
    ),
    "an RPC that streams no more": Change("admin_service", "returns (stream Verify", "returns (Verify"),
    "a reason renamed": Change("errors", "ERROR_REASON_RESERVATION_EXPIRED =", "ERROR_REASON_RESERVATION_OVER ="),
    "another Go package": Change("source", "go/credit/v1;creditv1", "go/credit/v1;credit"),
    "another Java package": Change("source", "com.creditd.credit.v1", "com.creditd.v1"),
}


def checked(protos: Path) -> subprocess.CompletedProcess[str]:
    """Hold a folder of protos to what was promised."""
    command = ["sh", str(ROOT / "tools" / "check_breaking.sh"), str(protos)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the protos, to be changed."""
    return shutil.copytree(ROOT / "protos", tmp_path / "protos")


def plant(protos: Path, change: Change) -> None:
    """Make a change. Raises AssertionError if the text does not stand there."""
    file = protos / "credit" / "v1" / f"{change.file}.proto"
    before = file.read_text(encoding="utf-8")
    assert change.text in before
    file.write_text(before.replace(change.text, change.becomes), encoding="utf-8")


def test_the_protos_keep_what_was_promised() -> None:
    outcome = checked(ROOT / "protos")
    assert outcome.returncode == 0, outcome.stdout


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING)
def test_a_change_that_breaks_clients_is_refused(copy: Path, change: Change) -> None:
    plant(copy, change)
    outcome = checked(copy)
    assert outcome.returncode != 0
    assert f"credit/v1/{change.file}.proto" in outcome.stdout


def test_what_is_added_breaks_nobody(copy: Path) -> None:
    plant(copy, Change("money", "  string currency = 2", "  // More.\n  string more = 9;\n  string currency = 2"))
    assert checked(copy).returncode == 0
