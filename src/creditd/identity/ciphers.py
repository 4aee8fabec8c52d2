"""Secrets at rest: encrypted with keys that are derived from the one of the configuration."""

import secrets
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
"""AES-256-GCM, with a random nonce each time: of one key, some dozens of secrets are encrypted, not 2^32."""

ID_DIGITS: Final = 16
"""Enough to tell keys apart; of a hash, so that it gives nothing of the key away."""


class OtherKey(Exception):
    """Something was encrypted with another key than the configured one; the message says so, without a secret."""


class Cipher:
    """Encrypts and derives keys by one secret text, for one purpose each, so that no two purposes share a key."""

    def __init__(self, secret: str, part: str = "identity") -> None:
        """Derive from ``secret``, which is to be random, 32 characters or more, and is the ``part``'s own."""
        self._secret = secret.encode()
        self._part = part
        self.key_id = sha256(self.key("key id")).hexdigest()[:ID_DIGITS]

    def key(self, purpose: str) -> bytes:
        """Return the key of a purpose."""
        derivation = HKDF(SHA256(), KEY_BYTES, salt=f"creditd {self._part}".encode(), info=purpose.encode())
        return derivation.derive(self._secret)

    def encrypt(self, purpose: str, owner: str, content: bytes) -> bytes:
        """Return the content encrypted, bound to its owner: it cannot be decrypted as another one's."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self.key(purpose)).encrypt(nonce, content, owner.encode())

    def decrypt(self, purpose: str, owner: str, encrypted: bytes) -> bytes:
        """Return the content of what ``encrypt`` returned. Raises OtherKey."""
        nonce, content = encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:]
        try:
            return AESGCM(self.key(purpose)).decrypt(nonce, content, owner.encode())
        except (InvalidTag, ValueError) as error:
            setting = f"CREDITD_{self._part.upper()}_KEY_ENCRYPTION_KEY"
            raise OtherKey(f"what {self._part} keeps encrypted was encrypted with another {setting}") from error
