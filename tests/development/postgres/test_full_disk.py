"""A disk that is really full: PostgreSQL dies of it, says so, and is back with every row once there is room.

Where this user may mount one, it is a small file system of its own. Everywhere it is the system's limit on the size of
files, which PostgreSQL meets at the same places. Where root runs this, also as a user who is not.
"""

import json
import os
import pwd
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import psutil
import psycopg
import pytest

from creditd.cli.main import main
from creditd.development.postgres import EmbeddedPostgresError, embedded_postgres
from creditd.development.postgres.programs import Owner, as_owner
from tests.support.patience import eventually

IS_ROOT = os.geteuid() == 0

PATIENCE_SECONDS = 60.0

DISK_BYTES = 160 * 1024 * 1024
"""Room for a cluster, and for some segments of its log of 16 MiB each."""

SMALL_FILE_BYTES = 65_536
"""Less than almost any file of PostgreSQL's."""

MOST_SEGMENTS = 100
"""Far more than fit on the disk."""

RUN = """
import json, logging, resource, sys
from pathlib import Path
import psycopg
from creditd.development.postgres import embedded_postgres

def done(url, said):
    if said.isdigit() or said == "-1":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(said), resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        return []
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(said)
            return cursor.fetchall() if cursor.description else []
    except psycopg.Error:
        return None

logging.basicConfig(format="%(message)s")
with embedded_postgres(Path(sys.argv[1]), settings={"fsync": "off"}, revived=True) as url:
    print(json.dumps([]), flush=True)
    for line in sys.stdin:
        print(json.dumps(done(url, line.strip())), flush=True)
"""
"""Limits the size of its own files and of those of what it starts, and executes statements: nobody else may."""

MOUNT, UMOUNT = shutil.which("mount") or "", shutil.which("umount") or ""


def can_mount() -> bool:
    """Tell whether this user may mount a file system."""
    if not IS_ROOT or not MOUNT or not UMOUNT:
        return False
    with TemporaryDirectory() as folder:
        done = subprocess.run([MOUNT, "-t", "tmpfs", "none", folder], stderr=subprocess.DEVNULL, check=False)
        if not done.returncode:
            subprocess.run([UMOUNT, folder], check=True)
    return not done.returncode


Limit = Callable[[int], None]
"""Limits the size of a process's files, and of those of what it starts from then on."""


class Room(NamedTuple):
    """Where data are kept, and how there is room or none for the files of a process."""

    folder: Path
    to_do: str
    take: Callable[[Limit], None]
    give: Callable[[Limit], None]
    heeded_when_running: bool


@contextmanager
def small_disk(folder: Path) -> Iterator[Room]:
    """Mount a small disk, and fill it with another file."""
    subprocess.run([MOUNT, "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", folder], check=True)
    filler = folder / "filler"

    def fill(limit: Limit) -> None:
        del limit
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65_536))

    def free(limit: Limit) -> None:
        del limit
        filler.unlink()

    try:
        yield Room(folder, "the disk of {} is full: make room there", fill, free, heeded_when_running=True)
    finally:
        subprocess.run([UMOUNT, "--lazy", folder], check=True)


@contextmanager
def small_files(folder: Path) -> Iterator[Room]:
    """Limit the size of files."""
    to_do = "the files in {} may not become as large as they have to: raise the limit (ulimit -f)"
    before, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield Room(
        folder, to_do, lambda limit: limit(SMALL_FILE_BYTES), lambda limit: limit(before), heeded_when_running=False
    )


KINDS = {"small files": small_files} | ({"small disk": small_disk} if can_mount() else {})


@pytest.fixture(params=KINDS)
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    """Provide a folder in which there may be room or none."""
    with TemporaryDirectory(prefix="creditd-full-") as folder, KINDS[request.param](Path(folder)) as room:
        Path(folder).chmod(0o700)
        yield room


