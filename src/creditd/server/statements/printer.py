"""Documents printed as PDF, each by a process of its own, so that no server stands still while one is drawn."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final

from creditd.documents.document import Document, to_json
from creditd.ledger.work import Overloaded
from creditd.service.line import Line

AT_ONCE: Final = 1
"""Drawing takes all of a processor; more at once would take longer each, and leave less to everybody else."""

MAX_WAITING: Final = 16
"""Documents that may wait in line. Receipts take a second each, and a statement of many pages a quarter of a minute."""

PRINT_SECONDS: Final = 150.0
"""Longer than the drawing may use the processor: it gives way to everybody else."""

COMMAND: Final = (sys.executable, "-I", "-m", "creditd.documents")


class PrintFailed(Exception):
    """A document could not be drawn, which is a mistake of ours: how the process ended, and where in its code."""

    def __init__(self, code: int, place: str) -> None:
        super().__init__(f"the drawing ended with {code} {place}".rstrip())


class Printer:
    """Prints documents. Used on one event loop."""

    def __init__(self) -> None:
        """Print nothing yet; no thread and no process is started before the first document."""
        self._line = Line(AT_ONCE, MAX_WAITING)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="printer")

    @asynccontextmanager
    async def press(self) -> AsyncIterator["Press"]:
        """Wait for the press, and have it for one document until the block ends; its process ends by then.

        Raises Overloaded if the line is full.
        """
        async with self._line.place():
            press = Press(self._threads)
            try:
                yield press
            finally:
                press.end()

    def close(self) -> None:
        """End; no call is any more."""
        self._threads.shutdown(wait=False)


class Press:
    """One document and its process, from its start to its end."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        """Wait for the process on one of ``threads``."""
        self._threads = threads
        self._process: subprocess.Popen[bytes] | None = None
        self._is_over = False

    async def printed(self, document: Document) -> bytes:
        """Return the document as a PDF. Raises Overloaded if the machine is too busy, PrintFailed."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._print, document)

    def _print(self, document: Document) -> bytes:
        # Without our environment: it holds secrets, and a document needs none of it.
        with subprocess.Popen(  # noqa: S603 - the command is a constant.
            [*COMMAND, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
        ) as process:
            self._process = process
            if self._is_over:
                process.kill()
            try:
                output, _ = process.communicate(to_json(document), timeout=PRINT_SECONDS)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise Overloaded from error
        if process.returncode:
            raise PrintFailed(process.returncode, output.decode(errors="replace"))
        return output

    def end(self) -> None:
        """End the process, if it has not ended by itself."""
        self._is_over = True
        if self._process is not None:
            self._process.kill()
