"""How a command gives up: one line that says why, and an exit code."""

from typing import Final

DONE: Final = 0
FAILED: Final = 1
MISUSED: Final = 2
"""Of the command line and of settings, as argparse has it, a port that is taken and a folder that cannot be had among
them: trying again without a change is of no use."""

INTERRUPTED: Final = 130
"""As shells have it for Ctrl-C."""

SIGNALLED: Final = 128
"""Plus the number of the signal that ended a process at once, as shells have it."""


class Failure(Exception):
    """A command cannot do what it was asked; the message is for the person at the terminal."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
