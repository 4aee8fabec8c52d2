"""Who used the most: the leaders are kept in order, all others are not, and nobody is missed (C5)."""

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creditd.domain.usage.usage_errors import UsageBehind
from creditd.storage.usage import usage_leaders
from creditd.storage.usage.usage_contributions import Dimension
from tests.service.usage.analytics import analytics
from tests.support.databases import migrated_database
from tests.support.desk import Desk, desk_at
from tests.support.usage_rolling import roll_all, roller_at
from tests.support.usage_sums import used_by
from tests.support.works import add, deduct, refund, reservation_of

pytestmark = pytest.mark.requirement("C5")

ACCOUNTS = tuple(f"account-{number}" for number in range(8))

TOP = 2
"""How many are asked for."""


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep few leaders, so that their floors rise and fall."""
    monkeypatch.setattr(usage_leaders, "FEWEST", TOP)
    monkeypatch.setattr(usage_leaders, "KEPT", 3)
    monkeypatch.setattr(usage_leaders, "MOST", 4)


def require_first(desk: Desk) -> None:
    """Hold who is told to have used the most against plain SQL over the ledger."""
    top = [part for part in analytics(desk, top_size=TOP).top if part.dimension == Dimension.ACCOUNT]
    used = used_by(desk.url, "chat", "account_id")
    expected = sorted(used.items(), key=lambda one: (-sum(one[1]), one[0]))[:TOP]
    assert [(part.value, (part.used, part.covered)) for part in top] == expected


def leaders(desk: Desk, span: int = 1) -> list[str]:
    """Return the accounts that lead in a day, week or month."""
    query = (
        "SELECT value FROM usage_leaders WHERE dimension = 0 AND span = %(span)s ORDER BY used + covered DESC, value"
    )
    with desk.database.autocommit() as connection:
        return list(connection.exec_driver_sql(query, {"span": span}).scalars())


def spend(desk: Desk, amounts: list[int]) -> list[Any]:
    """Have each account spend so much; return what was spent."""
    return [
        reservation_of(desk.do(deduct(account, amount))) for account, amount in zip(ACCOUNTS, amounts, strict=False)
    ]


@pytest.fixture
def rich(desk: Desk) -> Desk:
    """Provide accounts with credits, all of which is added up."""
    for account in ACCOUNTS:
        desk.do(add(account, 1_000))
    roll_all(roller_at(desk))
    return desk


STEPS = st.lists(
    st.tuples(st.sampled_from(ACCOUNTS), st.integers(1, 9), st.sampled_from(["spend", "spend", "give back", "round"])),
    max_size=40,
)


@pytest.mark.timeout(300)
def test_whatever_is_spent_and_given_back_those_who_used_the_most_are_told() -> None:
    with migrated_database() as url, desk_at(url) as desk:
        for account in ACCOUNTS:
            desk.do(add(account, 10**6))
        spent: list[Any] = []

        @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
        @given(STEPS)
        def told(steps: list[tuple[str, int, str]]) -> None:
            for account, amount, what in steps:
                if what == "spend":
                    spent.append(reservation_of(desk.do(deduct(account, amount))))
                elif what == "round":
                    roll_all(roller_at(desk))
                elif spent:
                    desk.do(refund(spent.pop(amount % len(spent)), None))
            require_first(desk)

        told()


def test_those_below_the_floor_are_not_kept_in_order(rich: Desk) -> None:
    spend(rich, [1, 2, 3, 4])
    roll_all(roller_at(rich))
    assert leaders(rich) == ["account-3", "account-2", "account-1", "account-0"]
    rich.do(deduct("account-4", 5))
    roll_all(roller_at(rich))
    assert leaders(rich) == ["account-4", "account-3", "account-2"]
    # As much as the last of the leaders, but after that one by name.
    rich.do(deduct("account-6", 3))
    roll_all(roller_at(rich))
    assert leaders(rich) == ["account-4", "account-3", "account-2"]
    rich.do(deduct("account-6", 90))
    roll_all(roller_at(rich))
    for span in (1, 2, 3):
        assert leaders(rich, span) == ["account-6", "account-4", "account-3", "account-2"]
    require_first(rich)


def test_of_those_that_used_as_much_the_first_by_name_lead(rich: Desk) -> None:
    spend(rich, [7] * 8)
    roll_all(roller_at(rich))
    assert leaders(rich) == list(ACCOUNTS[:3])
    require_first(rich)


def test_once_leaders_gave_back_what_they_used_others_are_found(rich: Desk) -> None:
    spent = spend(rich, [10, 20, 30, 40, 50, 60, 70, 80])
    roll_all(roller_at(rich))
    assert leaders(rich) == ["account-7", "account-6", "account-5"]
    for reservation in spent[6:]:
        rich.do(refund(reservation, None))
    # There are fewer leaders than may be missing: the read has it added up first.
    require_first(rich)
    assert leaders(rich) == ["account-5", "account-4", "account-3"]
    with psycopg.connect(rich.url) as connection:
        floors = connection.execute("SELECT DISTINCT floor, floor_value FROM usage_floors").fetchall()
    assert floors == [(40, "account-3")]


def test_where_too_few_lead_nobody_is_told_for_want_of_another(rich: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    spend(rich, [10, 20, 30, 40, 50, 60])
    roll_all(roller_at(rich))
    monkeypatch.setattr("creditd.service.usage.usage.MOST_ROUNDS", 1)
    with pytest.raises(UsageBehind):
        analytics(rich, top_size=4)
