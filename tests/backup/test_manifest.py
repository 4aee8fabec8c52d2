"""Manifests: what was written is read, and what was changed is refused."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from creditd.backup import manifest
from creditd.backup.manifest import BrokenBackup, StoredFile, encrypted_with
from tests.support.backups import MANIFEST

pytestmark = pytest.mark.requirement("I3")

KEY = bytes(32)
FILES = (StoredFile("base.tar.gz", 12, "ab" * 32),)


@pytest.mark.parametrize("key", [None, KEY])
def test_what_was_written_is_read(key: bytes | None, tmp_path: Path) -> None:
    written = encrypted_with(replace(MANIFEST, files=FILES), key)
    manifest.write(tmp_path / manifest.NAME, written, key)
    assert manifest.proved(tmp_path / manifest.NAME, key) == written


@settings(deadline=None)
@given(st.data(), st.sampled_from([None, KEY]))
def test_a_byte_that_was_changed_is_noticed_and_the_file_is_named(data: st.DataObject, key: bytes | None) -> None:
    """Unless what it says is the same."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / manifest.NAME
        written = encrypted_with(replace(MANIFEST, files=FILES), key)
        manifest.write(path, written, key)
        content = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        # Between two words any space is as good.
        assume(content[place] not in b" \n")
        content[place] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        with pytest.raises(BrokenBackup, match=r"manifest\.json"):
            manifest.proved(path, key)


def test_another_key_is_told_apart(tmp_path: Path) -> None:
    """By a number that says nothing of it; and one that is missing, or one too many."""
    path = tmp_path / manifest.NAME
    manifest.write(path, encrypted_with(MANIFEST, KEY), KEY)
    with pytest.raises(BrokenBackup, match=r"encrypted with the key [0-9a-f]{16}, not with"):
        manifest.proved(path, b"1" * 32)
    with pytest.raises(BrokenBackup, match="name the file of the key"):
        manifest.proved(path, None)
    manifest.write(path, MANIFEST, None)
    with pytest.raises(BrokenBackup, match="leave the key out"):
        manifest.proved(path, KEY)


def test_without_the_key_nobody_writes_a_manifest_that_holds(tmp_path: Path) -> None:
    path = tmp_path / manifest.NAME
    manifest.write(path, encrypted_with(MANIFEST, KEY), None)
    with pytest.raises(BrokenBackup, match="not what was written"):
        manifest.proved(path, KEY)
