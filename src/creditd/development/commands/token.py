"""``creditd token``: a token for development, signed with the key in the data folder."""

import argparse
from collections.abc import Sequence

from creditd.cli.arguments import Arguments
from creditd.cli.connection import Identity, add_role_arguments
from creditd.cli.output import DONE, remark, say
from creditd.config import configuration
from creditd.development.data_folder import DataFolder, development_token
from creditd.development.tokens import LIFETIME_SECONDS


def command(argv: Sequence[str]) -> int:
    """Print a token and nothing else."""
    arguments = command_parser().parsed(argv)
    config = configuration()
    folder = DataFolder(config.data_dir)
    if not folder.has_key:
        public_file = folder.signing_key().public_file
        remark(f"made a development key; servers trust it where CREDITD_JWT_PUBLIC_KEY_FILES names {public_file}")
    identity = Identity(arguments.subject, tuple(arguments.role), tuple(arguments.scope))
    say(development_token(config, identity, arguments.ttl_seconds))
    return DONE


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("token", __doc__)
    parser.add_argument("--subject", required=True, metavar="S", help="who calls; for USER and PREMIUM the account id")
    add_role_arguments(parser)
    parser.add_argument("--ttl-seconds", type=_positive, default=LIFETIME_SECONDS, metavar="N", help="an hour if unset")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("it has to be 1 or more")
    return int(text)
