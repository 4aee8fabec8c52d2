"""Finds the command that is wanted, and turns how it ended into an exit code."""

import errno
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Final

from creditd import __version__
from creditd.cli.output import DONE, FAILED, INTERRUPTED, MISUSED, CommandFailure, remark, say
from creditd.cli.signals import signals_as_interrupts
from creditd.config import ConfigError, nearest

COMMANDS: Final[Mapping[str, str]] = {
    "run": "start everything that development needs: PostgreSQL, its schema, the service",
    "demo": "show what the service does, on a server of its own that is gone afterwards",
    "call": "call an RPC with JSON, or list all of them",
    "token": "sign a token for development",
    "certs": "make certificates for development, and the authority that signs them",
    "serve": "serve, as in production",
    "webhooks": "take the payment providers' webhooks in, and pass them on to the service",
    "console": "serve staff their pages, which call the service for them",
    "reconcile": "compare a payment provider with what the service knows",
    "audit": "hand out the head of the audit chain, or verify all that is sealed",
    "rollup": "add usage up anew from the ledger, while servers serve",
    "archive": "move old entries of the ledger to files, verify the files, or read them back",
    "import": "bring accounts and balances in from files, once it was seen what that would do",
    "export": "write all accounts and balances to files that import takes",
    "backup": "copy the whole database server to a folder, and keep the last ones",
    "restore": "bring a backup back to an empty folder, up to an instant",
    "drill": "restore a backup to a scratch place, prove it, and leave nothing",
    "migrate": "bring the database's schema up to date",
    "config": "check the settings, and show where each comes from",
    "keys": "list or rotate the keys that access tokens are signed with",
    "admin": "make the first administrator",
}

DEVELOPMENT: Final = frozenset({"run", "demo", "token", "certs"})
"""Commands of the part ``development``, which an installation for production may lack."""

_MODULES: Final[Mapping[str, str]] = {"import": "imports"}
"""Where the module of a command cannot have its name, which is a word of Python's."""

_ABOUT: Final = ("-h", "--help", "help", "--version")

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
"""Of errors that are no defect of ours wherever a file is written."""

Command = Callable[[Sequence[str]], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code: 0 done, 1 failed, 2 misused or misconfigured, 130 by Ctrl-C."""
    name, *arguments = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in _ABOUT:
        say(f"creditd {__version__}" if name == "--version" else _usage())
        return DONE
    try:
        with signals_as_interrupts():
            return _command(name)(arguments)
    except (CommandFailure, ConfigError) as failure:
        remark(f"creditd {name}: {failure}")
        return failure.exit_code if isinstance(failure, CommandFailure) else MISUSED
    except KeyboardInterrupt:
        remark(f"creditd {name}: interrupted before it was done")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough (`| head`). What is left goes nowhere, without another complaint.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        remark(f"creditd {name}: {error.filename or 'a file cannot be written'}: {error.strerror}")
        return FAILED


def _usage() -> str:
    lines = [f"  {name:10}{does}" for name, does in COMMANDS.items()]
    return "\n".join(["usage: creditd COMMAND ...   (creditd COMMAND --help says more)", "", *lines])


def _command(name: str) -> Command:
    if name not in COMMANDS:
        raise CommandFailure(f"there is no such command; {nearest(name, COMMANDS)}", MISUSED)
    package = "creditd.development.commands" if name in DEVELOPMENT else "creditd.cli"
    try:
        command: Command = import_module(f"{package}.{_MODULES.get(name, name)}").command
    except ModuleNotFoundError as error:
        if name not in DEVELOPMENT:
            raise
        raise CommandFailure(f"{error.name} is not installed: pip install 'creditd[development]'") from error
    return command
