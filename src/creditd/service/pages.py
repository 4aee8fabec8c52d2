"""Page tokens (AIP-158): where a page ended, sealed together with the query that it belongs to."""

import base64
import binascii
import hmac
from hashlib import blake2b
from typing import Any

import orjson

from creditd.domain import errors

DEFAULT_PAGE_SIZE = 20
"""Fills a screen."""

_SEAL_BYTES = 16


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

    def _seal(self, query: bytes, document: bytes) -> bytes:
        query_hash = blake2b(query, digest_size=_SEAL_BYTES).digest()
        return blake2b(query_hash + document, key=self._key, digest_size=_SEAL_BYTES).digest()
