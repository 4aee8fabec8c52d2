"""Refresh tokens: 256 bits at random, and a seal that tells one that we have made from one that somebody made up.

A session keeps the hash of its current token alone. So that one that was used before is told from a forgery, each says
which session it is of and which one in a row, under a seal that only we can make.
"""

import base64
import binascii
import hmac
import secrets
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

PREFIX: Final = "crt_"
"""Lets scanners for leaked secrets find one."""

_ID_BYTES: Final = 16
_COUNT_BYTES: Final = 4
_SECRET_BYTES: Final = 32
_SEAL_BYTES: Final = 16
_BYTES: Final = _ID_BYTES + _COUNT_BYTES + _SECRET_BYTES + _SEAL_BYTES


class RefreshToken(NamedTuple):
    """One that we have made: of which session, and how often that had been refreshed before."""

    session_id: str
    uses: int
    text: str

    @property
    def hash(self) -> bytes:
        """What is stored of it."""
        return sha256(self.text.encode()).digest()


class RefreshTokens:
    """Makes and reads refresh tokens, by one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        """Seal with ``key``."""
        self._key = key

    def first(self, session_id: str) -> RefreshToken:
        """Return the first token of a session."""
        return self._made(session_id, 0, secrets.token_bytes(_SECRET_BYTES))

    def next(self, used: RefreshToken, request_id: str) -> RefreshToken:
        """Return the one that follows when a request uses ``used``: the same each time, to nobody else foreseeable.

        So a request whose answer was lost is answered again, though the answer is stored nowhere.
        """
        secret = self._mac(b"next", used.text.encode(), request_id.encode())
        return self._made(used.session_id, used.uses + 1, secret)

    def read(self, text: str) -> RefreshToken | None:
        """Return the token that a text is; None for one that we have not made."""
        try:
            content = base64.b64decode(text.removeprefix(PREFIX) + "=", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if not text.startswith(PREFIX) or len(content) != _BYTES:
            return None
        stated, seal = content[:-_SEAL_BYTES], content[-_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(stated)):
            return None
        session_id = str(UUID(bytes=stated[:_ID_BYTES]))
        return RefreshToken(session_id, int.from_bytes(stated[_ID_BYTES : _ID_BYTES + _COUNT_BYTES], "big"), text)

    def _made(self, session_id: str, uses: int, secret: bytes) -> RefreshToken:
        stated = UUID(session_id).bytes + uses.to_bytes(_COUNT_BYTES, "big") + secret
        text = base64.urlsafe_b64encode(stated + self._seal(stated)).decode().rstrip("=")
        return RefreshToken(session_id, uses, PREFIX + text)

    def _seal(self, stated: bytes) -> bytes:
        return self._mac(b"seal", stated)[:_SEAL_BYTES]

    def _mac(self, *parts: bytes) -> bytes:
        # Each part with its length, so that no two lists of parts are one text.
        text = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._key, text, "sha256")
