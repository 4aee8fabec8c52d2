"""A terminal of a given width, whose screen is read by a test."""

import errno
import fcntl
import os
import pty
import struct
import subprocess
import termios
from dataclasses import dataclass

from tests.support.programs import COMMAND, PATIENCE_SECONDS, Creditd

LINES = 24


@dataclass
class Shown:
    """What a command that has ended showed."""

    returncode: int
    screen: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        """The lines on the screen."""
        return self.screen.splitlines()


def on_terminal(creditd: Creditd, *arguments: str, columns: int = 80, **environment: str) -> Shown:
    """Run a command whose standard output, and nothing else, is a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    variables = creditd.environment()
    for name in ("COLUMNS", "NO_COLOR"):
        variables.pop(name, None)
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=creditd.folder,
        env=variables | {"TERM": "xterm"} | environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    screen = _read(ours)
    os.close(ours)
    _, stderr = process.communicate(timeout=PATIENCE_SECONDS)
    return Shown(process.returncode, screen.replace("\r\n", "\n"), stderr.decode())


def _read(terminal: int) -> str:
    """Return all that is written until nobody has the terminal open any more."""
    read = b""
    while True:
        try:
            read += os.read(terminal, 1 << 16)
        except OSError as error:
            # On Linux that is an error, not an end; a test's time that is up is another.
            if error.errno != errno.EIO:
                raise
            return read.decode()
