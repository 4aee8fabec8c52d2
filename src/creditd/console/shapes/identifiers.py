"""Ids as pages show them."""

from typing import Final

from markupsafe import Markup

LONG_ID: Final = 24
"""Characters of an id that tables show whole; of a longer one the first twelve and the last six."""


def identifier(value: str, *, whole: bool = False) -> Markup:
    """Return an id as HTML: cut in the middle if it is long, the whole of it on hover; or whole, in several lines."""
    if whole:
        return Markup('<bdi class="id wrap">{}</bdi>').format(value)
    if len(value) <= LONG_ID:
        return Markup('<bdi class="id">{}</bdi>').format(value)
    return Markup('<bdi class="id" title="{}">{}…{}</bdi>').format(value, value[:12], value[-6:])
