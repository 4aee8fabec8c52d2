"""The arguments of commands. A slip is told in one line, with the nearest that there is."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from creditd.cli.examples import EXAMPLES
from creditd.cli.help_text import HelpText, columns, examples_text
from creditd.cli.output import MISUSED, remark, say
from creditd.config import nearest
from creditd.telemetry.redaction import file_shown


class Arguments(argparse.ArgumentParser):
    """Parses the arguments of one command."""

    def __init__(self, command: str, description: str | None) -> None:
        """Parse for ``creditd`` and ``command``."""
        super().__init__(
            f"creditd {command}",
            # What marks code in docstrings would be odd on a terminal.
            description=(description or "").replace("``", "`"),
            allow_abbrev=False,
            formatter_class=HelpText,
        )
        self._examples = EXAMPLES.get(command, ())
        self.completed: dict[str, Callable[[], Iterable[str]]] = {}
        """What an argument can be, by its name, where its type does not say so: for completion alone."""

    def print_help(self, file: Any = None) -> None:
        """Print the help as a result."""
        del file
        say(self.format_help().rstrip())

    def format_help(self) -> str:
        """Return the help, with the examples of the command."""
        return f"{super().format_help()}\n{examples_text(self._examples, columns())}"

    def parsed(self, argv: Sequence[str]) -> argparse.Namespace:
        """Return the arguments. Ends the process with MISUSED and one line for those that cannot be used."""
        # Before argparse, which would ask for the option that was meant.
        for argument in argv:
            if argument == "--":
                break
            option = argument.partition("=")[0]
            if option.startswith("--") and option not in self._option_string_actions:
                options = (known for known in self._option_string_actions if known.startswith("--"))
                self.error(f"there is no option {file_shown(option)}; {nearest(option, options)}")
        return self.parse_args(argv)

    def error(self, message: str) -> NoReturn:
        """End the process with MISUSED and one line."""
        remark(f"{self.prog}: {message} ({self.prog} --help says more)")
        self.exit(MISUSED)


class OneOf:
    """Takes one of the known words alone."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words

    def __call__(self, word: str) -> str:
        """Return the word; another is refused, with the nearest that there is."""
        if word not in self.words:
            raise argparse.ArgumentTypeError(f"there is no {word!r}; {nearest(word, self.words)}")
        return word


def one_of(known: Iterable[str]) -> OneOf:
    """Return what takes one of the known words alone, for the ``type`` of an argument."""
    return OneOf(tuple(known))
