"""Encrypted streams: Tink's streaming AEAD, AES256_GCM_HKDF_1MB, as its wire format is published.

A header of 40 bytes (its own length, a salt of 32, a nonce's prefix of 7), then segments of 1 MiB, the first one
shorter by the header. Each is AES-256-GCM under a key that HKDF-SHA256 derives from ours, the salt and the associated
data; its nonce is the prefix, the segment's number in 4 bytes, and one byte that says whether it is the last. So a
segment that is changed, moved, doubled or left out, and a stream that was cut short or is another file's, cannot be
opened.
"""

import secrets
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from creditd.telemetry.redaction import file_shown

FORMAT: Final = "AES256_GCM_HKDF_1MB"
"""Tink's name for the parameters."""

KEY_BYTES: Final = 32
PREFIX_BYTES: Final = 7
HEADER_BYTES: Final = 1 + KEY_BYTES + PREFIX_BYTES
SEGMENT_BYTES: Final = 1 << 20
TAG_BYTES: Final = 16


class Unsealable(ValueError):
    """A stream is not what was written, or was written with another key."""


class InvalidBackupKey(ValueError):
    """A key file holds no key; the message says what it has to hold."""


class ByteSink(Protocol):
    """Whatever takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take all of them."""


def read_key(file: Path) -> bytes:
    """Return the key of a file: 64 hexadecimal digits, as `openssl rand -hex 32` prints. Raises InvalidBackupKey."""
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        expected = "64 hexadecimal digits, such as `openssl rand -hex 32` prints"
        raise InvalidBackupKey(f"{file_shown(str(file))} has to hold {expected}")
    return key


def key_id(key: bytes) -> str:
    """Return what tells keys apart and gives nothing of them away."""
    return HKDF(SHA256(), 8, salt=None, info=b"creditd backup key id").derive(key).hex()


def manifest_key(key: bytes) -> bytes:
    """Return the key that manifests are authenticated with."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"creditd backup manifest").derive(key)


def _cipher(key: bytes, salt: bytes, associated: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=salt, info=associated).derive(key))


def _nonce(prefix: bytes, number: int, *, is_last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([is_last])


class SealingWriter:
    """Encrypts what is written to it, bound to ``associated``: the name that it is opened by. ``close`` ends it."""

    def __init__(self, sink: ByteSink, key: bytes, associated: str) -> None:
        """Write the header."""
        salt, self._prefix = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(PREFIX_BYTES)
        self._cipher = _cipher(key, salt, associated.encode())
        self._sink = sink
        self._room = SEGMENT_BYTES - TAG_BYTES - HEADER_BYTES
        self._number = 0
        self._waiting = bytearray()
        sink.write(bytes([HEADER_BYTES]) + salt + self._prefix)

    def write(self, data: bytes) -> None:
        """Encrypt these bytes; the last segment waits for what comes, since it has to know whether it is the last."""
        self._waiting += data
        while len(self._waiting) > self._room:
            self._seal(bytes(self._waiting[: self._room]), is_last=False)

    def close(self) -> None:
        """Write the last segment. The sink stays open."""
        self._seal(bytes(self._waiting), is_last=True)

    def _seal(self, segment: bytes, *, is_last: bool) -> None:
        self._sink.write(self._cipher.encrypt(_nonce(self._prefix, self._number, is_last=is_last), segment, None))
        del self._waiting[: len(segment)]
        self._number += 1
        self._room = SEGMENT_BYTES - TAG_BYTES


class OpeningReader:
    """Decrypts what a SealingWriter has written. Nothing is given that was not authenticated. Raises Unsealable."""

    def __init__(self, source: BinaryIO, key: bytes, associated: str) -> None:
        """Read the header."""
        header = source.read(HEADER_BYTES)
        if len(header) != HEADER_BYTES or header[0] != HEADER_BYTES:
            raise Unsealable("it has no header")
        self._prefix = header[1 + KEY_BYTES :]
        self._cipher = _cipher(key, header[1 : 1 + KEY_BYTES], associated.encode())
        self._source = source
        self._number = 0
        self._ahead = source.read(SEGMENT_BYTES - HEADER_BYTES)
        self._opened = b""
        self._is_done = False

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, all that are left for -1, none at the end."""
        parts = []
        while size < 0 or not self._opened:
            if self._opened:
                parts.append(self._opened)
                self._opened = b""
            if self._is_done:
                return b"".join(parts)
            self._opened = self._next()
        given, self._opened = self._opened[:size], self._opened[size:]
        return given

    def _next(self) -> bytes:
        segment, self._ahead = self._ahead, self._source.read(SEGMENT_BYTES)
        self._is_done = not self._ahead
        nonce = _nonce(self._prefix, self._number, is_last=self._is_done)
        self._number += 1
        try:
            return self._cipher.decrypt(nonce, segment, None)
        except InvalidTag:
            raise Unsealable("it was changed or cut short, or was encrypted with another key") from None
