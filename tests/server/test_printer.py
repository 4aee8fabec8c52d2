"""Documents are drawn by processes that know nothing of the server, have bounds, and end with who wants them (C3)."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import psutil
import pytest

from creditd.documents.__main__ import MOST_BYTES, MOST_SECONDS, NICENESS, OOM_SCORE
from creditd.documents.document import Column, Document, Section, TableRow
from creditd.ledger.work import Overloaded
from creditd.server.statements import printer as printers
from creditd.server.statements.printer import AT_ONCE, MAX_WAITING, Printer, PrintFailed
from tests.support.patience import eventually
from tests.support.pdfs import SLEEPS, children

pytestmark = pytest.mark.requirement("C3")

SAYS_ITS_ENVIRONMENT = (sys.executable, "-c", "import os, sys; sys.stdin.read(); print(dict(os.environ))")

SERVER = """
import os, subprocess, sys
command = [sys.executable, "-m", "creditd.documents", str(os.getpid())]
print(subprocess.Popen(command).pid, flush=True)
os.wait()
"""
"""Whoever starts a drawing, and hands its standard input on: the drawing waits for what is never written there."""


def document(*cells: str) -> Document:
    """Return a document with one row, of these cells in three columns."""
    columns = [Column("", 60, "ltr")] * 3
    section = Section("", columns, [TableRow(list(cells))])
    return Document(
        "en", is_right_to_left=False, title="", warning="", details=[], sections=[section], note="", page="", created=0
    )


WHOLE = document("a", "b", "c")


@pytest.fixture
def printer() -> Printer:
    """Return a printer."""
    return Printer()


@pytest.fixture
def sleeping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have drawings take half a minute."""
    monkeypatch.setattr(printers, "COMMAND", SLEEPS)


async def printed(printer: Printer, wanted: Document = WHOLE) -> bytes:
    """Print one document."""
    async with printer.press() as press:
        return await press.printed(wanted)


def test_a_document_is_printed(printer: Printer) -> None:
    assert asyncio.run(printed(printer)).startswith(b"%PDF-")


@pytest.mark.usefixtures("sleeping")
def test_the_drawing_ends_with_its_caller(printer: Printer) -> None:
    before = children()

    async def leave() -> list[psutil.Process]:
        caller = asyncio.create_task(printed(printer))
        started = await asyncio.to_thread(eventually, lambda: [c for c in children() if c not in before])
        caller.cancel()
        with suppress(asyncio.CancelledError):
            await caller
        return list(started)

    drawings = asyncio.run(leave())
    assert drawings
    assert eventually(lambda: not [drawing for drawing in drawings if drawing in children()])


@pytest.mark.usefixtures("sleeping")
def test_a_drawing_that_takes_too_long_is_ended(printer: Printer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printers, "PRINT_SECONDS", 0.2)
    before = children()
    with pytest.raises(Overloaded):
        asyncio.run(printed(printer))
    assert children() == before


@pytest.fixture
def orphan() -> Iterator[Callable[[], psutil.Process]]:
    """Return what has another process start a drawing, which then waits for its document."""
    servers: list[subprocess.Popen[bytes]] = []

    def start() -> psutil.Process:
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        servers.append(server)
        assert server.stdout is not None
        return psutil.Process(int(server.stdout.readline()))

    yield start
    for server in servers:
        with server:
            server.kill()


def bounds_of(drawing: psutil.Process) -> tuple[int, int]:
    """Return the bounds of a drawing's memory, once it has those of time, which come last."""
    eventually(lambda: drawing.rlimit(psutil.RLIMIT_CPU) == (MOST_SECONDS, MOST_SECONDS))
    found: tuple[int, int] = drawing.rlimit(psutil.RLIMIT_AS)
    return found


def test_a_drawing_ends_with_its_server(orphan: Callable[[], psutil.Process]) -> None:
    drawing = orphan()
    bounds_of(drawing)
    server = drawing.parent()
    assert server is not None
    server.kill()
    assert eventually(lambda: not drawing.is_running() or drawing.status() == psutil.STATUS_ZOMBIE)


def test_a_drawing_has_bounds(orphan: Callable[[], psutil.Process]) -> None:
    drawing = orphan()
    assert bounds_of(drawing) == (MOST_BYTES, MOST_BYTES)
    assert Path(f"/proc/{drawing.pid}/oom_score_adj").read_text().strip() == OOM_SCORE
    assert drawing.nice() == min(19, os.nice(0) + NICENESS)


def test_who_finds_the_line_full_is_refused_and_the_others_have_their_turns(printer: Printer) -> None:
    async def crowd() -> int:
        async with AsyncExitStack() as held:
            for _ in range(AT_ONCE):
                await held.enter_async_context(printer.press())
            waiting = [asyncio.create_task(held_press(printer)) for _ in range(MAX_WAITING)]
            await asyncio.sleep(0)
            with pytest.raises(Overloaded):
                await held_press(printer)
        return sum(await asyncio.gather(*waiting))

    async def held_press(printer: Printer) -> int:
        async with printer.press():
            return 1

    assert asyncio.run(crowd()) == MAX_WAITING


def test_the_drawing_knows_nothing_of_our_environment(printer: Printer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", "postgresql://ours")
    monkeypatch.setattr(printers, "COMMAND", SAYS_ITS_ENVIRONMENT)
    said = asyncio.run(printed(printer))
    assert said.startswith(b"{")
    assert b"CREDITD" not in said


def test_a_failure_says_where_it_was_and_nothing_of_what_was_written(printer: Printer) -> None:
    with pytest.raises(PrintFailed) as failure:
        asyncio.run(printed(printer, document("a reason of somebody", "b")))
    assert "ValueError at" in str(failure.value)
    assert "pdf.py" in str(failure.value)
    assert "reason" not in str(failure.value)
