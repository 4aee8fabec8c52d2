"""`make layouts DATABASE_URL=...` tries a database that is given; here a plain PostgreSQL."""

import pytest

from tests.layouts import __main__ as trial
from tests.layouts.conformance import CHECKS
from tests.support.databases import migrated_database


@pytest.mark.requirement("I6")
def test_all_works_on_a_plain_postgresql_and_each_check_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with migrated_database() as url:
        status = trial.main(url)
    first, *lines, last = capsys.readouterr().out.splitlines()
    assert "one PostgreSQL" in first
    assert [line for line in lines if not line.startswith("works")] == []
    assert len(lines) == len(CHECKS) + 1
    assert (status, last) == (0, f"{len(lines)} of {len(lines)} work")
