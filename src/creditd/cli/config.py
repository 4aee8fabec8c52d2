"""``creditd config check``: every setting with its value and where that comes from, and everything wrong with them.

Of secrets it says whether they are set, and nothing else. Ends with 2 if a setting cannot be used.
"""

from collections.abc import Sequence
from typing import Final

from creditd.cli.arguments import Arguments, one_of
from creditd.cli.output import DONE, MISUSED, remark, say
from creditd.cli.presentation import JSON, Presentation, add_output_arguments
from creditd.cli.printable import json_text
from creditd.config import SETTINGS, variable
from creditd.config.report import ConfigReport, report

_FLAGS: Final = {
    "listen": "HOST:PORT",
    "metrics_listen": "HOST:PORT",
    "webhooks_listen": "HOST:PORT",
    "webhooks_service": "HOST:PORT",
    "fakes_listen": "HOST:PORT",
}
"""Settings that commands take as flags, which go over the environment, but for the number of workers."""


def command(argv: Sequence[str]) -> int:
    """Print the configuration; 2 and a line for each fault if it cannot be used."""
    parsed = command_parser().parsed(argv)
    arguments = vars(parsed)
    presentation = Presentation(parsed)
    found = report({name: arguments[name] for name in (*_FLAGS, "workers")})
    if parsed.settings:
        found = found._replace(lines=tuple(line for line in found.lines if line.name in parsed.settings))
    if presentation.is_json:
        say(_as_json(found))
    else:
        presentation.rows(("setting", "value", "origin"), found.lines)
    for fault in found.faults:
        remark(f"creditd config: {fault}")
    return MISUSED if found.faults else DONE


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("config", __doc__)
    parser.add_argument("what", metavar="check", type=one_of(("check",)), help="what to do")
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="SETTING",
        type=one_of(map(variable, SETTINGS)),
        help="show these alone, such as CREDITD_LISTEN; what is wrong with any is told all the same",
    )
    add_output_arguments(parser, "a table")
    parser.add_argument("--json", dest="output", action="store_const", const=JSON, help="the same as --output json")
    for name, form in _FLAGS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=form, help="as the flag of a command would set it")
    parser.add_argument("--workers", type=int, metavar="N", help="as the flag of `serve` would set it")
    return parser


def _as_json(found: ConfigReport) -> str:
    settings = [line._asdict() for line in found.lines]
    document = {"settings": settings, "faults": found.faults, "fit": not found.faults}
    return json_text(document)
