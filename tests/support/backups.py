"""Backups for tests: a manifest and a folder of them, without a database; and files of a log."""

import struct
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from creditd.backup import manifest
from creditd.backup.backup_folder import BackupFolder, name_of
from creditd.backup.log_positions import LogSegment, segment_name
from creditd.backup.manifest import Manifest, StoredFile, encrypted_with
from creditd.backup.stored_files import StoredWriter, suffix

MIB = 1 << 20
SYSTEM = "7400000000000000001"

MANIFEST = Manifest(
    name="20261129T050102Z",
    started="2026-11-29T05:01:02+00:00",
    ended="2026-11-29T05:01:09+00:00",
    creditd_version="0.1.0",
    server_version=180_004,
    system_identifier=SYSTEM,
    superuser="postgres",
    timeline=1,
    segment_bytes=16 * MIB,
    start_lsn="0/2000028",
    end_lsn="0/3000000",
    databases=("creditd",),
    revisions={"creditd": "0043"},
    ledger_head="",
    encryption="",
    key_id="",
    files=(),
)


def add_backup(folder: BackupFolder, began: datetime, key: bytes | None = None) -> Manifest:
    """Add a complete backup of nothing that began then."""
    name, unfinished = folder.begin(began)
    file = unfinished / f"base.tar{suffix(key)}"
    writer = StoredWriter(file, key, f"{name}/base.tar")
    writer.write(b"what there was")
    writer.close()
    stored = StoredFile(file.name, writer.size, writer.sha256)
    times = began.astimezone(UTC).isoformat()
    made = encrypted_with(replace(MANIFEST, name=name_of(began), started=times, ended=times, files=(stored,)), key)
    manifest.write(unfinished / manifest.NAME, made, key)
    folder.finish(name)
    return made


def log_segment(folder: Path, number: int, timeline: int = 1, content: bytes = b"log") -> Path:
    """Write a segment as PostgreSQL has it."""
    segment_bytes = MANIFEST.segment_bytes
    header = struct.pack("=HHIQI4xQ", 0xD118, 2, timeline, number * segment_bytes, 0, int(SYSTEM))
    path = folder / segment_name(LogSegment(timeline, number), segment_bytes)
    path.write_bytes((header + content).ljust(1_000, b"\0"))
    return path
