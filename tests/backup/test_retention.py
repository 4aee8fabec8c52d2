"""Which backups are kept, whatever there is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditd.backup.retention import DAYS, KEPT, HeldBackup, to_drop

pytestmark = pytest.mark.requirement("I3")

NOW = datetime(2026, 11, 29, tzinfo=UTC)

HELD = st.lists(
    st.builds(
        lambda number, hours, is_good: HeldBackup(f"{number}", NOW - timedelta(hours=hours), is_good),
        st.integers(0, 10**6),
        st.integers(0, 24 * 90),
        st.booleans(),
    ),
    max_size=40,
    unique_by=lambda held: held.name,
)


@settings(deadline=None)
@given(HELD)
def test_the_last_good_one_is_never_dropped(held: list[HeldBackup]) -> None:
    good = [backup for backup in held if backup.is_good]
    if good:
        last = max(backup.ended for backup in good)
        left = {backup.name for backup in good} - to_drop(held, NOW)
        assert any(backup.name in left and backup.ended == last for backup in good)


@settings(deadline=None)
@given(HELD)
def test_what_is_old_goes_and_of_the_rest_the_newest_ten_good_ones_stay(held: list[HeldBackup]) -> None:
    dropped = to_drop(held, NOW)
    kept = [backup for backup in held if backup.name not in dropped]
    good = sorted((backup for backup in held if backup.is_good), key=lambda backup: (backup.ended, backup.name))
    assert sum(backup.is_good for backup in kept) <= KEPT
    oldest = NOW - timedelta(days=DAYS)
    assert [backup for backup in kept if backup.ended < oldest] in ([], good[-1:])
    assert {backup.name for backup in good[-KEPT:] if backup.ended >= oldest} <= {backup.name for backup in kept}


@settings(deadline=None)
@given(HELD)
def test_one_that_is_broken_takes_no_place_of_a_good_one(held: list[HeldBackup]) -> None:
    """And what was dropped once leaves nothing to be dropped."""
    good = [backup for backup in held if backup.is_good]
    assert to_drop(held, NOW) & {backup.name for backup in good} == to_drop(good, NOW)
    dropped = to_drop(held, NOW)
    assert to_drop([backup for backup in held if backup.name not in dropped], NOW) == set()
