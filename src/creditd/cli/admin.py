"""``creditd admin create``: the first administrator of an installation, by whoever has both of its databases.

Registers the user, gives it the role SUPER_ADMIN for good, and prints its password once. Others are given their roles
by calls of AccessService from then on; and what changes roles needs a second factor (EnrolTotp, ConfirmTotp, StepUp).
"""

import secrets
from collections.abc import Sequence
from contextlib import closing
from typing import Final, NamedTuple

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from credit.v1.identity_service_pb2 import LoginRequest
from creditd.bootstrap import IdentityCore
from creditd.cli.arguments import Arguments, one_of
from creditd.cli.identity_access import identity_of, require_usable
from creditd.cli.output import DONE, MISUSED, CommandFailure
from creditd.cli.presentation import Presentation, add_output_arguments
from creditd.config import Config, configuration, require
from creditd.identity.emails import normal_email
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.ids import Ids
from creditd.server.refusals import InvalidFields
from creditd.server.validation import validate
from creditd.storage.connections.conninfo import InvalidConninfo
from creditd.storage.connections.fitness import SESSIONS_AT_ONCE
from creditd.storage.controls import access
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.layout import Layout

CREATE: Final = "create"

PASSWORD_BYTES: Final = 15
"""Twenty characters that nobody guesses."""

ROLE: Final = "SUPER_ADMIN"
"""What the first one needs to be, since nobody is there who could make it so."""

REASON: Final = "the first administrator"


class Administrator(NamedTuple):
    """Who was made, with the password, which is stored nowhere."""

    user_id: str
    email: str
    password: str


def command(argv: Sequence[str]) -> int:
    """Make the administrator, and print who it is."""
    arguments = command_parser().parsed(argv)
    made = administrator_made(configuration(), arguments.email)
    Presentation(arguments).facts(made._asdict())
    return DONE


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("admin", __doc__)
    parser.add_argument("act", metavar="create", type=one_of((CREATE,)), help="what to do")
    parser.add_argument("--email", required=True, metavar="EMAIL", help="to sign in with")
    add_output_arguments(parser, "a line for each")
    return parser


def administrator_made(config: Config, email: str) -> Administrator:
    """Register a user with a password at random, and give it ROLE: both or neither.

    Raises CommandFailure, also for an email that is known or is none.
    """
    require(config, {"database_url": "where roles are stored, prepared by `creditd migrate`"})
    email = _fit_email(email)
    with identity_of(config) as identity, closing(_database(config)) as database:
        require_usable(database, "the database")
        try:
            return _made(identity, database, email)
        except SQLAlchemyError as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise CommandFailure(f"the database failed: {str(cause).strip()}") from error


def _fit_email(email: str) -> str:
    """Return an email as it is stored. Raises CommandFailure for what nobody could sign in with."""
    email = normal_email(email)
    try:
        validate(LoginRequest(email=email, password="any"))  # noqa: S106 - it is the email that is judged.
    except InvalidFields as error:
        raise CommandFailure(f"{email!r} is no email that one could sign in with", MISUSED) from error
    return email


def _database(config: Config) -> Database:
    try:
        return Database(
            DatabaseSettings(
                config.database_url, config.database_role, SESSIONS_AT_ONCE, layout=Layout(config.database_layout)
            )
        )
    except InvalidConninfo as error:
        raise CommandFailure(f"CREDITD_DATABASE_URL {error}", MISUSED) from error


def _made(identity: IdentityCore, database: Database, email: str) -> Administrator:
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    password_hash = identity.hashes.hash(password)
    with identity.database.transaction() as connection:
        user_id = identity.registration.add_within(connection, email, password_hash, access.OUTSIDE)
        if user_id is not None:
            # The role is committed before its user: a role of nobody does no harm, and a user without it could be
            # neither made again nor appointed.
            _appoint(database, user_id)
    if user_id is None:
        raise CommandFailure(f"{email} is registered already")
    return Administrator(user_id, email, password)


def _appoint(database: Database, subject: str) -> None:
    clock = DatabaseClock()
    clock.look(database)
    with database.transaction() as connection:
        access.grant_outside(connection, subject, ROLE, clock.now(), Ids(clock.now), REASON)
