"""`creditd demo` tells its story, and leaves nothing behind."""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.programs import Creditd, are_gone


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Return an empty folder whose path is short, as that of a folder for temporary files is."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        yield Path(folder)


def test_the_story_comes_about_and_nothing_is_left(tmp_path: Path, scratch: Path) -> None:
    # Settings of a server that somebody runs have no part in it.
    creditd = Creditd(tmp_path, {"TMPDIR": str(scratch), "CREDITD_SIGN_UP_CREDITS": "spec=99"})
    done = creditd("demo")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for chapter in range(1, 11):
        assert f"\n{chapter}. " in done.stdout
    assert "Exactly one succeeded" in done.stdout
    assert "RESERVATION_EXPIRED" in done.stdout
    assert "INSUFFICIENT_CREDIT: 1 required, 0 available" in done.stdout
    assert "replayed: true" in done.stdout
    assert row("succeeded", 10, 4, '{"words":', "4}") in columns(done.stdout)
    assert row("failed", 10, 0, "INPUT_UNREADABLE") in columns(done.stdout)
    assert row("cancelled", 10, 0, "-") in columns(done.stdout)
    assert "0 differences" in done.stdout
    assert row("ann", 9, 0, 9, "9 purchased", 5) in columns(done.stdout)
    assert row(3, "reserve", 4, -4, "+4", 7, 4, "1 free, 3 purchased") in columns(done.stdout)
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / ".creditd").exists()


def test_ctrl_c_in_the_middle_of_it_leaves_nothing_either(tmp_path: Path, scratch: Path) -> None:
    with Creditd(tmp_path, {"TMPDIR": str(scratch)}).started("demo") as started:
        started.says("let the caller vanish")
        descendants = started.descendants()
        assert started.stop(signal.SIGINT) == 130
        assert are_gone(descendants)
        assert "Traceback" not in started.said
    assert list(scratch.iterdir()) == []


def row(*cells: object) -> list[str]:
    """Return the words of a row."""
    return " ".join(map(str, cells)).split()


def columns(text: str) -> list[list[str]]:
    """Return the words of each line."""
    return [line.split() for line in text.splitlines()]
