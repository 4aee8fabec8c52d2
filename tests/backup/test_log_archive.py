"""The archived log: each file once and whole, no gap, and only what a backup needs."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditd.backup import log_archive
from creditd.backup.log_archive import OtherSegment
from creditd.backup.log_positions import LogSegment, position, segment_at, segment_name, segment_of
from creditd.backup.manifest import BrokenBackup
from tests.support.backups import MANIFEST, MIB, SYSTEM, log_segment

pytestmark = pytest.mark.requirement("I3")

KEY = bytes(32)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "pg_wal"
    folder.mkdir()
    return folder


def archived(folder: Path) -> list[str]:
    return [file.name for file in log_archive.files(log_archive.folder_of(folder, SYSTEM))]


@pytest.mark.parametrize("key", [None, KEY])
def test_a_file_is_taken_once_and_comes_back(key: bytes | None, log: Path, tmp_path: Path) -> None:
    segment = log_segment(log, 3)
    for _ in range(2):
        log_archive.archive(segment, tmp_path, key)
    assert archived(tmp_path) == [segment.name]
    (file,) = log_archive.files(log_archive.folder_of(tmp_path, SYSTEM))
    log_archive.require_whole(file)
    log_archive.put(file, tmp_path, key)
    assert (tmp_path / segment.name).read_bytes() == segment.read_bytes()


def test_another_file_of_the_same_name_is_refused(log: Path, tmp_path: Path) -> None:
    """Two servers that were one would overwrite each other's log."""
    log_archive.archive(log_segment(log, 3), tmp_path, None)
    with pytest.raises(OtherSegment, match="000000010000000000000003"):
        log_archive.archive(log_segment(log, 3, content=b"other"), tmp_path, None)


def test_a_history_goes_with_the_log_of_its_server(log: Path, tmp_path: Path) -> None:
    """It says itself of no server; and what is no file of a log is refused."""
    history = log / "00000002.history"
    history.write_text("1\t0/3000000\tno recovery target specified\n")
    with pytest.raises(ValueError, match="which server"):
        log_archive.archive(history, tmp_path, None)
    log_segment(log, 3)
    log_archive.archive(history, tmp_path, None)
    assert archived(tmp_path) == ["00000002.history"]
    with pytest.raises(ValueError, match="no file of PostgreSQL's"):
        log_archive.archive(log / "passwords", tmp_path, None)


def test_a_changed_byte_is_refused_and_the_file_is_named(log: Path, tmp_path: Path) -> None:
    log_archive.archive(log_segment(log, 3), tmp_path, None)
    (file,) = log_archive.files(log_archive.folder_of(tmp_path, SYSTEM))
    content = bytearray(file.path.read_bytes())
    content[len(content) // 2] ^= 1
    file.path.write_bytes(content)
    with pytest.raises(BrokenBackup, match="000000010000000000000003"):
        log_archive.require_whole(file)


def test_a_backup_is_given_what_follows_from_it_and_a_gap_is_refused(log: Path, tmp_path: Path) -> None:
    """The backup itself has the log from segment 2 to 3: of those that are archived none need be there."""
    folder = log_archive.folder_of(tmp_path, SYSTEM)
    for number in (1, 4, 5):
        log_archive.archive(log_segment(log, number), tmp_path, None)
    assert [file.name[-2:] for file in log_archive.after(MANIFEST, folder)] == ["04", "05"]
    log_archive.archive(log_segment(log, 7), tmp_path, None)
    with pytest.raises(BrokenBackup, match="000000010000000000000006 is missing"):
        log_archive.after(MANIFEST, folder)
    log_archive.archive(log_segment(log, 6, timeline=2), tmp_path, None)
    assert [file.name[-2:] for file in log_archive.after(MANIFEST, folder)] == ["04", "05", "07", "06"]


def test_what_no_backup_needs_is_forgotten(log: Path, tmp_path: Path) -> None:
    (log / "00000002.history").write_text("1\t0/3000000\tno recovery target specified\n")
    for number in (1, 2, 3):
        log_archive.archive(log_segment(log, number), tmp_path, None)
    log_archive.archive(log / "00000002.history", tmp_path, None)
    assert log_archive.forget_before(log_archive.folder_of(tmp_path, SYSTEM), MANIFEST) == 1
    assert archived(tmp_path) == ["000000010000000000000002", "000000010000000000000003", "00000002.history"]
    later = replace(MANIFEST, start_lsn="0/4000000")
    assert log_archive.forget_before(log_archive.folder_of(tmp_path, SYSTEM), later) == 2


@pytest.mark.parametrize("key", [None, KEY])
def test_a_segment_lies_with_those_of_its_log_number_alone(key: bytes | None, log: Path, tmp_path: Path) -> None:
    """So that whoever takes the next one looks at these, and not at all that were ever archived."""
    folder = log_archive.folder_of(tmp_path, SYSTEM)
    names = []
    for number in (255, 256, 257, 512):
        log_archive.archive(segment := log_segment(log, number), tmp_path, key)
        names.append(segment.name)
    assert {place.name: len(list(place.iterdir())) for place in folder.iterdir()} == {
        "0000000100000000": 1,
        "0000000100000001": 2,
        "0000000100000002": 1,
    }
    assert archived(tmp_path) == names
    for file in log_archive.files(folder):
        log_archive.require_whole(file)
        log_archive.put(file, tmp_path, key)
        assert (tmp_path / file.name).read_bytes() == (log / file.name).read_bytes()
    with pytest.raises(OtherSegment):
        log_archive.archive(log_segment(log, 256, content=b"other"), tmp_path, key)
    later = replace(MANIFEST, start_lsn="2/0")
    assert log_archive.forget_before(folder, later) == 3
    assert [place.name for place in folder.iterdir()] == ["0000000100000002"]


@settings(deadline=None)
@given(st.integers(1, 2**32 - 1), st.integers(0, 2**33), st.sampled_from([1, 16, 64, 1024]))
def test_a_segment_is_named_as_postgresql_names_it(timeline: int, number: int, mebibytes: int) -> None:
    name = segment_name(LogSegment(timeline, number), mebibytes * MIB)
    assert segment_of(name, mebibytes * MIB) == (timeline, number)
    assert len(name) == 24


def test_positions_are_postgresqls() -> None:
    """As pg_walfile_name has it."""
    assert position("1/A0000028") == (1 << 32) + 0xA0000028
    assert segment_name(LogSegment(1, segment_at("1/A0000028", 16 * MIB)), 16 * MIB) == "0000000100000001000000A0"
