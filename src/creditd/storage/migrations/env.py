"""Where Alembic begins with the ledger's migrations."""

from creditd.storage.metadata import metadata
from creditd.storage.migrations.environment import run

run(target_metadata=metadata)
