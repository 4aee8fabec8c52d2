"""Passwords as they are stored: argon2id, each with a salt of its own."""

import secrets
from threading import Lock
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

TIME_COST: Final = 2
MEMORY_KIB: Final = 19_456
LANES: Final = 1
"""OWASP's parameters for argon2id (19 MiB, two passes, one lane). RFC 9106's second recommendation, 64 MiB in four
lanes, would take all cores of a small server for each sign-in, and others' calls would wait. These take one core for
some 20 ms, and as much memory as a bounded number of hashes at once allows for."""

HASH_BYTES: Final = 32
SALT_BYTES: Final = 16
"""As RFC 9106 recommends: 128 bits of salt, 256 bits of hash."""


class PasswordHashes:
    """Makes and compares hashes. Blocks for the time of a hash; safe to use by several threads.

    ``made`` counts the hashes, those for unknown emails included.
    """

    def __init__(self) -> None:
        """Hash once, for what unknown emails are compared with."""
        self._hasher = PasswordHasher(TIME_COST, MEMORY_KIB, LANES, HASH_BYTES, SALT_BYTES)
        self._lock = Lock()
        self.made = 0
        # Nobody knows the password, so nothing matches it.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(HASH_BYTES))

    def hash(self, normal_password: str) -> str:
        """Return a new hash with its parameters and its salt, in the PHC format."""
        self._count()
        return self._hasher.hash(normal_password)

    def matches(self, stored: str | None, normal_password: str) -> bool:
        """Tell whether a password is that of a stored hash; None is nobody's, costs the same, and never matches."""
        self._count()
        try:
            self._hasher.verify(stored or self._nobody, normal_password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Tell whether a hash was made with other parameters than these."""
        return self._hasher.check_needs_rehash(stored)

    def _count(self) -> None:
        with self._lock:
            self.made += 1
