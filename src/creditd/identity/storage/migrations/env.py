"""Where Alembic begins with identity's migrations."""

from creditd.identity.storage.schema import IDENTITY
from creditd.storage.migrations.environment import run

run(version_table=IDENTITY.revisions)
