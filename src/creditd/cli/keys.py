"""``creditd keys``: the keys that identity's access tokens are signed with, listed or rotated.

Run it with the settings of the servers. They notice within seconds, and need no restart. A rotation makes a key that
signs after ten minutes, when all who keep our public keys have asked for them again; those before verify until the last
token that they have signed is over. With --urgent, for a key that somebody else has: the new one signs after fifteen
seconds, and nothing that those before have signed is believed from then on.
"""

from collections.abc import Sequence

from creditd.cli.arguments import Arguments, one_of
from creditd.cli.identity_access import identity_of
from creditd.cli.output import DONE, FAILED, CommandFailure
from creditd.cli.presentation import Presentation, add_output_arguments
from creditd.config import configuration
from creditd.domain.instant import Instant, instant_text
from creditd.identity.key_ring import MOST_KEYS, TooManyKeys
from creditd.identity.token_keys import TokenKey, signer_of

LIST, ROTATE = "list", "rotate"


def command(argv: Sequence[str]) -> int:
    """List the keys, or rotate them and list them then."""
    arguments = command_parser().parsed(argv)
    with identity_of(configuration()) as identity:
        if arguments.act == ROTATE:
            try:
                identity.key_ring.rotate(urgent=arguments.urgent)
            except TooManyKeys as error:
                raise CommandFailure(
                    f"there are {MOST_KEYS} keys that are still trusted: rotate when one of them has ended", FAILED
                ) from error
        rows = _rows(identity.key_ring.trusted, identity.clock.now())
        Presentation(arguments).rows(("kid", "state", "create_time", "sign_time", "expire_time"), rows)
    return DONE


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("keys", __doc__)
    parser.add_argument("act", metavar="list|rotate", type=one_of((LIST, ROTATE)), help="what to do")
    parser.add_argument("--urgent", action="store_true", help="rotate: trust the keys so far no more")
    add_output_arguments(parser, "a table")
    return parser


def _rows(keys: Sequence[TokenKey], now: Instant) -> list[tuple[str | None, ...]]:
    signer = signer_of(keys, now)
    return [
        (
            key.kid,
            "signs" if key == signer else "verifies" if key.sign_time <= now else "will sign",
            instant_text(key.create_time),
            instant_text(key.sign_time),
            instant_text(key.expire_time) if key.expire_time else None,
        )
        for key in keys
    ]
