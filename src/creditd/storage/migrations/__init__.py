"""Alembic migrations: expand first, contract in a later release."""

LOCK_TIMEOUT = "5s"
"""A migration that cannot get its lock gives up rather than queue every query behind it."""

STATEMENT_TIMEOUT = "10min"
"""No statement of a migration may run longer; what takes longer belongs in a backfill."""
