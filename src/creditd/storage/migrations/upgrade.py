"""Runs migrations by Alembic. Nothing else imports it: a server has no use for it, and it takes a fifth of a second."""

from importlib import resources
from typing import TextIO

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from creditd.storage.migrations.schema_rules import SchemaRules


def heads(connection: Connection, schema: SchemaRules) -> tuple[str, ...]:
    """Return the rows of the table that says where a schema is; none if it is not there."""
    return MigrationContext.configure(connection, opts={"version_table": schema.revisions}).get_current_heads()


def upgrade(connection: Connection, schema: SchemaRules) -> None:
    """Bring a schema to its newest revision."""
    config = config_of(schema)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def write_sql(output: TextIO, schema: SchemaRules) -> None:
    """Write the SQL of all migrations of a schema."""
    config = config_of(schema)
    config.output_buffer = output
    command.upgrade(config, "head", sql=True)


def config_of(schema: SchemaRules) -> Config:
    """Return where Alembic finds the migrations of a schema."""
    config = Config()
    config.set_main_option("script_location", str(resources.files(schema.package) / "migrations"))
    config.set_main_option("version_path_separator", "os")
    return config