class Running(NamedTuple):
    """An embedded PostgreSQL that is watched, in a process of its own."""

    process: "subprocess.Popen[str]"
    said: Path

    def ask(self, statement: str) -> list[list[Any]] | None:
        """Execute a statement; return its rows, or None if it failed or PostgreSQL is away."""
        assert self.process.stdin
        self.process.stdin.write(f"{statement}\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> list[list[Any]] | None:
        """Return what comes next."""
        assert self.process.stdout
        rows: list[list[Any]] | None = json.loads(self.process.stdout.readline())
        return rows

    def limit(self, most: int) -> None:
        """Limit the size of its files, and of those of what it starts."""
        assert self.ask(str(most)) == []

    def write(self, number: int) -> bool:
        """Commit a row, have the next one begin another segment of PostgreSQL's log; tell whether the row is kept."""
        kept = self.ask(f"INSERT INTO numbers VALUES ({number})") is not None  # noqa: S608 - a number.
        self.ask("SELECT 1 FROM pg_switch_wal()")
        return kept

    def numbers(self) -> list[int]:
        """Return all rows; none while PostgreSQL does not answer."""
        return [number for (number,) in self.ask("SELECT number FROM numbers ORDER BY 1") or ()]

    def written_until_it_dies(self) -> list[int]:
        """Write rows until PostgreSQL takes no more; return those that it has acknowledged."""
        written = list(takewhile(self.write, range(MOST_SEGMENTS)))
        assert len(written) < MOST_SEGMENTS
        return written


@contextmanager
def running(folder: Path, said: Path, owner: Owner | None) -> Iterator[Running]:
    """Run one as an owner, or as ourselves, until the block ends."""
    with said.open("ab") as output:
        process = subprocess.Popen(
            [*as_owner(owner, folder), sys.executable, "-c", RUN, str(folder)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    here = Running(process, said)
    try:
        assert here.answer() == []
        yield here
    finally:
        process.communicate(timeout=PATIENCE_SECONDS)


def kill(folder: Path) -> None:
    """Kill the PostgreSQL of a folder."""
    psutil.Process(int((folder / "cluster" / "postmaster.pid").read_text().split()[0])).kill()


def limit_ours(most: int) -> None:
    """Limit the size of our own files, and of those of what we start."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


USERS = {"ourselves": None} | ({"nobody": Owner(*pwd.getpwnam("nobody")[2:4])} if IS_ROOT else {})


@pytest.mark.parametrize("user", USERS)
def test_it_says_that_there_is_no_room_and_is_back_with_every_row_once_there_is(
    room: Room, user: str, tmp_path: Path
) -> None:
    theirs = room.folder / "theirs"
    theirs.mkdir()
    if owner := USERS[user]:
        os.chown(theirs, *owner)
    folder = theirs / "data"
    with running(folder, tmp_path / "said", owner) as here:
        here.ask("CREATE TABLE numbers (number int)")
        assert here.write(-1)
        room.take(here.limit)
        written = here.written_until_it_dies() if room.heeded_when_running else []
        if not room.heeded_when_running:
            kill(folder)
        told = f"PostgreSQL has died, and is started again; {room.to_do.format(folder)}, and it starts by itself"
        assert eventually(lambda: told in here.said.read_text(), PATIENCE_SECONDS)
        room.give(here.limit)
        kept = eventually(here.numbers, PATIENCE_SECONDS)
        # What was under way when it died may have been written without having been acknowledged.
        assert [*kept[: len(written) + 1]] == [-1, *written]
        assert len(kept) <= len(written) + 2
        assert here.write(MOST_SEGMENTS)
        assert here.numbers() == [*kept, MOST_SEGMENTS]


def test_a_start_without_room_says_what_to_do_in_one_line_and_the_next_one_is_as_ever(room: Room) -> None:
    """Of a new folder, and of one with data in it."""
    folder = room.folder / "data"
    for _ in range(2):
        with ExitStack() as until_the_end:
            room.take(limit_ours)
            until_the_end.callback(room.give, limit_ours)
            with pytest.raises(EmbeddedPostgresError) as refusal, embedded_postgres(folder, settings={"fsync": "off"}):
                pass
        assert room.to_do.format(folder) in str(refusal.value)
        assert str(refusal.value).endswith("and start again")
        assert "\n" not in str(refusal.value)
        with embedded_postgres(folder, settings={"fsync": "off"}) as url, psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS numbers ()")


def test_a_key_for_which_there_is_no_room_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of any other file that a command writes."""
    monkeypatch.setenv("CREDITD_DATA_DIR", str(tmp_path))
    before, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit_ours(0)
    try:
        code = main(["token", "--subject", "me"])
    finally:
        limit_ours(before)
    said = capsys.readouterr().err
    assert (code, said.count("\n")) == (1, 1)
    assert "File too large" in said
    assert main(["token", "--subject", "me"]) == 0
