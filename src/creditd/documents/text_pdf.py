"""Lines of text on pages: broken where they are too long, shaped, and each read in its direction."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, Literal, cast

from fpdf import FPDF
from fpdf.enums import TextDirection, XPos, YPos
from fpdf.fonts import TTFFont
from fpdf.line_break import Fragment

from creditd.documents.document import Direction
from creditd.documents.fonts import FILES, add_fonts
from creditd.documents.letters import clusters, harmless, is_first_from_the_right, visual_runs

SPARE: Final = 1.1
"""Shaped texts are narrower than their letters as a rule, and never wider by a tenth."""

UNKNOWN: Final = "\ufffd"
"""Stands for a letter that no font has."""


class TextPdf(FPDF):
    """A PDF of A4 pages on which texts are written, whoever wrote them."""

    def __init__(self, of_words: Literal["ltr", "rtl"]) -> None:
        """Begin without a page. ``of_words`` is the direction of the document's own words."""
        super().__init__(format="A4")
        self._of_words = of_words
        # Texts are drawn as they are, also one in which the usual sign for the number of pages stands.
        self.alias_nb_pages("")
        self.c_margin = 1.0
        add_fonts(self)

    def _first_lines(self, text: str, width: float, most: int) -> list[str]:
        """Return a text in lines as they fit into a column, one or more; three dots stand for what has no room."""
        lines = list(islice(self._lines(self._drawable(text).split(), width - 2 * self.c_margin), most + 1)) or [""]
        return [*lines[: most - 1], lines[most - 1] + " …"] if len(lines) > most else lines

    def _lines(self, words: list[str], width: float) -> Iterator[str]:
        """Break words into lines; one longer than a line is broken between two letters."""
        line = ""
        for word in words:
            if line and self._surely_fits(f"{line} {word}", width):
                line = f"{line} {word}"
                continue
            if line:
                yield line
            line = ""
            for letter in clusters(word):
                if line and not self._surely_fits(line + letter, width):
                    yield line
                    line = ""
                line += letter
        if line:
            yield line

    def _text(
        self,
        text: str,
        width: float,
        height: float,
        direction: Direction,
        align: str,
        *,
        border: Literal[0, 1] | str = 0,
        fill: bool = False,
    ) -> None:
        # A cell that ends in another font leaves behind that this one is set, which it is not.
        self.current_font_is_set_on_page = False
        shown = self._drawable(text)
        self._shape(direction, shown)
        fitting = self._fitting(shown, width - 2 * self.c_margin)
        self.cell(width, height, fitting, border=border, fill=fill, align=align, new_x=XPos.RIGHT, new_y=YPos.TOP)

    def _shrink(self, figure: str, width: float) -> None:
        """Write smaller what is too long: a figure of which a part is left out would be another one."""
        room = (width - 2 * self.c_margin) / SPARE
        needed = self._letters_width(figure)
        if needed > room:
            self.set_font_size(self.font_size_pt * room / needed)

    def _fitting(self, text: str, width: float) -> str:
        if self._surely_fits(text, width) or self.get_string_width(text) <= width:
            return text
        while text and self.get_string_width(text + "…") > width:
            text = text[: -max(1, len(text) // 20)]
        return text + "…"

    def _surely_fits(self, text: str, width: float) -> bool:
        """Tell by the widths of letters alone, which takes no time, and leaves some room for what shaping does."""
        return self._letters_width(text) <= width / SPARE

    def _letters_width(self, text: str) -> float:
        widths = cast("TTFFont", self.current_font).cw
        return sum(widths[ord(letter)] for letter in text) * self.font_size / 1_000

    def _drawable(self, text: str) -> str:
        """Return a text as it can be drawn: a letter that no font has shows as one, and is not left out."""
        fonts = [cast("TTFFont", self.fonts[family]).cmap for family in FILES]
        shown = harmless(text)
        if shown.isascii():
            return shown
        return "".join(letter if any(ord(letter) in font for font in fonts) else UNKNOWN for letter in shown)

    def _preload_bidirectional_text(self, text: str, markdown: bool) -> Sequence[Fragment]:  # noqa: FBT001
        """Return a line's parts from left to right.

        The library turns them once, which is wrong for a number after a word of Hebrew in a line of English.
        """
        if not self.text_shaping:
            return super()._preload_bidirectional_text(text, markdown)
        runs = visual_runs(text, self.text_shaping["direction"])
        self.text_shaping["paragraph_direction"] = TextDirection.LTR
        fragments: list[Fragment] = []
        for run, direction in runs:
            self.text_shaping["fragment_direction"] = direction
            fragments.extend(self._preload_font_styles(run, markdown))
        return tuple(fragments)

    def _shape(self, direction: Direction, text: str) -> None:
        if text.isascii() and direction != "words":
            # Figures, times and codes, which are most of a table: there is nothing to shape or to order.
            self.set_text_shaping(use_shaping_engine=False)
            return
        stated = self._of_words if direction == "words" else direction
        self.set_text_shaping(direction=None if stated == "auto" else stated)


def direction_of(text: str, direction: Direction) -> Direction:
    """Return the direction of all lines of a text: a further line may begin with a letter of another script."""
    if direction != "auto":
        return direction
    return "rtl" if is_first_from_the_right(text) else "ltr"
