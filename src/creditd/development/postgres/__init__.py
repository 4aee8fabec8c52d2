"""PostgreSQL that comes with the installation, for a developer's machine and the tests.

The data stay in the folder given and are written as safely as on a server; PostgreSQL itself lives exactly as long as
the process that started it.
"""

from creditd.development.postgres.folder import DataFolderInUse
from creditd.development.postgres.programs import EmbeddedPostgresError, program
from creditd.development.postgres.server import EmbeddedPostgres, embedded_postgres

__all__ = ["DataFolderInUse", "EmbeddedPostgres", "EmbeddedPostgresError", "embedded_postgres", "program"]
