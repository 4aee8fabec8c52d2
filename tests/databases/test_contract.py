"""What depends on the connection, on the oldest PostgreSQL that the service runs on and on the newest, no superuser's.

All that the service promises is seen on the oldest too, by PgBouncer (test_pgbouncer.py).
"""

import pytest

from tests.databases.conftest import OWNER, SERVER
from tests.databases.suite import WHERE_CONNECTIONS_SHOW, run_suite
from tests.support.postgres import OWNER_VARIABLE, SERVICE_VARIABLE, VARIABLE, as_login

pytestmark = [pytest.mark.databases, pytest.mark.timeout(600)]


@pytest.mark.requirement("I7")
def test_on_postgresql_15_by_a_login_that_may_only_serve(old_postgres: str) -> None:
    """The owner may make no roles: somebody else made the application's, and its members."""
    environment = {
        VARIABLE: old_postgres,
        OWNER_VARIABLE: OWNER,
        SERVICE_VARIABLE: as_login(old_postgres, SERVER),
    }
    run_suite(*WHERE_CONNECTIONS_SHOW, **environment)


def test_on_postgresql_18_by_an_owner_who_may_make_roles(new_postgres: str) -> None:
    run_suite(*WHERE_CONNECTIONS_SHOW, **{VARIABLE: new_postgres, OWNER_VARIABLE: OWNER})
