"""Where Alembic begins with the ledger's migrations."""

from creditd.storage.migrations.environment import run
from creditd.storage.payment_tables import purchases

run(target_metadata=purchases.metadata)
