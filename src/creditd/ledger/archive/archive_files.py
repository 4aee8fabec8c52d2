"""Files of archived entries: one JSON object a line, each the canonical bytes of a row, compressed with gzip.

The bytes are those that seals are made of (docs/audit.md), so that a file is proved by the chain of seals alone. A file
has its name only once all of it is on the disk.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from creditd.domain.entry import Entry
from creditd.domain.wallet import WalletKey
from creditd.storage.archive.archives import ArchivedRow
from creditd.storage.rows import entry_from

BLOCK_BYTES: Final = 1024 * 1024
"""Read at once for a file's hash."""

LEVEL: Final = 6
"""Of compression: a tenth is left, and a higher one takes twice the time for a hundredth more."""

Witness = Callable[[str], None]
"""Is told each step as it begins: tests end the process there."""


def unwatched(step: str) -> None:
    """Take no notice."""
    del step


def file_of(wallet: WalletKey, first_version: int, last_version: int) -> str:
    """Return where a part of a wallet's ledger goes, within the folder: accounts are spread over 256 folders."""
    account_id, credit_type = wallet
    # An id of dots alone would be another folder. The other characters of ids are those of names of files.
    name = f"%2E{account_id[1:]}" if account_id.startswith(".") else account_id
    spread = hashlib.sha256(account_id.encode()).hexdigest()[:2]
    return f"{spread}/{name}/{credit_type}.{first_version}-{last_version}.jsonl.gz"


class WrittenFile(NamedTuple):
    """A file that is on the disk: its hash, and how many bytes it takes."""

    hash: bytes
    size: int


class OtherContent(Exception):
    """A file of this name is there, and has something else in it."""


def write(folder: Path, file: str, lines: Iterable[bytes], witness: Witness = unwatched) -> WrittenFile:
    """Write lines to a file and return when it is on the disk, name and all. One that is there stays as it is.

    Raises OtherContent if that one has other lines, OSError.
    """
    path, part = folder / file, folder / f"{file}.part"
    path.parent.mkdir(parents=True, exist_ok=True)
    witness("write")
    with open(part, "wb", opener=_private) as raw:
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=LEVEL, mtime=0) as out:
            out.writelines(line + b"\n" for line in lines)
        raw.flush()
        os.fsync(raw.fileno())
    witness("rename")
    if path.exists():
        same = _same(path, part)
        part.unlink()
        if not same:
            raise OtherContent(file)
        # It may have been copied there, and be on no disk yet.
        _sync(path)
    else:
        part.rename(path)
    witness("sync folders")
    for each in (path.parent, path.parent.parent, folder):
        _sync(each)
    return WrittenFile(hash_of(path), path.stat().st_size)


def _same(path: Path, other: Path) -> bool:
    with suppress(OSError, EOFError, zlib.error):
        return all(one == two for one, two in zip(_lines(path), _lines(other), strict=True))
    return False


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def hash_of(path: Path) -> bytes:
    """Return the SHA-256 of a file. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as raw:
        while block := raw.read(BLOCK_BYTES):
            digest.update(block)
    return digest.digest()


def _lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as file:
        for line in file:
            yield line.rstrip(b"\n")


def read(path: Path) -> Iterator[ArchivedRow]:
    """Give the entries of a file, in order. Raises OSError, EOFError, ValueError, KeyError for what is no such file."""
    for line in _lines(path):
        yield ArchivedRow(_entry_of(orjson.loads(line)), line)


_COLUMNS: Final = (
    "account_id",
    "credit_type",
    "version",
    "kind",
    "amount",
    "available_delta",
    "reserved_delta",
    "debt_delta",
    "available_after",
    "reserved_after",
    "debt_after",
    "slices",
    "reservation_id",
    "reservation_state",
    "reservation_captured",
    "reservation_refunded",
    "reservation_expire_time",
    "request_id",
    "ordinal",
    "fingerprint",
    "actor",
    "reason",
    "metadata",
    "create_time",
    "graces",
    "spender_id",
    "hour_delta",
    "day_delta",
    "correlation_id",
)
"""In the order in which a row is read; those that are null are not in a line."""


def _entry_of(document: dict[str, Any]) -> Entry:
    return entry_from([document.get(name) for name in _COLUMNS])
