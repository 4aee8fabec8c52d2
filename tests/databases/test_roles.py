"""The application's role and its privileges, on both sides of PostgreSQL 16, which changed who may become what."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.databases.conftest import postgres_15, postgres_18
from tests.databases.suite import run_suite
from tests.support.postgres import ROLES_VARIABLE, VARIABLE

pytestmark = [pytest.mark.databases, pytest.mark.timeout(300)]


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("postgres", [postgres_15, postgres_18])
def test_roles(postgres: Callable[[], AbstractContextManager[str]]) -> None:
    with postgres() as url:
        for tests in ("tests/storage/test_privileges.py", "tests/storage/test_powers.py"):
            run_suite(tests, workers="0", **{VARIABLE: url, ROLES_VARIABLE: url})
