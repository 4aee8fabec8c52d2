"""Slices as the rows hold them: a JSON array of objects, readable to whoever looks into the table."""

from collections.abc import Sequence
from typing import Any

import orjson

from creditd.domain.grants import Slice, Source
from creditd.domain.instant import Instant


def slices_to_json(slices: Sequence[Slice]) -> str:
    """Write slices in their order."""
    if not slices:
        return "[]"
    return "[" + ",".join([_slice_to_json(part) for part in slices]) + "]"


def _slice_to_json(part: Slice) -> str:
    grant_id, source, amount, expire_time, returned = part
    text = f'{{"grant":"{grant_id}","source":{source:d},"amount":{amount}'
    if expire_time is not None:
        text += f',"expires":{expire_time}'
    if returned:
        text += f',"returned":{returned}'
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
        )
        for part in document
    )
