"""``creditd audit``: the chain over the audit log and the ledgers, its head handed out and all of it verified.

Both read the database itself. `audit head` prints the head as JSON, signed if CREDITD_AUDIT_KEY_FILE names a key; keep
it where nobody who could change the database could change it. `audit verify` reads everything that is sealed, and ends
with 1 if something does not hold. With a head that was kept it also shows that the chain still has it.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from creditd.cli.arguments import Arguments, one_of
from creditd.cli.output import DONE, FAILED, MISUSED, CommandFailure, say
from creditd.config import Config, configuration, require
from creditd.domain.controls.seal import NO_SEAL, Seal
from creditd.ledger.seal_verification import ChainVerification, EntrySealVerification
from creditd.server.audit_signature import (
    InvalidAuditKey,
    SignedHead,
    read_audit_key,
    read_public_audit_key,
    signed_head,
)
from creditd.storage.connections.conninfo import InvalidConninfo
from creditd.storage.controls import seals
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.layout import Layout


def command(argv: Sequence[str]) -> int:
    """Print the head, or verify the chain."""
    parser = command_parser()
    arguments = parser.parsed(argv)
    if (arguments.after or arguments.public_key) and not arguments.head:
        parser.error("--after and --public-key are about a --head")
    config = configuration()
    require(config, {"database_url": "of a user who may read"})
    try:
        with _opened(config) as database:
            if arguments.what == "head":
                return _say_head(database, config)
            kept = _kept_head(arguments.head, arguments.public_key) if arguments.head else None
            return _verify(database, kept, after=arguments.after)
    except InvalidAuditKey as error:
        raise CommandFailure(str(error), MISUSED) from error
    except SQLAlchemyError as error:
        raise CommandFailure(f"the database cannot be read: {getattr(error, 'orig', None) or error}") from error


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("audit", __doc__)
    parser.add_argument("what", type=one_of(("head", "verify")), metavar="head|verify")
    parser.add_argument("--head", metavar="FILE", help="verify: a head that was kept, which the chain has to have")
    parser.add_argument("--public-key", metavar="FILE", help="verify: PEM; the key that the head has to be signed by")
    parser.add_argument("--after", action="store_true", help="verify: of the chain only what comes after the head")
    return parser


@contextmanager
def _opened(config: Config) -> Iterator[Database]:
    try:
        database = Database(
            DatabaseSettings(
                config.database_url, config.database_role, pool_size=1, layout=Layout(config.database_layout)
            )
        )
    except InvalidConninfo as error:
        raise CommandFailure(f"CREDITD_DATABASE_URL {error}", MISUSED) from error
    try:
        yield database
    finally:
        database.close()


def _say_head(database: Database, config: Config) -> int:
    key = read_audit_key(config.audit_key_file)
    with database.autocommit() as connection:
        head = seals.head(connection) or NO_SEAL
    say(json.dumps(signed_head(head, key)._asdict()))
    return DONE


def _kept_head(file: str, public_key: str | None) -> SignedHead:
    try:
        document: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8"))
        head = SignedHead(**document)
    except (OSError, ValueError, TypeError) as error:
        raise CommandFailure(f"{file} is no head as `creditd audit head` prints it", MISUSED) from error
    if public_key and not head.is_signed_by(read_public_audit_key(public_key)):
        raise CommandFailure(f"{file} is not signed by {public_key}")
    return head


def _verify(database: Database, kept: SignedHead | None, *, after: bool) -> int:
    known, broken = NO_SEAL, 0
    if kept and kept.seal_number:
        found = _seal_of(database, kept.seal_number)
        if found is None or found.hash.hex() != kept.hash:
            say(f"seal {kept.seal_number}: it is not the one of the head that was kept")
            broken += 1
        elif after:
            known = found
    chain = ChainVerification(database, known)
    while not chain.is_done:
        for seal_number, problem in chain.step():
            say(f"seal {seal_number}: {problem}")
            broken += 1
    stretches = EntrySealVerification(database)
    while not stretches.is_done:
        for wallet, version, problem in stretches.step():
            say(f"{wallet.account_id} {wallet.credit_type} up to version {version}: {problem}")
            broken += 1
    if stretches.archived:
        say(f"{stretches.archived} seals of entries hold what is archived: `creditd archive verify` looks at the files")
    say(f"{chain.checked} seals and {stretches.checked} seals of entries checked, {broken} that do not hold")
    return FAILED if broken else DONE


def _seal_of(database: Database, seal_number: int) -> Seal | None:
    with database.autocommit() as connection:
        found = seals.seals_after(connection, seal_number - 1, 1)
    return found[0] if found and found[0].seal_number == seal_number else None
