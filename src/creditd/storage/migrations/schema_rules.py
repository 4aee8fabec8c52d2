"""What a schema has to be: which migrations make it, where it says how far it is, and whom it is served by."""

from typing import Final, NamedTuple

from creditd.storage.migrations.privileges import APPLICATION_ROLE, PRIVILEGES, SECRET_COLUMNS, Privileges


class SchemaRules(NamedTuple):
    """A schema that this version brings.

    ``package`` has its migrations, ``revisions`` is the table that says which of them were run, ``role`` is whom its
    service acts as, with the ``privileges`` that it needs on tables. Auditors read all but the ``secret_columns``.
    ``kept`` says in words what the tables that only grow are together. ``compatibility`` is the table that says which
    servers may use it, and ``lock_class`` the first number of the advisory locks by which servers show that they are
    live.
    """

    package: str
    revisions: str
    role: str
    privileges: Privileges
    secret_columns: Privileges
    kept: str
    compatibility: str
    lock_class: int

    @property
    def only_grow(self) -> tuple[str, ...]:
        """The tables of which no row is ever changed or removed."""
        return self.privileges["SELECT, INSERT"]


LEDGER: Final = SchemaRules(
    "creditd.storage",
    "alembic_version",
    APPLICATION_ROLE,
    PRIVILEGES,
    SECRET_COLUMNS,
    "the ledger",
    "schema_compatibility",
    # "crdt" in ASCII.
    0x63726474,
)
"""Credits, their ledger and payments."""
