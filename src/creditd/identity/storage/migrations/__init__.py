"""Alembic migrations of identity's database: expand first, contract in a later release."""
