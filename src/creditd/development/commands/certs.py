"""``creditd certs dev``: an authority of this machine's own, and certificates that it signs for a server and clients.

They are for development: whoever has the folder can be anybody that its authority is believed by. Nothing that is there
is written over.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from creditd.cli.arguments import Arguments, one_of
from creditd.cli.output import DONE, FAILED, MISUSED, CommandFailure, say
from creditd.development.certificates import AUTHORITY, SERVER, CertificatePlan, issue, write_new

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")

MOST_DAYS: Final = 397
"""As of browsers: beyond it, more and more programs take no certificate."""

_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?")


def command(argv: Sequence[str]) -> int:
    """Make certificates, and say which files they are in."""
    arguments = command_parser().parsed(argv)
    clients = tuple(dict.fromkeys(arguments.client or ["client"]))
    names = tuple(dict.fromkeys((*arguments.name, *_LOOPBACK)))
    files = issue(CertificatePlan(names, clients, arguments.trust_domain, arguments.days))
    try:
        write_new(arguments.folder, files)
    except FileExistsError as error:
        raise CommandFailure(
            f"{error.filename} is there already, and nothing was written: choose another --folder, or remove it",
            MISUSED,
        ) from error
    except OSError as error:
        raise CommandFailure(f"{error.filename}: {error.strerror}", FAILED) from error
    for name in files:
        say(str(arguments.folder / name))
    return DONE


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("certs", __doc__)
    parser.add_argument("what", metavar="dev", type=one_of(("dev",)), help="what to do")
    parser.add_argument("--folder", type=Path, default=Path("certs"), metavar="FOLDER", help="certs if unset")
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        type=_host,
        metavar="HOST",
        help="of the server, besides those of this machine; may be given several times",
    )
    parser.add_argument(
        "--client", action="append", type=_client, metavar="NAME", help="may be given several times; client if unset"
    )
    parser.add_argument(
        "--trust-domain", type=_host, default="creditd.test", metavar="NAME", help="of the SPIFFE URIs; creditd.test"
    )
    parser.add_argument("--days", type=_days, default=30, metavar="N", help=f"until they end: 30, at most {MOST_DAYS}")
    return parser


def _client(text: str) -> str:
    if not _LABEL.fullmatch(text) or text in (AUTHORITY, SERVER):
        raise argparse.ArgumentTypeError(f"a client is called by lower-case letters, digits and -, not {text!r}")
    return text


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a host")
    return text


def _days(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"it has to be 1 to {MOST_DAYS}")
    return int(text)
