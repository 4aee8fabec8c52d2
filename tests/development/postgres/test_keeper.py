"""What the keeper runs ends with it, also if it did not listen yet when it was first told to."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from creditd.backup.keeper import end_keeper, start_keeper
from tests.support.patience import eventually

DEAF_TO_THE_FIRST = """
import pathlib, signal, sys

heard = []

def on_signal(number, frame):
    heard.append(number)
    if len(heard) > 1:
        pathlib.Path(sys.argv[1]).write_text("ended", encoding="utf-8")
        sys.exit()

signal.signal(signal.SIGINT, on_signal)
print("listens", flush=True)
while True:
    signal.pause()
"""
"""As PostgreSQL is for as long as it has read nothing of its settings: the first signal to stop is lost."""


def close_our_end(keeper: subprocess.Popen[bytes]) -> None:
    """Do what happens to the pipe when we end, however we end."""
    assert keeper.stdin is not None
    keeper.stdin.close()


@pytest.mark.parametrize("end", [end_keeper, close_our_end])
def test_what_did_not_hear_the_first_signal_is_told_again(
    tmp_path: Path, end: Callable[[subprocess.Popen[bytes]], None]
) -> None:
    log, ended = tmp_path / "log", tmp_path / "ended"
    keeper = start_keeper([], [sys.executable, "-c", DEAF_TO_THE_FIRST, str(ended)], log)
    try:
        eventually(lambda: "listens" in log.read_text(encoding="utf-8"))
        end(keeper)
        eventually(lambda: keeper.poll() is not None)
        assert keeper.returncode == 0
        assert ended.exists()
    finally:
        end_keeper(keeper)
