"""A Redis for as long as a block lasts."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.cluster import START_SECONDS
from tests.support.ports import free_port


class Redis:
    """A Redis that forgets everything when it stops. It is started and stopped as often as one likes."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        """Choose a port; more ``arguments`` for the program, whose own port is that one unless they say otherwise."""
        program = shutil.which("redis-server")
        if program is None:
            pytest.fail("there is no redis-server; root installs it: make databases-install", pytrace=False)
        self.port = free_port()
        self._command = [program, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
        self._command += ["--port", str(self.port), *(part.format(port=self.port) for part in arguments)]
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL without a password."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return when it listens."""
        self._running = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                assert self._running.poll() is None
                assert time.monotonic() < end
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End it at once."""
        if self._running:
            self._running.kill()
            self._running.wait(START_SECONDS)


@contextmanager
def running_redis(*arguments: str) -> Iterator[Redis]:
    """Run one; in more ``arguments`` ``{port}`` is its port."""
    with tempfile.TemporaryDirectory(prefix="creditd-redis-") as folder:
        redis = Redis(Path(folder), *arguments)
        redis.start()
        try:
            yield redis
        finally:
            redis.stop()
