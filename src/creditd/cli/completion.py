"""``creditd completion``: a script that has bash, zsh or fish complete commands, options and their values.

Put it where the shell looks for such scripts, as the examples do, and begin a new shell. It knows the commands, the
methods and the settings of the version that printed it: print it anew after an upgrade.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import shtab

from creditd.cli.arguments import Arguments, OneOf, one_of
from creditd.cli.main import COMMANDS, command_module
from creditd.cli.output import DONE, CommandFailure, say

SHELLS: Final = ("bash", "zsh", "fish")

_FOLDERS: Final = frozenset({"folder", "postgres_bin", "scratch", "target"})
"""Arguments that are folders; others that are paths are files."""

_FILES: Final = frozenset({"FILE"})
"""How arguments that are files are shown, where their type does not say so."""


def command(argv: Sequence[str]) -> int:
    """Print the script."""
    arguments = command_parser().parsed(argv)
    say(shtab.complete(_whole(), arguments.shell).rstrip())
    return DONE


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("completion", __doc__)
    parser.add_argument("shell", type=one_of(SHELLS), metavar="bash|zsh|fish", help="the shell that is to complete")
    return parser


def _whole() -> argparse.ArgumentParser:
    """Return one parser of all commands, of which each argument says how it is completed."""
    whole = argparse.ArgumentParser("creditd")
    whole.add_argument("--version", action="store_true", help="show the version")
    parsers: dict[str, argparse.ArgumentParser] = {}

    def parser_of(**options: Any) -> argparse.ArgumentParser:
        return parsers[options["prog"].rpartition(" ")[2]]

    # Where argparse would make a parser, it gets the one that there is.
    commands: Any = whole.add_subparsers(parser_class=cast("Any", parser_of), metavar="COMMAND")
    for name, does in COMMANDS.items():
        try:
            parsers[name] = _completed(command_module(name).command_parser(), does)
        except CommandFailure:
            # Of the development part, which is not installed.
            continue
        commands.add_parser(name, help=does)
    parsers["help"] = argparse.ArgumentParser("creditd help", add_help=False)
    parsers["help"].add_argument("name", choices=tuple(COMMANDS), help="whose help to show")
    commands.add_parser("help", help="show what a command takes")
    return whole


def _completed(parser: Arguments, does: str) -> Arguments:
    """Return a parser whose arguments say how they are completed; it parses no more."""
    parser.description = does
    for argument in _arguments_of(parser):
        if argument.nargs == argparse.OPTIONAL:
            # Else the one after it is never reached.
            argument.nargs = None
        if argument.dest in parser.completed:
            argument.choices = tuple(parser.completed[argument.dest]())
        elif isinstance(argument.type, OneOf):
            argument.choices = argument.type.words
        elif argument.dest in _FOLDERS:
            _set_completion(argument, shtab.DIRECTORY)
        elif argument.type is Path or argument.metavar in _FILES:
            _set_completion(argument, shtab.FILE)
    return parser


def _arguments_of(parser: argparse.ArgumentParser) -> Iterable[argparse.Action]:
    # The standard library has no other way to learn of them.
    return parser._actions  # noqa: SLF001


def _set_completion(argument: argparse.Action, completion: Any) -> None:
    # How shtab is told.
    vars(argument)["complete"] = completion
