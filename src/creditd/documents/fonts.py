"""The fonts: Open Sans for Latin, Vietnamese and Hebrew, Noto Sans Thai. Both are under the SIL Open Font License."""

from importlib import resources
from pathlib import Path
from typing import Final, cast

from fpdf import FPDF
from fpdf.fonts import TTFFont

MAIN: Final = "opensans"

FILES: Final = {
    MAIN: ("fontpkg_open_sans", "OpenSans[wdth,wght].ttf"),
    "notosansthai": ("fontpkg_noto_sans_thai", "NotoSansThai[wdth,wght].ttf"),
}

_OF_VARIATIONS: Final = ("avar", "cvar", "fvar", "gvar", "HVAR", "MVAR", "STAT", "VVAR")
"""Tables of a font whose weight and width can be chosen. The usual ones are used, and nothing else is embedded."""


def add_fonts(pdf: FPDF) -> None:
    """Have a document use the fonts; a letter that the first does not have is looked for in the others."""
    for family, (package, name) in FILES.items():
        pdf.add_font(family, fname=Path(str(resources.files(package) / "files" / name)))
        font = cast("TTFFont", pdf.fonts[family])
        for table in _OF_VARIATIONS:
            if table in font.ttfont:
                del font.ttfont[table]
    pdf.set_fallback_fonts([family for family in FILES if family != MAIN])
