"""Finds the command that is wanted, and turns how it ended into an exit code."""

import errno
import io
import os
import platform
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

from creditd import __version__
from creditd.cli.examples import EXAMPLES, WITHOUT_COMMAND
from creditd.cli.help_text import columns, examples_text, listed
from creditd.cli.output import DONE, FAILED, INTERRUPTED, MISUSED, SIGNALLED, CommandFailure, remark, say
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
    "distribute": "turn a filled database into one that Citus distributes by account",
    "health": "ask the server of this machine whether it serves, for probes",
    "config": "check the settings, and show where each comes from",
    "keys": "list or rotate the keys that access tokens are signed with",
    "admin": "make the first administrator",
    "completion": "print what has a shell complete commands, options and values",
}

DEVELOPMENT: Final = frozenset({"run", "demo", "token", "certs"})
"""Commands of the part ``development``, which an installation for production may lack."""

_MODULES: Final[Mapping[str, str]] = {"import": "imports"}
"""Where the module of a command cannot have its name, which is a word of Python's."""

_HELP: Final = ("-h", "--help", "help")

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
"""Of errors that are no defect of ours wherever a file is written."""

Command = Callable[[Sequence[str]], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code: 0 done, 1 failed, 2 misused or misconfigured, 130 by Ctrl-C."""
    name, *arguments = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in _HELP and arguments:
        # `creditd help NAME`, as other programs have it.
        name, arguments = arguments[0], ["--help"]
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
        # Whoever read our output has seen enough (`| head`). What is left goes nowhere, without another complaint; but
        # it is not done: a verification that nobody listens to has verified nothing.
        _silence_output()
        return SIGNALLED + signal.SIGPIPE
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        remark(f"creditd {name}: {error.filename or 'a file cannot be written'}: {error.strerror}")
        if error.filename is None:
            _silence_output()
        return FAILED


def _silence_output() -> None:
    """Let what was not written yet go nowhere, where it would fail once more at the end of the process."""
    with suppress(io.UnsupportedOperation):
        # What stands in the place of a file fails no more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _told(text: str) -> int:
    say(text)
    return DONE


def _usage() -> str:
    width = columns()
    notes = (
        ("-h, --help", "show this; after a COMMAND, what that takes"),
        ("--version", "show the version"),
    )
    parts = [
        "usage: creditd COMMAND ...",
        listed(COMMANDS.items(), width),
        f"options:\n{listed(notes, width)}",
        examples_text(EXAMPLES[WITHOUT_COMMAND], width).rstrip(),
    ]
    return "\n\n".join(parts)


def _version() -> str:
    """Return the version, the newest migrations that it brings, and the Python that runs it."""
    # Late, for both bring SQLAlchemy along.
    from creditd.identity.storage.schema import IDENTITY  # noqa: PLC0415
    from creditd.storage.schema import schema_head  # noqa: PLC0415

    return "\n".join(
        [
            f"creditd {__version__}",
            f"schema {schema_head()}, identity's {schema_head(IDENTITY)}",
            f"Python {platform.python_version()}",
        ]
    )


def _command(name: str) -> Command:
    if name in _HELP:
        return lambda _: _told(_usage())
    if name == "--version":
        return lambda _: _told(_version())
    command: Command = command_module(name).command
    return command


def command_module(name: str) -> Any:
    """Return the module of a command, which has ``command`` and ``command_parser``. Raises CommandFailure."""
    if name not in COMMANDS:
        raise CommandFailure(f"there is no such command; {nearest(name, COMMANDS)}", MISUSED)
    package = "creditd.development.commands" if name in DEVELOPMENT else "creditd.cli"
    try:
        return import_module(f"{package}.{_MODULES.get(name, name)}")
    except ModuleNotFoundError as error:
        if name not in DEVELOPMENT:
            raise
        raise CommandFailure(f"{error.name} is not installed: pip install 'creditd[development]'") from error
