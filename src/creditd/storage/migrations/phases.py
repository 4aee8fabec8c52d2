"""The phases of migrations, and how one that takes something away sees to it that nobody uses it any more.

Each migration states its phase as a constant of its module. ``phase = EXPAND``: every server that could use the schema
before can use it afterwards. ``phase = CONTRACT``: it takes away what servers of older releases use; it states the
``least_server`` that does without, and begins with ``only_servers_from``. Releases are told apart by the newest
migration that they bring.

Each server holds an advisory lock in shared mode, whose number is that of its release, for as long as it may use the
database (``connections/presence.py``). The first statement of a contract migration asks for those of all releases that
do not fit afterwards, and holds them until what fits is written down. So no such server runs, and none begins.
"""

from typing import Final

from creditd.storage.migrations.schema_rules import SchemaRules

EXPAND: Final = "expand"
CONTRACT: Final = "contract"

STATED_SINCE: Final = {"creditd.storage": "0041", "creditd.identity.storage": "0007"}
"""By the package of a schema, the first migration that states its phase. All before it expand."""

STILL_LIVE: Final = "55006"
"""The SQLSTATE (object_in_use) by which ``only_servers_from`` refuses."""

_GATE: Final = """
DO $$
DECLARE
    live text;
    held integer;
BEGIN
    SELECT count(*) INTO held FROM generate_series(0, {last}) AS release
    WHERE NOT pg_try_advisory_xact_lock({lock_class}, release);
    IF held > 0 THEN
        SELECT string_agg(format('one of schema %s (%s, process %s of PostgreSQL)', lpad(l.objid::text, 4, '0'),
            coalesce(nullif(a.application_name, ''), 'unnamed'), l.pid), ', ' ORDER BY l.objid, l.pid) INTO live
        FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid = {lock_class} AND l.objid <= {last}
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND l.mode = 'ShareLock' AND l.granted;
        RAISE EXCEPTION 'servers are still live that may not use the schema afterwards, which takes servers of schema '
            '{least} or newer: %; stop them, then migrate again', coalesce(live, 'one that has just ended')
            USING ERRCODE = 'object_in_use';
    END IF;
    UPDATE {table} SET least_server = greatest(least_server, '{least}');
END
$$
"""


def only_servers_from(schema: SchemaRules, least_server: str) -> str:
    """Return the SQL that a contract migration begins with.

    It fails with STILL_LIVE while a server of a release before ``least_server`` is live, names each, and else writes
    down that none such may use the schema any more.
    """
    return _GATE.format(
        last=int(least_server) - 1,
        least=least_server,
        lock_class=schema.lock_class,
        table=schema.compatibility,
    )
