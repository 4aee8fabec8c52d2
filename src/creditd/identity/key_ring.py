"""The keys that access tokens are signed with, in memory: read now and then, made and rotated in the database."""

import base64
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection

from creditd.domain.instant import SECOND, Instant
from creditd.identity.ciphers import Cipher
from creditd.identity.storage import token_keys as rows
from creditd.identity.storage.token_keys import StoredKey
from creditd.identity.token_keys import AHEAD_SECONDS, TokenKey, end_of_others, signer_of, trusted_of
from creditd.storage.database import Database

REFRESH_SECONDS: Final = 5.0
"""Between two looks for keys that another server or a command has made."""

URGENT_SECONDS: Final = 15
"""From a rotation in haste to the new key's first signature: all of our own servers have seen it by then."""

MOST_KEYS: Final = 16
"""That are trusted at a time: each server reads them every few seconds, and callers fetch them."""

_PURPOSE: Final = "token keys"


class TooManyKeys(Exception):
    """So many keys are trusted already that another rotation has to wait."""


class PublicTokenKey(NamedTuple):
    """The public half of a key, as RFC 8037 has it: ``x`` is its 32 bytes in base64url."""

    kid: str
    key: Ed25519PublicKey
    x: str


class KeyRing:
    """Signs by the key whose turn it is. ``load`` blocks; what it has loaded may be used on any thread."""

    def __init__(self, database: Database, cipher: Cipher, now: Callable[[], Instant], lifetime_seconds: int) -> None:
        """Keep keys in ``database`` under ``cipher``; what they sign lives for ``lifetime_seconds``."""
        self._database = database
        self._cipher = cipher
        self._now = now
        self._lifetime_seconds = lifetime_seconds
        self._keys: tuple[TokenKey, ...] = ()
        self._by_kid: dict[str, TokenKey] = {}

    def load(self) -> None:
        """Read the keys that are trusted now, and make the first one. Raises OtherKey, and errors of the database's."""
        with self._database.transaction() as connection:
            stored = rows.trusted(connection, self._now())
            if not stored:
                stored = self._first(connection)
            # Decrypted once each: a key never changes but in its end.
            self._keys = tuple(self._opened(key) for key in stored)
            self._by_kid = {key.kid: key for key in self._keys}

    def _first(self, connection: Connection) -> list[StoredKey]:
        rows.wait_for_turn(connection)
        now = self._now()
        if not rows.trusted(connection, now):
            self._add(connection, sign_time=now)
        return rows.trusted(connection, now)

    def rotate(self, *, urgent: bool = False) -> TokenKey:
        """Make a key that signs once everybody knows it, and return it. Blocks. Raises TooManyKeys, unless ``urgent``.

        The others verify until the last token that they have signed is over; with ``urgent`` they end, and all of their
        tokens, as soon as the new one signs.
        """
        with self._database.transaction() as connection:
            rows.wait_for_turn(connection)
            now = self._now()
            rows.remove_ended(connection, now)
            # One that somebody else has may not wait: the others end within seconds then, however many they are.
            if not urgent and len(rows.trusted(connection, now)) >= MOST_KEYS:
                raise TooManyKeys
            sign_time = Instant(now + (URGENT_SECONDS if urgent else AHEAD_SECONDS) * SECOND)
            made = self._add(connection, sign_time)
            end = sign_time if urgent else end_of_others(sign_time, self._lifetime_seconds)
            rows.end_others(connection, made.kid, end)
        self.load()
        return self._by_kid[made.kid]

    def _add(self, connection: Connection, sign_time: Instant) -> StoredKey:
        private_key = Ed25519PrivateKey.generate()
        kid = _thumbprint(public_bytes(private_key))
        encrypted = self._cipher.encrypt(_PURPOSE, kid, private_key.private_bytes_raw())
        stored = StoredKey(kid, encrypted, self._cipher.key_id, self._now(), sign_time, None)
        rows.add(connection, stored)
        return stored

    def _opened(self, stored: StoredKey) -> TokenKey:
        known = self._by_kid.get(stored.kid)
        if known is None:
            raw = self._cipher.decrypt(_PURPOSE, stored.kid, bytes(stored.private_key))
            private_key = Ed25519PrivateKey.from_private_bytes(raw)
        else:
            private_key = known.private_key
        return TokenKey(stored.kid, private_key, stored.create_time, stored.sign_time, stored.expire_time)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a token with these claims. Raises LookupError before any key was loaded."""
        key = signer_of(self._keys, self._now())
        if key is None:
            message = "no key has been loaded"
            raise LookupError(message)
        return jwt.encode(dict(claims), key.private_key, algorithm="EdDSA", headers={"kid": key.kid})

    @property
    def trusted(self) -> tuple[TokenKey, ...]:
        """The keys that are trusted now."""
        return trusted_of(self._keys, self._now())

    @property
    def public_keys(self) -> list[PublicTokenKey]:
        """The public halves of those."""
        return [
            PublicTokenKey(key.kid, key.private_key.public_key(), _base64url(public_bytes(key.private_key)))
            for key in self.trusted
        ]

    def jwks(self) -> bytes | None:
        """Return the public halves as a JSON Web Key Set (RFC 7517, 8037); None before any key was loaded."""
        if not self._keys:
            return None
        keys = [
            {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key.kid, "x": key.x}
            for key in self.public_keys
        ]
        return json.dumps({"keys": keys}).encode()


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Return the 32 bytes of a key's public half."""
    return key.public_key().public_bytes_raw()


def _thumbprint(public: bytes) -> str:
    """Return a key's thumbprint (RFC 7638): the same for everybody who names the key by it."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public)}
    return _base64url(sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
