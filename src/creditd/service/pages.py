"""Page tokens (AIP-158): where a page ended, sealed together with the query that it belongs to."""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import orjson

from creditd.domain import errors

DEFAULT_PAGE_SIZE = 20
"""Fills a screen."""

PAGE_BYTES = 1024 * 1024
"""A page ends here however few it holds. Clients refuse answers of more than 4 MiB unless told otherwise."""

SCANNED_ROWS = 10_000
"""What a page looks at for a filter that may match rarely and that no index serves: some tens of milliseconds. It may
then hold fewer than were asked for, or none, and still have a next one (AIP-158)."""

_FRAME_BYTES = 6
"""What a message takes within another beside its own bytes: its tag and its length."""

_SEAL_BYTES = 16


class Measured(Protocol):
    """A message, which knows how long it is on the wire."""

    def ByteSize(self) -> int:  # noqa: N802 - protobuf's name.
        """Return the length in bytes."""


Item = TypeVar("Item")
Shown = TypeVar("Shown", bound=Measured)


class Asked(NamedTuple):
    """Which page is asked for: how many items, 0 for the default, and the last answer's token or an empty one."""

    page_size: int
    page_token: str

    @property
    def size(self) -> int:
        """How many items at most."""
        return self.page_size or DEFAULT_PAGE_SIZE


class Page(NamedTuple, Generic[Shown]):
    """A page of messages; an empty token ends the list."""

    items: list[Shown]
    next_page_token: str


def fitting(found: Sequence[Item], size: int, show: Callable[[Item], Shown]) -> list[Shown]:
    """Write the first items, up to ``size`` and PAGE_BYTES; always one, if there is one."""
    shown: list[Shown] = []
    room = PAGE_BYTES
    for item in found[:size]:
        message = show(item)
        room -= message.ByteSize() + _FRAME_BYTES
        if shown and room < 0:
            break
        shown.append(message)
    return shown


def query_of(listing: str, **narrowing: object) -> bytes:
    """Write what is listed and how it is narrowed, for a token to be sealed with.

    Servers of two versions must write the same bytes. So the caller names each part by a word that stays, whatever the
    code calls it; enums are their numbers; and what lets all pass (None, an empty text or tuple) is left out, so that a
    part added later leaves the tokens of queries without it alone.
    """
    stated = {name: value for name, value in narrowing.items() if value not in (None, "", ())}
    return orjson.dumps([listing, stated], option=orjson.OPT_SORT_KEYS)


class PageTokens:
    """Makes and opens page tokens. Servers that share a secret open each other's."""

    def __init__(self, secret: bytes) -> None:
        """Seal with a secret of up to 64 bytes."""
        self._key = blake2b(secret, person=b"creditd-pages").digest()

    def seal(self, query: bytes, cursor: Any) -> str:
        """Return a token for the page of a query that comes after a cursor."""
        document = orjson.dumps(cursor)
        return base64.urlsafe_b64encode(self._seal(query, document) + document).decode().rstrip("=")

    def open(self, query: bytes, token: str) -> Any:
        """Return the cursor that was sealed for a query. Raises PageTokenInvalid for any other token."""
        try:
            sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError) as error:
            raise errors.PageTokenInvalid from error
        seal, document = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(query, document)):
            raise errors.PageTokenInvalid
        return orjson.loads(document)

    def page(
        self,
        query: bytes,
        found: Sequence[Item],
        size: int,
        show: Callable[[Item], Shown],
        cursor_of: Callable[[Item], Any],
    ) -> Page[Shown]:
        """Return the page that begins with what was found, which is one more than ``size`` if there is a next page."""
        shown = fitting(found, size, show)
        has_more = len(shown) < len(found)
        return Page(shown, self.seal(query, cursor_of(found[len(shown) - 1])) if has_more else "")

    def _seal(self, query: bytes, document: bytes) -> bytes:
        query_hash = blake2b(query, digest_size=_SEAL_BYTES).digest()
        return blake2b(query_hash + document, key=self._key, digest_size=_SEAL_BYTES).digest()
