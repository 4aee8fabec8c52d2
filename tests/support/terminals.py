"""A folder as a reader of the documents has it, and the terminals in which their commands are pasted.

What stands for something of the reader's is put in its place, the same each time in one document:

- `127.0.0.1:50051`, and any other port from 1024 on of a local address: a port that is free
- `postgresql://user:password@host/name`: the same user and database on the document's own PostgreSQL
- `creditd` and `.venv/bin/creditd`: this one; what serves goes on in a terminal of its own
- `~`: a home of the document's own, which is empty
- `psql`, `make run` and `grpcurl`: the embedded PostgreSQL's, the command in the Makefile, and buf
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from creditd.development.postgres import program
from tests.support.document_blocks import ROOT, Block
from tests.support.patience import eventually
from tests.support.ports import free_address
from tests.support.programs import Creditd

SHIMS: Final = Path(__file__).with_name("terminal")

PATIENCE_SECONDS: Final = 100.0
"""For one block, on a machine that is busy with other things."""

SETTINGS_OF_PORTS: Final = {
    "CREDITD_LISTEN": "50051",
    "CREDITD_WEBHOOKS_LISTEN": "8080",
    "CREDITD_FAKES_LISTEN": "8082",
    "CREDITD_WEBHOOKS_SERVICE": "50051",
    "CREDITD_CONSOLE_LISTEN": "8081",
    "CREDITD_CONSOLE_SERVICE": "50051",
    "CREDITD_METRICS_LISTEN": "9464",
}

_LOCAL_PORT: Final = re.compile(r"\b(127\.0\.0\.1|localhost|0\.0\.0\.0):(\d{4,5})\b")
_DATABASE: Final = re.compile(r"postgresql://([\w.-]+)(?::[^@\s/]*)?@[\w.,:-]+/(\w+)(\?[^\s'\"`]*)?")


@dataclass
class Terminals:
    """Where the commands of one document run, one after the other."""

    folder: Path
    ports: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        programs = self.folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        for name in ("terminals", "home"):
            (self.folder / name).mkdir()
        (programs / "creditd").symlink_to(SHIMS / "creditd")
        for name in ("buf", "python"):
            (programs / name).symlink_to(Path(sys.executable).with_name(name))
        for name in ("protos", "docs", "Makefile"):
            (self.folder / name).symlink_to(ROOT / name)

    def has_run(self) -> bool:
        """Tell whether a service was started."""
        return any(self._terminals("pid"))

    def paste(self, block: Block) -> None:
        """Run a block of `sh`, `sql` or `python`; fail the test, with what was said, if a command fails."""
        command = {
            "sh": ["/bin/sh", "-eu"],
            "sql": [str(program("psql")), "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "--quiet", "postgres"],
            "python": [sys.executable, "-"],
        }[block.language]
        with (self.folder / "terminals" / "output").open("w+b") as output:
            done = subprocess.run(
                command,
                input=self.filled(block.text).encode(),
                cwd=self.folder,
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=PATIENCE_SECONDS,
            )
            output.seek(0)
            said = output.read().decode()
        assert done.returncode == 0, f"{block.place} ends with {done.returncode}:\n{block.text}\n{said}"

    def filled(self, text: str) -> str:
        """Return a text with what is this folder's in place of what is the reader's."""
        text = _LOCAL_PORT.sub(lambda found: f"{found[1]}:{self._port(found[2])}", text)
        return _DATABASE.sub(lambda found: self._database(found[1], found[2]), text)

    def environment(self) -> dict[str, str]:
        """Return the environment of a terminal."""
        own = Creditd(self.folder).environment()
        path = os.pathsep.join([str(SHIMS), str(program("psql").parent), str(Path(sys.executable).parent), own["PATH"]])
        listening = {name: f"127.0.0.1:{self._port(port)}" for name, port in SETTINGS_OF_PORTS.items()}
        return (
            own
            | listening
            | {
                "PATH": path,
                "HOME": str(self.folder / "home"),
                "PGHOST": str(self._socket_folder()),
                "PGUSER": "postgres",
                "CREDITD_TEST_TERMINAL": str(self.folder / "terminals"),
                "CREDITD_TEST_PYTHON": sys.executable,
                "CREDITD_TEST_ROOT": str(ROOT),
            }
        )

    def close(self) -> None:
        """End all that serves, last things first, as an operator does; fail the test unless each ends in order."""
        for file in sorted(self._terminals("pid"), key=lambda file: int(file.stem), reverse=True):
            ended = file.with_suffix(".exit")
            if not ended.exists():
                os.kill(int(file.read_text(encoding="ascii")), signal.SIGTERM)
            eventually(ended.exists, PATIENCE_SECONDS)
            said = file.with_suffix(".said").read_text(encoding="utf-8")
            assert ended.read_text(encoding="ascii") == "0", said

    def _terminals(self, kind: str) -> Iterator[Path]:
        return (self.folder / "terminals").glob(f"*.{kind}")

    def _socket_folder(self) -> Path:
        return self.folder / ".creditd" / "postgres" / "socket"

    def _port(self, documented: str) -> str:
        if documented not in self.ports:
            self.ports[documented] = free_address().rpartition(":")[2]
        return self.ports[documented]

    def _database(self, user: str, name: str) -> str:
        return f"postgresql://{user}@/{name}?host={quote(str(self._socket_folder()), safe='/')}"


@contextmanager
def terminals(folder: Path) -> Iterator[Terminals]:
    """Give the terminals of one document until the block ends; whatever serves then is ended."""
    opened = Terminals(folder)
    try:
        yield opened
    finally:
        opened.close()
