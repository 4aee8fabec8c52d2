"""Which commands a layout of the tables carries (docs/citus.md)."""

from creditd.cli.output import MISUSED, CommandFailure
from creditd.config import Config
from creditd.storage.layout import Layout


def require_plain(config: Config) -> None:
    """Refuse what is only done where all tables lie in one PostgreSQL. Raises CommandFailure."""
    if config.database_layout != Layout.PLAIN:
        message = f"CREDITD_DATABASE_LAYOUT: the layout {config.database_layout} does not carry this command"
        raise CommandFailure(message, MISUSED)
