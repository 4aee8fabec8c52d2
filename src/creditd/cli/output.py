"""The output of commands: results on standard output, remarks on standard error, failures and exit codes."""

import sys
from typing import Final

from creditd.cli.printable import printable_lines

DONE: Final = 0
FAILED: Final = 1
MISUSED: Final = 2
"""Of the command line and of settings, as argparse has it, a port that is taken and a folder that cannot be had among
them: trying again without a change is of no use."""

INTERRUPTED: Final = 130
"""As shells have it for Ctrl-C."""

SIGNALLED: Final = 128
"""Plus the number of the signal that ended a process at once, as shells have it."""


class CommandFailure(Exception):
    """A command cannot do what it was asked; the message is for the person at the terminal."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def say(text: str = "") -> None:
    """Write a result and flush it: another program may be reading it. What would steer a terminal is written out."""
    say_styled(printable_lines(text))


def say_styled(text: str) -> None:
    """Write a result that has colours of ours; all else in it has to be printable."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def remark(text: str) -> None:
    """Write a remark: anything but the result itself."""
    sys.stderr.write(f"{printable_lines(text)}\n")
    sys.stderr.flush()
