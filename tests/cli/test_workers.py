"""The watch over workers, with workers that do next to nothing."""

import asyncio
import logging
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from creditd.cli.processes import Workers, held_port, require_free_port
from creditd.server.listener import ListenError

HOPELESS = 2


def watch_over(*scripts: str, until: Callable[[], bool] = lambda: False) -> int:
    """Run a worker for each script until all have ended; they are told to when ``until`` comes true."""

    async def tell(told: asyncio.Event) -> None:
        while not until():  # noqa: ASYNC110 - it is a file that comes about, or several.
            await asyncio.sleep(0.02)
        told.set()

    async def watch() -> int:
        told = asyncio.Event()
        telling = asyncio.create_task(tell(told))
        workers = Workers(
            lambda index: [sys.executable, "-c", scripts[index]], os.environ, len(scripts), hopeless=HOPELESS
        )
        async with asyncio.timeout(60):
            exit_code = await workers.run(told)
        telling.cancel()
        return exit_code

    return asyncio.run(watch())


def living(file: Path, exit_code: int = 0) -> str:
    """Return a worker that writes a file when it is ready to be told, and then ends with an exit code."""
    return f"""
import pathlib, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit({exit_code}))
pathlib.Path({str(file)!r}).touch()
signal.pause()
"""


def test_a_worker_that_says_at_its_first_start_that_it_is_hopeless_ends_all_of_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert watch_over(f"raise SystemExit({HOPELESS})", living(tmp_path / "ready")) == HOPELESS
    assert "another one follows" not in caplog.text


def test_a_worker_that_dies_again_and_again_is_replaced_at_growing_intervals(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ready, lives = tmp_path / "ready", tmp_path / "lives"
    lives.touch()
    dying = f"import sys; open({str(lives)!r}, 'a').write('.'); sys.exit(1)"
    with caplog.at_level(logging.ERROR):
        exit_code = watch_over(dying, living(ready), until=lambda: ready.exists() and len(lives.read_text()) >= 4)
    # The one that dies may be told to end before it died, and even before its interpreter was up.
    assert exit_code in {0, 1, 128 + signal.SIGTERM}
    pauses = [float(pause) for pause in re.findall(r"follows in ([\d.]+) s", caplog.text)]
    assert pauses[:3] == [0.1, 0.2, 0.4]


def test_a_worker_that_a_signal_has_ended_has_the_exit_code_that_shells_give_it(tmp_path: Path) -> None:
    """What is less than 0 would become another one as the process ends with it."""
    ready = tmp_path / "ready"
    unready = f"import pathlib, signal; pathlib.Path({str(ready)!r}).touch(); signal.pause()"
    assert watch_over(unready, until=ready.exists) == 128 + signal.SIGTERM


def test_the_exit_code_tells_of_a_worker_that_did_not_end_in_order(tmp_path: Path) -> None:
    files = [tmp_path / "one", tmp_path / "other"]
    scripts = [living(files[0]), living(files[1], exit_code=7)]
    assert watch_over(*scripts, until=lambda: all(file.exists() for file in files)) == 7


def test_a_held_port_is_nobody_elses_and_free_again_afterwards() -> None:
    with held_port("127.0.0.1:0") as address:
        with pytest.raises(ListenError, match="Address already in use"):
            require_free_port(address)
        with pytest.raises(ListenError), held_port(address):
            pass
    with held_port(address) as again:
        assert again == address


@pytest.mark.parametrize("address", ["unix:/tmp/socket", "192.0.2.1:0", "nowhere.invalid:0"])
def test_a_port_that_cannot_be_shared_is_refused(address: str) -> None:
    with pytest.raises(ListenError), held_port(address):
        pass
