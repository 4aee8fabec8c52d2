"""Faults in upgrading: servers that serve what does not fit them, and migrations that nobody is safe from."""

from tests.mutants.fault import Fault

_PRESENCE = ("tests/storage/test_presence.py",)
_HOSTS = ("tests/storage/test_hosts.py",)
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
        "a host that hangs is tried first at each connection",
        "storage/connections/hosts.py",
        "if found and found[0] > 0:",
        "if False:",
        _HOSTS,
        "test_a_host_that_hangs_is_tried_once_and_not_at_each_connection",
    ),
    Fault(
        "hosts change their places and ports do not",
        "storage/connections/hosts.py",
        '_LISTS: Final = ("host", "hostaddr", "port")',
        '_LISTS: Final = ("host", "hostaddr")',
        _HOSTS,
        "test_the_rest_keeps_its_order_and_each_host_its_port",
    ),
    Fault(
        "a server behind a host that hangs never shows that it is live",
        "storage/connections/presence.py",
        "with self._database.watched(connection, Turn(CONNECT_TIMEOUT_SECONDS)):",
        "with self._database.watched(connection):",
        _HOSTS,
        "test_a_server_shows_that_it_is_live_though_connecting_took_longer_than_a_look",
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
