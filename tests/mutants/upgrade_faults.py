"""Faults in upgrading: servers that serve what does not fit them, and migrations that nobody is safe from."""

from tests.mutants.fault import Fault

_PRESENCE = ("tests/storage/test_presence.py",)
_PLANS = ("tests/storage/test_migration_plans.py",)
_COMMAND = ("tests/cli/test_upgrade.py",)

UPGRADE_FAULTS = (
    Fault(
        "a server serves a schema that has lost what it uses",
        "storage/migrations/revisions.py",
        "if release < least_server:",
        "if False:",
        _PRESENCE,
        "test_no_server_of_an_older_release_begins_while_what_it_uses_is_taken_away_nor_afterwards",
    ),
    Fault(
        "a migration takes away what the last release that does not fit uses",
        "storage/migrations/phases.py",
        "last=int(least_server) - 1,",
        "last=int(least_server) - 2,",
        _PRESENCE,
        "test_a_contracting_migration_refuses_while_a_server_of_an_older_release_is_live",
    ),
    Fault(
        "a migration does not say who may use the schema afterwards",
        "storage/migrations/phases.py",
        "SET least_server = greatest(least_server, '{least}')",
        "SET least_server = least_server",
        _PRESENCE,
        "test_a_contracting_migration_refuses_while_a_server_of_an_older_release_is_live",
    ),
    Fault(
        "a server begins while what it uses is taken away",
        "storage/connections/presence.py",
        "if connection.execute(hold.encode(), prepare=False).fetchone() != (True,):",
        "if connection.execute(hold.encode(), prepare=False).fetchone() is None:",
        _PRESENCE,
        "test_no_server_of_an_older_release_begins_while_what_it_uses_is_taken_away_nor_afterwards",
    ),
    Fault(
        "a server lets go of its lock at once",
        "storage/connections/presence.py",
        "connection.autocommit = False",
        "connection.autocommit = True",
        _PRESENCE,
        "test_a_contracting_migration_refuses_while_a_server_of_an_older_release_is_live",
    ),
    Fault(
        "a lock that was lost is taken for held",
        "storage/connections/presence.py",
        "self._connection.execute(_STILL_THERE, prepare=False)",
        "pass",
        _PRESENCE,
        "test_a_lock_that_was_lost_is_taken_anew",
    ),
    Fault(
        "a server does not show that it is live",
        "bootstrap/core.py",
        "shown = self.presence.is_shown()",
        "shown = True",
        _COMMAND,
        "test_what_a_live_server_uses_is_not_taken_away_and_what_was_is_not_served",
    ),
    Fault(
        "a check takes a schema that does not fit for one that does",
        "cli/migration_checks.py",
        "if least_server > head:",
        "if False:",
        _COMMAND,
        "test_a_check_says_what_is_missing_what_fits_and_what_does_not",
    ),
    Fault(
        "a plan tells of a weaker lock than is taken",
        "storage/migrations/statement_locks.py",
        '(r"DROP TRIGGER .*? ON (\\w+)", ACCESS_EXCLUSIVE, ""),',
        '(r"DROP TRIGGER .*? ON (\\w+)", SHARE_ROW_EXCLUSIVE, ""),',
        _PLANS,
        "test_what_is_told_of_each_statement_is_what_postgresql_locks_and_rewrites",
    ),
    Fault(
        "the SQL of migrations has each percent sign twice",
        "storage/migrations/environment.py",
        'names = {"paramstyle": "named"}',
        "names = {}",
        _COMMAND,
        "test_the_sql_that_is_printed_makes_the_schema_that_migrating_makes",
    ),
)
