"""What a backup says of itself: its files with their hashes, and what of which database it is."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from creditd.backup.sealed_streams import FORMAT, key_id, manifest_key

NAME: Final = "manifest.json"

VERSION: Final = 1
"""Of the form of manifests."""


class BrokenBackup(Exception):
    """A backup cannot be restored from; the message names the file, and says what is wrong with it."""


@dataclass(frozen=True)
class StoredFile:
    """A file of a backup as it is stored; ``size`` is in bytes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A backup. Times are the database's; log positions (LSN) are as PostgreSQL writes them.

    ``server_version`` is PostgreSQL's number, such as 180001. All that is needed for consistency lies between
    ``start_lsn`` and ``end_lsn``, and is in the backup. ``revisions`` are those of the schemas, ``ledger_head`` is the
    head of the audit chain, by the database's login as far as that one may read; empty where it may not.
    """

    name: str
    started: str
    ended: str
    creditd_version: str
    server_version: int
    system_identifier: str
    superuser: str
    timeline: int
    segment_bytes: int
    start_lsn: str
    end_lsn: str
    databases: tuple[str, ...]
    revisions: Mapping[str, str]
    ledger_head: str
    encryption: str
    key_id: str
    files: tuple[StoredFile, ...]
    version: int = VERSION

    @property
    def major(self) -> int:
        """PostgreSQL's major version."""
        return self.server_version // 10_000

    @property
    def ended_at(self) -> datetime:
        """When it ended."""
        return datetime.fromisoformat(self.ended)


def encrypted_with(manifest: Manifest, key: bytes | None) -> Manifest:
    """Return a manifest that says by which format and key its files are encrypted."""
    return replace(manifest, encryption=FORMAT if key else "", key_id=key_id(key) if key else "")


def write(path: Path, manifest: Manifest, key: bytes | None) -> None:
    """Write a manifest with its own hash, or under a key with what authenticates it."""
    document = asdict(manifest)
    content = {**document, "seal": _seal(document, key)}
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")


def read(path: Path) -> Manifest:
    """Return what a manifest says, without having it proved. Raises BrokenBackup."""
    return _parsed(path)[0]


def proved(path: Path, key: bytes | None) -> Manifest:
    """Return a manifest that is as it was written. Raises BrokenBackup."""
    manifest, document = _parsed(path)
    if manifest.encryption and key is None:
        raise BrokenBackup(f"{path}: the backup is encrypted: name the file of the key {manifest.key_id}")
    if manifest.encryption and key and key_id(key) != manifest.key_id:
        raise BrokenBackup(f"{path}: the backup is encrypted with the key {manifest.key_id}, not with {key_id(key)}")
    if key and not manifest.encryption:
        raise BrokenBackup(f"{path}: the backup is not encrypted, though a key is given: leave the key out")
    seal = document.pop("seal", "")
    if not hmac.compare_digest(str(seal), _seal(document, key)):
        raise BrokenBackup(f"{path}: it is not what was written")
    return manifest


def _parsed(path: Path) -> tuple[Manifest, dict[str, Any]]:
    try:
        document = orjson.loads(path.read_bytes())
        if document["version"] != VERSION:
            raise BrokenBackup(f"{path}: its form {document['version']} is not {VERSION}: a newer creditd wrote it")
        values = {name: value for name, value in document.items() if name != "seal"}
        values["files"] = tuple(StoredFile(**file) for file in values["files"])
        values["databases"] = tuple(values["databases"])
        manifest = Manifest(**values)
        datetime.fromisoformat(manifest.ended)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokenBackup(f"{path}: it cannot be read: {error}") from error
    return manifest, document


def _seal(document: Mapping[str, Any], key: bytes | None) -> str:
    canonical = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    if key:
        return hmac.new(manifest_key(key), canonical, hashlib.sha256).hexdigest()
    return hashlib.sha256(canonical).hexdigest()
