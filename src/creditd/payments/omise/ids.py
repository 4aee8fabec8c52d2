"""Omise's ids: what they look like, and which mode they are of.

The patterns are those of https://docs.omise.co/charges-api, .../events-api, .../refunds-api, .../disputes-api and
.../links-api, such as ``chrg(_test)?_[0-9a-z]+``. An id from outside goes into the path of a call only if it matches:
what is no id (``../account``) is never asked for.
"""

import re
from enum import StrEnum
from typing import Any, Final

MAX_CHARACTERS: Final = 40
"""After the prefix. Omise's have 19 and none is known to be longer; they become keys of rows and parts of addresses."""


class ObjectKind(StrEnum):
    """What an id is of, as its prefix."""

    CHARGE = "chrg"
    DISPUTE = "dspt"
    EVENT = "evnt"
    LINK = "link"
    REFUND = "rfnd"
    SOURCE = "src"


_PATTERNS: Final = {kind: re.compile(rf"{kind}_(test_)?[0-9a-z]{{1,{MAX_CHARACTERS}}}") for kind in ObjectKind}


def id_in(said: Any, kind: ObjectKind) -> str | None:
    """Return the id that is said, alone or as the ``id`` of a whole object; None if it is none of that kind."""
    if isinstance(said, dict):
        said = said.get("id")
    return said if isinstance(said, str) and _PATTERNS[kind].fullmatch(said) else None


def is_live_id(object_id: str) -> bool:
    """Tell whether an id that :func:`id_in` gave is of live mode."""
    return object_id.split("_")[1] != "test"
