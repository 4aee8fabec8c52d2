"""Slices and graces as the rows hold them: JSON that is readable to whoever looks into the table."""

from collections.abc import Sequence
from typing import Any

import orjson

from creditd.domain.grants import Grace, Slice, Source
from creditd.domain.instant import Instant

_digits = int.__repr__
"""An enum's own formatting takes longer than all the rest of a slice."""


def slices_to_json(slices: Sequence[Slice]) -> str:
    """Write slices in their order."""
    if not slices:
        return "[]"
    return "[" + ",".join([_slice_to_json(part) for part in slices]) + "]"


def _slice_to_json(part: Slice) -> str:
    grant_id, source, amount, expire_time, returned, graced = part
    text = f'{{"grant":"{grant_id}","source":{_digits(source)},"amount":{amount}'
    if expire_time is not None:
        text += f',"expires":{expire_time}'
    if returned:
        text += f',"returned":{returned}'
    if graced:
        text += ',"graced":true'
    return text + "}"


def slices_from_json(document: Any) -> tuple[Slice, ...]:
    """Read slices, from text or from what the driver made of it."""
    if isinstance(document, str | bytes):
        document = orjson.loads(document)
    return tuple(
        Slice(
            part["grant"],
            Source(part["source"]),
            part["amount"],
            None if part.get("expires") is None else Instant(part["expires"]),
            part.get("returned", 0),
            part.get("graced", False),
        )
        for part in document
    )


def graces_to_json(graces: Sequence[Grace]) -> str | None:
    """Write the graces that began with an entry, each grant's with its end; None for the usual none."""
    if not graces:
        return None
    return "{" + ",".join([f'"{grant_id}":{end_time}' for grant_id, end_time in graces]) + "}"


def graces_from_json(document: Any) -> tuple[Grace, ...]:
    """Read graces from what the driver made of them."""
    return () if document is None else tuple([Grace(*item) for item in document.items()])
