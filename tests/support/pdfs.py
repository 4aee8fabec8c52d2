"""PDFs as their readers see them."""

import io
import sys
from typing import Final

import psutil
from pypdf import PdfReader

from creditd.documents.document import Document, from_json

SLEEPS: Final = (sys.executable, "-c", "import time; print('here', flush=True); time.sleep(30)")
"""The command of a drawing that takes half a minute."""


ECHO: Final = (sys.executable, "-I", "-S", "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())")
"""The command of what stands for a drawing, at once: it answers with what was to be drawn."""


def children() -> list[psutil.Process]:
    """Return the processes that this one has started and that have not ended."""
    return [child for child in psutil.Process().children() if _is_running(child)]


def _is_running(child: psutil.Process) -> bool:
    try:
        return bool(child.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def undrawn(file: bytes) -> Document:
    """Return the document that ``ECHO`` did not draw."""
    return from_json(file)


def text_in(file: bytes) -> str:
    """Return the text of all pages."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(file)).pages)


def pages_in(file: bytes) -> int:
    """Return how many pages there are."""
    return len(PdfReader(io.BytesIO(file)).pages)


def fonts_in(file: bytes) -> dict[str, int]:
    """Return the bytes that are embedded of each font, by its name."""
    found = {}
    for page in PdfReader(io.BytesIO(file)).pages:
        for font in page["/Resources"]["/Font"].values():  # type: ignore[index]
            descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            found[descriptor["/FontName"]] = len(descriptor["/FontFile2"].get_object().get_data())
    return found
