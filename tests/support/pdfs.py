"""PDFs as their readers see them."""

import io

from pypdf import PdfReader


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
