"""All that the service promises, on the oldest PostgreSQL that it runs on and on the newest, without a superuser."""

import pytest

from tests.databases.conftest import OWNER, SERVER
from tests.databases.suite import run_suite
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
    run_suite("tests/contract", **environment)


def test_on_postgresql_18_by_an_owner_who_may_make_roles(new_postgres: str) -> None:
    run_suite("tests/contract", **{VARIABLE: new_postgres, OWNER_VARIABLE: OWNER})
