"""The fonts may be handed on and embedded (C3)."""

from importlib import resources
from typing import cast

import pytest
from fpdf import FPDF
from fpdf.fonts import TTFFont

from creditd.documents.fonts import FILES, add_fonts

pytestmark = pytest.mark.requirement("C3")


@pytest.mark.parametrize("family", FILES)
def test_a_font_has_its_licence_beside_it_and_may_be_embedded(family: str) -> None:
    package, _ = FILES[family]
    assert "SIL OPEN FONT LICENSE Version 1.1" in (resources.files(package) / "LICENSE").read_text()
    pdf = FPDF()
    add_fonts(pdf)
    assert cast("TTFFont", pdf.fonts[family]).ttfont["OS/2"].fsType == 0
