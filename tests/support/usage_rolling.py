"""Usage as a desk has it: rounds of the rollup when told so, and reports without threads."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from creditd.bootstrap.core import Core
from creditd.service.usage.usage import UsageReports
from creditd.service.usage.usage_rollup import RollupRounds, UsageRoller
from creditd.storage.usage.usage_rollups import SERVED, rollup_of
from tests.support.desk import Desk

LABEL = "model"


def roller_at(desk: Desk, label: str = LABEL, search_label: str = "") -> UsageRoller:
    """Return a roller that works when it is told to."""
    return UsageRoller(desk.database, desk.clock, None, label, search_label=search_label)  # type: ignore[arg-type]


def roll_all(roller: UsageRoller) -> int:
    """Add up all that is committed; return how many rounds it took."""
    rounds = 1
    while roller.roll_up_once():
        rounds += 1
    return rounds


def add_up(core: Core) -> None:
    """Have a server add up all that is committed."""
    rounds = RollupRounds(core.database, core.clock, LABEL)
    while rounds.roll_up().has_more:
        pass


class _Now:
    """Runs what is submitted at once."""

    def submit(self, function: Callable[[], Any], owner: str = "") -> Any:
        """Run it."""
        del owner

        async def answer() -> Any:
            return function()

        return answer()


def reports_at(desk: Desk, roller: UsageRoller | None = None) -> UsageReports:
    """Return reports whose reads are done by whoever asks for them."""
    threads: Any = SimpleNamespace(pages=_Now(), surveys=_Now(), background=_Now())
    return UsageReports(desk.database, desk.clock, threads, (roller or roller_at(desk)).roll_up_once)


def positions(desk: Desk) -> dict[tuple[str, str], int]:
    """Return up to which version the rollup that is served has each wallet."""
    with desk.database.autocommit() as connection:
        served = rollup_of(connection, SERVED)
        assert served is not None
        rows = connection.exec_driver_sql(
            "SELECT account_id, credit_type, version FROM usage_positions WHERE edition = %(edition)s",
            {"edition": served.edition},
        )
        return {(account_id, credit_type): version for account_id, credit_type, version in rows}
