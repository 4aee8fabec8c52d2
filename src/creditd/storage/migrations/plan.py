"""What a migration is and does, told without a database: its phase, its statements, and what they lock."""

import io
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from alembic import command
from alembic.script import Script, ScriptDirectory

from creditd.storage.migrations.phases import EXPAND
from creditd.storage.migrations.schema_rules import SchemaRules
from creditd.storage.migrations.statement_locks import MEANING, REWRITES, TableLock, locks_of, tables_made
from creditd.storage.migrations.upgrade import config_of


class Migration(NamedTuple):
    """One step of a schema.

    ``purpose`` is what it is for, in a line. ``least_server`` is the oldest release that may use the schema afterwards;
    empty if all may that could before. ``statements`` are without those that Alembic keeps its own table by.
    ``states_phase``: whether the phase stands in its module; those that came before the rule expand.
    """

    revision: str
    purpose: str
    phase: str
    least_server: str
    statements: tuple[str, ...]
    states_phase: bool = False

    @property
    def locks(self) -> list[TableLock]:
        """What is locked of each table that was there before: the strongest lock, and all work that grows with it."""
        made = {table for statement in self.statements for table in tables_made(statement)}
        found: dict[str, TableLock] = {}
        for lock in (lock for statement in self.statements for lock in locks_of(statement)):
            if lock.table in made:
                continue
            other = found.get(lock.table, lock)
            strongest = min(lock, other, key=lambda one: list(MEANING).index(one.mode))
            work = ", ".join(dict.fromkeys(part for one in (other, lock) for part in one.work.split(", ") if part))
            found[lock.table] = TableLock(lock.table, strongest.mode, work)
        return list(found.values())

    @property
    def lines(self) -> list[str]:
        """What a person is told of it."""
        servers = f"; servers of schema {self.least_server} or newer alone may use it then" if self.least_server else ""
        told = [f"{self.revision}  {self.phase}{servers}", f"      {self.purpose}"]
        for lock in self.locks:
            work = f"{lock.work}; " if lock.work else ""
            told.append(f"      locks {lock.table}: {lock.mode} ({work}{MEANING[lock.mode]})")
        if not self.locks:
            told.append("      locks nothing that is in use")
        if not any(REWRITES in lock.work for lock in self.locks):
            told.append("      rewrites no table")
        return told


def migrations_of(schema: SchemaRules, after: str = "") -> list[Migration]:
    """Return the migrations of a schema that come ``after`` a revision, in order; all of them after none."""
    config = config_of(schema)
    scripts = [script for script in ScriptDirectory.from_config(config).walk_revisions() if script.revision > after]
    texts = dict(_texts(schema, after)) if scripts else {}
    return [_migration(script, texts[script.revision]) for script in reversed(scripts)]


_BEGINNING: Final = re.compile(r"^-- Running upgrade \w* -> (\w+)\n", re.MULTILINE)

_OF_ALEMBIC: Final = re.compile(r"BEGIN$|COMMIT$|(?:INSERT INTO|UPDATE) {revisions}\b|CREATE TABLE {revisions}\b")


def _texts(schema: SchemaRules, after: str) -> Iterator[tuple[str, Sequence[str]]]:
    config = config_of(schema)
    config.output_buffer = output = io.StringIO()
    command.upgrade(config, f"{after}:head" if after else "head", sql=True)
    alembic = re.compile(_OF_ALEMBIC.pattern.replace("{revisions}", schema.revisions))
    # What stands before the first is the limits of time.
    _, *parts = _BEGINNING.split(output.getvalue())
    for revision, text in zip(parts[::2], parts[1::2], strict=True):
        statements = [statement.strip().rstrip(";") for statement in text.split(";\n\n")]
        yield revision, [one for one in statements if one and not alembic.match(one)]


def _migration(script: Script, statements: Sequence[str]) -> Migration:
    module = script.module
    return Migration(
        script.revision,
        script.doc.splitlines()[0],
        getattr(module, "phase", EXPAND),
        getattr(module, "least_server", ""),
        tuple(statements),
        hasattr(module, "phase"),
    )
