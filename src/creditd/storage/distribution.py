"""Turns a filled database into a distributed one, step by step, as :mod:`creditd.storage.placement` says.

Each step is one statement and one transaction, and tells by the database itself whether it was done: one that was
interrupted goes on where it was. Nobody may be served meanwhile; Citus locks each table while it moves it.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.storage.arrays import texts
from creditd.storage.connections.session import UnsuitableDatabase
from creditd.storage.migrations.privileges import APPLICATION_ROLE
from creditd.storage.placement import KEYS_DROPPED, PLACES, Place

SHARDS: Final = 32
"""Pieces that each table is cut into: room for as many servers, and few enough that a look at all of them is cheap."""

LOCK_TIMEOUT: Final = "250ms"
"""What a transaction waits for a row on a worker. The settings of the coordinator's sessions do not reach there."""

_FIRST: Final = PLACES[Place.BY_ACCOUNT][0]


class DistributionStep(NamedTuple):
    """One step: what it does, by which statement, and whether it was done already."""

    name: str
    statement: str
    is_done: bool


class Cluster(NamedTuple):
    """What a database is a part of."""

    version: str
    workers: int


_VERSION: Final = text("SELECT extversion FROM pg_extension WHERE extname = 'citus'")

_WORKERS: Final = text("SELECT count(*) FROM pg_dist_node WHERE isactive AND noderole = 'primary' AND groupid <> 0")

_GROUP: Final = text("SELECT groupid FROM pg_dist_local_group")

_PLACED: Final = text("SELECT logicalrelid::text, partmethod::text FROM pg_dist_partition")

_ROLE: Final = text("""
SELECT rolcanlogin, EXISTS (
    SELECT FROM pg_db_role_setting s, unnest(s.setconfig) AS each
    WHERE s.setrole = r.oid AND s.setdatabase = 0 AND each LIKE 'lock_timeout=%'
) AS is_hasty FROM pg_roles AS r WHERE rolname = :role
""")

_KEYS: Final = text("SELECT conname::text FROM pg_constraint WHERE conname = ANY (:names ::text[]) ORDER BY 1")

_TRIGGERS: Final = text("""
SELECT tgrelid::regclass::text AS table_name, tgname FROM pg_trigger
WHERE NOT tgisinternal AND tgrelid::regclass::text = ANY (:tables ::text[]) ORDER BY 1, 2
""")

# Of the coordinator's own file, whatever the workers have.
_SIZES: Final = text("SELECT name, pg_relation_size(to_regclass(name)) FROM unnest(:tables ::text[]) AS name")

_IS_DISTRIBUTED: Final = text("SELECT to_regclass('pg_dist_partition') IS NOT NULL")

_IS_PLACED: Final = text("""
SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass(:first) AND partmethod = 'h')
""")


def is_distributed(connection: Connection) -> bool:
    """Tell whether account data is distributed in a database."""
    if not connection.execute(_IS_DISTRIBUTED).scalar_one():
        return False
    return bool(connection.execute(_IS_PLACED, {"first": _FIRST}).scalar_one())


def cluster_of(connection: Connection) -> Cluster:
    """Return the cluster that a database coordinates. Raises UnsuitableDatabase if it coordinates none."""
    version = connection.execute(_VERSION).scalar_one_or_none()
    if version is None:
        raise UnsuitableDatabase(
            "it is a PostgreSQL without the extension citus, and has nothing to distribute tables over. "
            "Where Citus is installed, a superuser runs: CREATE EXTENSION citus"
        )
    if connection.execute(_GROUP).scalar_one():
        raise UnsuitableDatabase("it is a worker of Citus; tables are distributed by the coordinator")
    return Cluster(version, connection.execute(_WORKERS).scalar_one())


def steps(connection: Connection) -> Iterator[DistributionStep]:
    """Return all steps in their order, done or not. Raises UnsuitableDatabase as ``cluster_of`` does."""
    cluster_of(connection)
    placed = {str(name): str(method) for name, method in connection.execute(_PLACED)}
    yield from _steps_of_role(connection)
    yield from _steps_of_triggers(connection)
    for (name,) in connection.execute(_KEYS, {"names": texts(KEYS_DROPPED)}):
        statement = f"ALTER TABLE {KEYS_DROPPED[name]} DROP CONSTRAINT {name}"
        step = f"drop the foreign key {name}, which would lead from the coordinator to the workers"
        yield DistributionStep(step, statement, is_done=False)
    for table in PLACES[Place.EVERYWHERE]:
        statement = f"SELECT create_reference_table('{table}')"
        yield DistributionStep(f"copy {table} to each server", statement, _placed_as(placed, table, "n"))
    for table in PLACES[Place.BY_ACCOUNT]:
        more = f"shard_count => {SHARDS}" if table == _FIRST else f"colocate_with => '{_FIRST}'"
        statement = f"SELECT create_distributed_table('{table}', 'account_id', {more})"
        yield DistributionStep(f"distribute {table} by account", statement, _placed_as(placed, table, "h"))
    sizes: dict[str, int] = dict(connection.execute(_SIZES, {"tables": texts(PLACES[Place.BY_ACCOUNT])}).all())
    for table in reversed(PLACES[Place.BY_ACCOUNT]):
        statement = f"SELECT truncate_local_data_after_distributing_table('{table}')"
        is_done = _placed_as(placed, table, "h") and not sizes[table]
        yield DistributionStep(f"empty what the coordinator keeps of {table} from before", statement, is_done)


def _steps_of_role(connection: Connection) -> Iterator[DistributionStep]:
    row = connection.execute(_ROLE, {"role": APPLICATION_ROLE}).one_or_none()
    can_log_in, is_hasty = row or (False, False)
    login = f"ALTER ROLE {APPLICATION_ROLE} LOGIN"
    yield DistributionStep(
        f"let {APPLICATION_ROLE} log in at the workers, as the coordinator does for it", login, can_log_in
    )
    timeout = f"ALTER ROLE {APPLICATION_ROLE} SET lock_timeout = '{LOCK_TIMEOUT}'"
    yield DistributionStep(f"bound what {APPLICATION_ROLE} waits for a row there", timeout, is_hasty)


def _steps_of_triggers(connection: Connection) -> Iterator[DistributionStep]:
    """Drop the second belt, which Citus does not carry: that the role may not change what only grows is the first."""
    for table, trigger in connection.execute(_TRIGGERS, {"tables": texts(PLACES[Place.BY_ACCOUNT])}):
        statement = f'DROP TRIGGER "{trigger}" ON {table}'
        yield DistributionStep(f"drop the trigger {trigger}; privileges suffice", statement, is_done=False)


def _placed_as(placed: dict[str, str], table: str, method: str) -> bool:
    """Tell whether a table is placed. Raises UnsuitableDatabase if it is, in another way."""
    found = placed.get(table)
    if found is not None and found != method:
        raise UnsuitableDatabase(f"its table {table} is distributed in another way, by whom and why is not known here")
    return found is not None
