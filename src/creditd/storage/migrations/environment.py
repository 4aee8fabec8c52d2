"""How Alembic runs migrations here: on a connection handed in, or offline, writing SQL for the linter."""

from typing import Any

from alembic import context

from creditd.storage.migrations import LOCK_TIMEOUT, STATEMENT_TIMEOUT


def run(**options: Any) -> None:
    """Run migrations, each in a transaction of its own; ``options`` are those of Alembic's configure.

    What one has locked is let go of before the next begins: a check is added without a look at the rows, and the next
    migration's look keeps nobody waiting. What was done before a failure is not done again.

    A connection that is handed in has the time limits at the beginning of each transaction (``schema.MIGRATOR``).
    """
    if context.is_offline_mode():
        # By the driver's own way of naming parameters each percent sign would be written twice.
        names = {"paramstyle": "named"}
        context.configure(
            dialect_name="postgresql",
            dialect_opts=names,
            literal_binds=True,
            transaction_per_migration=True,
            **options,
        )
        context.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        context.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
    else:
        connection = context.config.attributes["connection"]
        context.configure(connection=connection, transaction_per_migration=True, **options)
    with context.begin_transaction():
        context.run_migrations()
