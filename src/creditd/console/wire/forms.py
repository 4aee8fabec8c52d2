"""Forms as browsers send them, within limits of size and time."""

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from creditd.console import limits


class UnreadableForm(Exception):
    """A body that is no form of ours."""


class Form:
    """What was typed and chosen, by the names of the fields; of several of one name all, with blanks between."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        """Hold fields."""
        self._fields = fields

    def text(self, name: str, most: int = limits.MAX_FIELD_CHARACTERS) -> str:
        """Return a field without blanks around it, cut to ``most`` characters; empty if it was not sent."""
        return self._fields.get(name, "").strip()[:most]

    def names(self, beginning: str) -> list[str]:
        """Return how the names of fields that begin so go on, in their order."""
        return [name.removeprefix(beginning) for name in self._fields if name.startswith(beginning)]

    @property
    def fields(self) -> Mapping[str, str]:
        """All fields, by name."""
        return self._fields

    def secret(self, name: str) -> str:
        """Return a field as it is, such as a password."""
        return self._fields.get(name, "")


async def form_of(request: Request) -> Form:
    """Return the form of a request, of at most limits.MAX_FORM_BYTES. Raises UnreadableForm."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise UnreadableForm
    body = bytearray()
    try:
        async with asyncio.timeout(limits.FORM_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.MAX_FORM_BYTES:
                    raise UnreadableForm
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="replace", max_num_fields=limits.MAX_FORM_FIELDS
        )
    except (TimeoutError, ClientDisconnect, ValueError) as error:
        raise UnreadableForm from error
    # The service takes no zero bytes in texts; browsers end lines with two characters.
    read: dict[str, str] = {}
    for name, value in fields:
        text = value.replace("\0", "").replace("\r\n", "\n")
        read[name] = f"{read[name]} {text}" if name in read else text
    return Form(read)
