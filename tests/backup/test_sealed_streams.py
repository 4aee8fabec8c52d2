"""Encrypted streams: what was written comes back, and nothing else does."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditd.backup.sealed_streams import (
    HEADER_BYTES,
    SEGMENT_BYTES,
    InvalidBackupKey,
    OpeningReader,
    SealingWriter,
    Unsealable,
    read_key,
)

pytestmark = pytest.mark.requirement("I3")

KEY = bytes(range(32))
CONTENT = bytes(range(256)) * (3 * SEGMENT_BYTES // 256)


def sealed(content: bytes, key: bytes = KEY, name: str = "a/base.tar") -> bytes:
    out = io.BytesIO()
    writer = SealingWriter(out, key, name)
    for start in range(0, len(content), 100_000):
        writer.write(content[start : start + 100_000])
    writer.close()
    return out.getvalue()


def opened(stored: bytes, key: bytes = KEY, name: str = "a/base.tar") -> bytes:
    return OpeningReader(io.BytesIO(stored), key, name).read()


SEALED = sealed(CONTENT)
SEGMENTS = [SEALED[start : start + SEGMENT_BYTES] for start in range(0, len(SEALED), SEGMENT_BYTES)]


@pytest.mark.parametrize(
    "size",
    [0, 1, SEGMENT_BYTES - HEADER_BYTES - 17, SEGMENT_BYTES - HEADER_BYTES - 16, SEGMENT_BYTES - HEADER_BYTES - 15],
)
def test_what_was_written_comes_back(size: int) -> None:
    """Around the end of the first segment too, where another begins or does not."""
    assert opened(sealed(CONTENT[:size])) == CONTENT[:size]


def test_it_comes_back_in_pieces() -> None:
    """As many as are asked for, or fewer."""
    reader = OpeningReader(io.BytesIO(SEALED), KEY, "a/base.tar")
    pieces = list(iter(lambda: reader.read(70_000), b""))
    assert b"".join(pieces) == CONTENT
    assert max(map(len, pieces)) == 70_000


@settings(deadline=None)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_a_byte_that_was_changed_is_noticed(place: int, change: int) -> None:
    stored = bytearray(SEALED)
    stored[place] ^= change
    with pytest.raises(Unsealable):
        opened(bytes(stored))


@pytest.mark.parametrize(
    "stored",
    [
        b"".join(SEGMENTS[:-1]),
        b"".join([SEGMENTS[0], SEGMENTS[2], SEGMENTS[1], *SEGMENTS[3:]]),
        b"".join([SEGMENTS[0], SEGMENTS[1], SEGMENTS[1], *SEGMENTS[2:]]),
        b"".join([SEGMENTS[0], *SEGMENTS[2:]]),
        SEALED[:-1],
        SEALED + b"\0",
        SEALED[:HEADER_BYTES],
        SEALED[:10],
        b"",
    ],
    ids=["cut", "in another order", "doubled", "left out", "a byte short", "a byte long", "header", "less", "nothing"],
)
def test_segments_that_were_cut_moved_or_doubled_are_noticed(stored: bytes) -> None:
    with pytest.raises(Unsealable):
        opened(stored)


def test_another_key_or_another_name_does_not_open_it() -> None:
    with pytest.raises(Unsealable):
        opened(SEALED, KEY[::-1])
    with pytest.raises(Unsealable):
        opened(SEALED, KEY, "b/base.tar")


def test_the_same_is_never_stored_as_the_same() -> None:
    assert sealed(b"same") != sealed(b"same")


@pytest.mark.parametrize("content", ["", "00" * 31, "00" * 33, "no digits", "é"])
def test_a_key_is_64_hexadecimal_digits(content: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidBackupKey, match="64 hexadecimal digits"):
        read_key(file)
    file.write_text(f"{KEY.hex()}\n", encoding="ascii")
    assert read_key(file) == KEY
