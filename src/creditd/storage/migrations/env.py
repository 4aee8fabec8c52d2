"""How Alembic runs here: on a connection handed in, or offline, writing SQL for the linter."""

from alembic import context

from creditd.storage.migrations import LOCK_TIMEOUT, STATEMENT_TIMEOUT
from creditd.storage.payment_tables import purchases

metadata = purchases.metadata


def _run() -> None:
    with context.begin_transaction():
        context.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        context.execute(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'")
        context.run_migrations()


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
else:
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
_run()
