"""Pages from templates. Whatever is put into one is escaped; a value that is not there is an error, not a blank."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf.timestamp_pb2 import Timestamp
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from creditd import __version__
from creditd.console.navigation import NAVIGATION
from creditd.console.refusal_words import refusal_words
from creditd.console.settings import PublicUrl
from creditd.console.shapes.enum_words import enum_word, enum_words
from creditd.console.shapes.figures import figure, signed
from creditd.console.shapes.identifiers import identifier
from creditd.console.static_files import StaticFiles
from creditd.console.texts import LANGUAGES

if TYPE_CHECKING:
    from creditd.console.visit import Visit


class Pages:
    """Makes pages. ``url`` is where browsers find them."""

    def __init__(self, files: StaticFiles, url: PublicUrl, *, has_single_sign_on: bool = False) -> None:
        """Link to these files, at this URL; to an outside issuer's sign-in, if there is one."""
        self.url = url
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).with_name("templates")),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals |= {
            "static": lambda name: url.path(files.path(name)),
            "identifier": identifier,
            "enum_word": enum_word,
            "enum_words": enum_words,
            "languages": LANGUAGES,
            "navigation": NAVIGATION,
            "refusal_words": refusal_words,
            "has_single_sign_on": has_single_sign_on,
            "version": __version__,
        }

    def html(self, template: str, visit: "Visit", values: dict[str, Any]) -> str:
        """Return a page for a visit."""
        reader = visit.reader

        def time(timestamp: Timestamp, *, with_seconds: bool = False) -> Markup:
            return reader.instant(timestamp, visit.now, with_seconds=with_seconds)

        def amount(value: int, decimals: int, unit: str = "", *, with_sign: bool = False) -> Markup:
            if not value:
                return Markup('<i class="nil">0</i>')
            text = (signed if with_sign else figure)(value, decimals, reader.language)
            kind = Markup(" <small>{}</small>").format(unit) if unit else ""
            return Markup("<bdi>{}{}</bdi>").format(text, kind)

        def figure_of(value: int, code: str) -> str:
            types = values.get("types", {})
            return figure(value, types[code].decimals if code in types else 0, reader.language)

        context = {
            "figure": figure_of,
            "visit": visit,
            "reader": reader,
            "t": reader.texts,
            "time": time,
            "amount": amount,
        }
        return self._environment.get_template(template).render(context | values)
