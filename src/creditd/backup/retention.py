"""Which backups are kept. Pure: what there is and a time in, what may go out."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

KEPT: Final = 10
"""The newest so many good ones: a fault that is noticed after a week of daily backups has older ones to go back to."""

DAYS: Final = 30
"""What is older goes, so that what was to be forgotten is forgotten."""


class HeldBackup(NamedTuple):
    """A backup that there is: when it ended, and whether it could be restored from as far as is known."""

    name: str
    ended: datetime
    is_good: bool


def to_drop(held: Iterable[HeldBackup], now: datetime) -> set[str]:
    """Return the names of those that may go: too many, too old, or of no use; never that of the last good one.

    One that is not good counts for nothing, and is kept for a person to look at as long as any other.
    """
    newest_first = sorted(held, key=lambda backup: (backup.ended, backup.name), reverse=True)
    good = [backup for backup in newest_first if backup.is_good]
    old = {backup.name for backup in newest_first if backup.ended < now - timedelta(days=DAYS)}
    return (old | {backup.name for backup in good[KEPT:]}) - {backup.name for backup in good[:1]}
