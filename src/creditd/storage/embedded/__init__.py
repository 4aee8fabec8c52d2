"""PostgreSQL that comes with the installation, for a developer's machine and the tests.

The data stay in the folder given and are written as safely as on a server; PostgreSQL itself lives exactly as long as
the process that started it.
"""

from creditd.storage.embedded.folder import DataFolderInUse
from creditd.storage.embedded.programs import EmbeddedPostgresError, program
from creditd.storage.embedded.server import EmbeddedPostgres, embedded_postgres

__all__ = ["DataFolderInUse", "EmbeddedPostgres", "EmbeddedPostgresError", "embedded_postgres", "program"]
