"""Files as they are stored: compressed, encrypted if there is a key, hashed as they are written, and on the disk."""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from creditd.backup.sealed_streams import OpeningReader, SealingWriter

PLAIN_SUFFIX: Final = ".gz"
SEALED_SUFFIX: Final = ".gz.sealed"

CHUNK_BYTES: Final = 1 << 20
"""Read and written at once."""

LEVEL: Final = 1
"""Of zlib: the next ones take twice the time for a tenth less."""


def suffix(key: bytes | None) -> str:
    """Return how the names of files end that are written with this key."""
    return SEALED_SUFFIX if key else PLAIN_SUFFIX


class _Hashed:
    """A file that is hashed as it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes, /) -> None:
        self._file.write(data)
        self.digest.update(data)
        self.size += len(data)


class StoredWriter:
    """Writes one new file; ``close`` completes it. ``name`` is what it will be opened by, if there is a key."""

    def __init__(self, path: Path, key: bytes | None, name: str) -> None:
        """Create the file, which must not be there."""
        self._file = path.open("xb")
        os.chmod(path, 0o600)  # noqa: PTH101 - of the file that is open.
        self._hashed = _Hashed(self._file)
        self._sealing = SealingWriter(self._hashed, key, name) if key else None
        self._compression = zlib.compressobj(LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)

    def write(self, data: bytes) -> None:
        """Store these bytes."""
        self._put(self._compression.compress(data))

    def close(self) -> None:
        """Complete the file, and see that it is on the disk."""
        self._put(self._compression.flush())
        if self._sealing:
            self._sealing.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        """Close what is not complete."""
        self._file.close()

    @property
    def size(self) -> int:
        """How large the file is, in bytes."""
        return self._hashed.size

    @property
    def sha256(self) -> str:
        """The hash of what was stored."""
        return self._hashed.digest.hexdigest()

    def _put(self, data: bytes) -> None:
        if data:
            (self._sealing or self._hashed).write(data)


@contextmanager
def opened(path: Path, key: bytes | None, name: str) -> Iterator[BinaryIO]:
    """Give what was stored in a file. Raises OSError, zlib.error, EOFError, Unsealable as it is read."""
    with path.open("rb") as file:
        source: Any = OpeningReader(file, key, name) if key else file
        with gzip.GzipFile(fileobj=source, mode="rb") as content:
            yield cast("BinaryIO", content)


def sha256_of(path: Path) -> str:
    """Return the hash of a file as it is stored. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush_folder(folder: Path) -> None:
    """Make renamings in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
