"""Page tokens (AIP-158): the end of a page, sealed together with the query that it belongs to."""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import orjson

from creditd.domain import errors
from creditd.storage.archive.archives import ArchivedPart

DEFAULT_PAGE_SIZE = 20
"""The size of a page if none is stated: it fills a screen."""

PAGE_BYTES = 1024 * 1024
"""The largest page, whatever its number of items. Clients refuse answers of more than 4 MiB by default."""

SCANNED_ROWS = 10_000
"""Rows that a page scans for a filter that may match rarely and that no index serves: some tens of milliseconds. The
page may then hold fewer items than asked for, or none, and still have a next one (AIP-158)."""

_FRAME_BYTES = 6
"""The bytes that a nested message takes beside its own: its tag and its length."""

_SEAL_BYTES = 16


class Measured(Protocol):
    """A message that knows its size on the wire."""

    def ByteSize(self) -> int:  # noqa: N802 - protobuf's name.
        """Return the length in bytes."""


Item = TypeVar("Item")
Shown = TypeVar("Shown", bound=Measured)


class Asked(NamedTuple):
    """The page that is asked for: its size, 0 for the default, and the last answer's token, or an empty one."""

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


class LedgerPage(NamedTuple, Generic[Shown]):
    """A page of what stands in ledgers; ``archived`` are the parts of them that it would show and that are in files."""

    items: list[Shown]
    next_page_token: str
    archived: Sequence[ArchivedPart] = ()


def fitting(found: Sequence[Item], size: int, show: Callable[[Item], Shown]) -> list[Shown]:
    """Convert the first items, up to ``size`` and PAGE_BYTES; at least one, if there is one."""
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
    """Return a query as bytes, for a token to be sealed with: what is listed, and the filters.

    Servers of two versions must return the same bytes. So the caller gives each filter a name that never changes, enums
    are written as numbers, and a filter that lets everything pass (None, an empty text or tuple) is left out: a filter
    added later does not invalidate the tokens of queries without it.
    """
    stated = {name: value for name, value in narrowing.items() if value not in (None, "", ())}
    return orjson.dumps([listing, stated], option=orjson.OPT_SORT_KEYS)


class PageTokens:
    """Creates and opens page tokens. Servers that share a secret accept each other's."""

    def __init__(self, secret: bytes) -> None:
        """Seal with a secret of any length."""
        self._key = blake2b(secret, person=b"creditd-pages").digest()

    def seal(self, query: bytes, cursor: Any) -> str:
        """Return a token for the page of a query after a cursor."""
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
        """Return a page of the rows found, of which there are more than ``size`` if there is a next page."""
        shown = fitting(found, size, show)
        has_more = len(shown) < len(found)
        return Page(shown, self.seal(query, cursor_of(found[len(shown) - 1])) if has_more else "")

    def _seal(self, query: bytes, document: bytes) -> bytes:
        query_hash = blake2b(query, digest_size=_SEAL_BYTES).digest()
        return blake2b(query_hash + document, key=self._key, digest_size=_SEAL_BYTES).digest()
