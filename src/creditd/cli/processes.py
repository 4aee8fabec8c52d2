"""Several processes behind one port: started together, replaced when they die, ended together.

One process has one event loop and so one core's worth of speed. The system spreads connections over the processes that
listen on a port with SO_REUSEPORT; they share nothing else but the database.
"""

import asyncio
import logging
import os
import signal
import socket
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Final

from creditd.server.listener import ListenError

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 10.0
"""Between a worker's death and its successor: one that dies again and again must not take the machine with it."""

PROVEN_SECONDS: Final = 30.0
"""A worker that lived as long died of something new, and the pauses begin from the shortest again."""


class Workers:
    """Worker processes, each with a number from 0 on.

    A worker's standard input is a pipe that this process holds open; it ends when this process ends, however it ends.
    """

    def __init__(
        self,
        command: Callable[[int], Sequence[str]],
        environment: Mapping[str, str],
        count: int,
        *,
        hopeless: int,
    ) -> None:
        """Run ``command`` for each number; a worker whose first run exits with ``hopeless`` is not restarted."""
        self._command = command
        self._environment = environment
        self._count = count
        self._hopeless = hopeless
        self._running: dict[int, Process] = {}
        self._exit_code = 0

    async def run(self, told_to_stop: asyncio.Event) -> int:
        """Keep all of them running until told to stop, pass that on, and return when the last has ended.

        Return 0 if all ended in order, else the exit code of one that did not.
        """
        ending = asyncio.create_task(self._end_when(told_to_stop))
        await asyncio.gather(*(self._keep(index, told_to_stop) for index in range(self._count)))
        await ending
        return self._exit_code

    async def _end_when(self, told_to_stop: asyncio.Event) -> None:
        await told_to_stop.wait()
        for process in self._running.values():
            _ask_to_stop(process)

    async def _keep(self, index: int, told_to_stop: asyncio.Event) -> None:
        pause, is_first = FIRST_PAUSE_SECONDS, True
        while not told_to_stop.is_set():
            started = time.monotonic()
            code = await self._live(index, told_to_stop)
            if told_to_stop.is_set() or (is_first and code == self._hopeless):
                # As shells have it: one that was interrupted before it could see to that itself ended by the signal.
                self._exit_code = self._exit_code or (code if code >= 0 else 128 - code)
                told_to_stop.set()
                return
            is_first = False
            if time.monotonic() - started > PROVEN_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            log.error("worker %d ended by itself with %d; another one follows in %.1f s", index, code, pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(told_to_stop.wait(), pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _live(self, index: int, told_to_stop: asyncio.Event) -> int:
        """Run one worker from its start to its end, and return its exit code; minus a signal's number, if by that."""
        # In a session of its own, so that Ctrl-C reaches us alone and the worker is told once.
        process = await asyncio.create_subprocess_exec(
            *self._command(index), env=self._environment, stdin=PIPE, start_new_session=True
        )
        self._running[index] = process
        log.info("worker %d is process %d", index, process.pid)
        if told_to_stop.is_set():
            _ask_to_stop(process)
        code = await process.wait()
        del self._running[index]
        return code


def _ask_to_stop(process: Process) -> None:
    # Not process.terminate(): it looks first whether the process has ended, and then takes its exit code away from the
    # event loop's own watcher, which reports 255 instead.
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)


@contextmanager
def held_port(address: str) -> Iterator[str]:
    """Hold a port for our workers alone, and give its address; port 0 becomes a free one.

    Raises ListenError if another server has it: SO_REUSEPORT by itself would silently share it with that one.
    """
    if address.startswith("unix:"):
        raise ListenError(f"several workers cannot share {address}: only a TCP port can be shared")
    host, port = require_free_port(address)
    with closing(_holder(host, port)):
        yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _holder(host: str, port: int) -> socket.socket:
    """Return a bound socket that does not listen: it takes no connections, and keeps the port while no worker is up."""
    try:
        return _bound(host, port, socket.SO_REUSEPORT)
    except ListenError:
        # Connections of an earlier server linger: only a socket that others can take over gets in beside them.
        return _bound(host, port, socket.SO_REUSEPORT, socket.SO_REUSEADDR)


def _bound(host: str, port: int, *options: int) -> socket.socket:
    holder = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        for option in options:
            holder.setsockopt(socket.SOL_SOCKET, option, 1)
        holder.bind((host, port))
    except OSError as error:
        holder.close()
        raise ListenError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return holder


def require_free_port(address: str) -> tuple[str, int]:
    """Return the numeric host and the port of ``host:port``, a free one for 0. Raises ListenError if it is taken."""
    host, _, port = address.rpartition(":")
    try:
        family, kind, _, _, place = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as probe:
            # Ports of connections that have ended are free all the same.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            probe.listen(1)
            numeric_host, free_port = probe.getsockname()[:2]
            return str(numeric_host), int(free_port)
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error.strerror}") from error
