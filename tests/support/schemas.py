"""Databases with a schema: copies of one that is migrated once, since to copy it takes a tenth of the time."""

import hashlib
import os
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from creditd.storage import migrations
from creditd.storage import schema as schemas
from creditd.storage.migrations.schema_rules import LEDGER, SchemaRules
from creditd.storage.schema import migrate
from tests.support.postgres import OWNER_VARIABLE, create_database

_MAKING: Final = 0x74656D706C617465
"""An advisory lock's number: "template" in ASCII. One process makes a template, the others wait."""

_IS_THERE: Final = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)"


def create_migrated(admin_url: str, name: str, schema: SchemaRules = LEDGER) -> str:
    """Make a database with a schema, in place of one that an earlier run may have left; return its owner's URL."""
    return create_database(admin_url, name, _template(admin_url, schema))


def _template(admin_url: str, schema: SchemaRules) -> str:
    """Return the name of a database with a schema that nobody is connected to, made now if it is not there."""
    name = f"template_{_digest(schema.package, os.environ.get(OWNER_VARIABLE, ''))}"
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_MAKING])
        if connection.execute(_IS_THERE, [name]).fetchone() == (False,):
            unfinished = f"{name}_unfinished"
            migrate(create_database(admin_url, unfinished), schema)
            renaming = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(renaming.format(sql.Identifier(unfinished), sql.Identifier(name)))
    return name


@cache
def _digest(package: str, owner: str) -> str:
    """Return what tells apart the schemas of other versions, of faults planted in them, and of other owners."""
    digest = hashlib.sha256(f"{package} {owner}".encode())
    folders = {Path(migrations.__file__).parent, Path(str(resources.files(package))) / "migrations"}
    rules = Path(str(resources.files(package))) / "schema.py"
    files = {Path(schemas.__file__), rules, *(file for folder in folders for file in folder.rglob("*.py"))}
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:24]
