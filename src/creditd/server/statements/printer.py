"""Documents printed as PDF, each by a process of its own, so that no server stands still while one is drawn."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
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

_COMMAND: Final = (sys.executable, "-I", "-m", "creditd.documents")


class PrintFailed(Exception):
    """A document could not be drawn, which is a mistake of ours: ``code`` is how the process ended."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the drawing ended with {code}")


class Printer:
    """Prints documents. Used on one event loop."""

    def __init__(self) -> None:
        """Print nothing yet; no thread and no process is started before the first document."""
        self._line = Line(AT_ONCE, MAX_WAITING)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="printer")

    async def printed(self, document: Document) -> bytes:
        """Return a document as a PDF. When the caller is gone, the process is ended.

        Raises Overloaded if the line is full or the machine too busy, PrintFailed.
        """
        async with self._line.place():
            press = _Press(to_json(document))
            try:
                return await asyncio.get_running_loop().run_in_executor(self._threads, press.run)
            finally:
                press.stop()

    def close(self) -> None:
        """End; no call is any more."""
        self._threads.shutdown(wait=False)


class _Press:
    """One process, from its start to its end."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopped = False

    def run(self) -> bytes:
        """Print. Blocks."""
        # Without our environment: it holds secrets, and a document needs none of it.
        with subprocess.Popen(  # noqa: S603 - the command is a constant.
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
        ) as process:
            self._process = process
            if self._is_stopped:
                process.kill()
            try:
                output, _ = process.communicate(self._text, timeout=PRINT_SECONDS)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise Overloaded from error
        if process.returncode:
            raise PrintFailed(process.returncode)
        return output

    def stop(self) -> None:
        """End the process, if it has not ended by itself."""
        self._is_stopped = True
        if self._process is not None:
            self._process.kill()
