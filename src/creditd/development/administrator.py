"""The first administrator of an installation for development."""

from typing import Final

from creditd.cli.admin import Administrator, administrator_made
from creditd.cli.identity_access import identity_of
from creditd.config import Config
from creditd.identity.storage import users

EMAIL: Final = "admin@localhost"


def first_administrator(config: Config) -> Administrator | None:
    """Make an administrator if nobody is registered yet, and return it: its password is known this once."""
    with identity_of(config) as identity, identity.database.autocommit() as connection:
        if users.is_any(connection):
            return None
    return administrator_made(config, EMAIL)
