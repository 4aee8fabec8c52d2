"""Which wallets have moved and are not added up: found by the times of the newest entries of all accounts."""

from typing import Final

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.storage.rows import timestamp
from creditd.storage.usage.usage_rollups import POSITIONS, unadded_from
from creditd.storage.usage.usage_stretches import Unadded

_BY_INDEX: Final = text("SELECT set_config('enable_seqscan', 'off', true)")


def go_by_indexes(connection: Connection) -> None:
    """Have statements of the transaction find rows by an index if there is one.

    PostgreSQL cannot tell how many entries are new: by statistics of an empty table it would read all of them.
    """
    connection.execute(_BY_INDEX)


_AMONG_NEWEST: Final = POSITIONS.format(
    wallets="SELECT account_id, credit_type, max(version) AS version FROM newest GROUP BY 1, 2",
    wanted="w.version > coalesce(p.version, 0)",
)

_MOVED: Final = text(f"""
WITH newest AS MATERIALIZED (
    SELECT account_id, credit_type, version FROM entries
    WHERE create_time >= {timestamp(":since ::bigint")} AND create_time < timestamptz 'infinity'
    LIMIT :most ::bigint + 1
)
SELECT n.entries, m.* FROM (SELECT count(*) AS entries FROM newest) AS n
LEFT JOIN ({_AMONG_NEWEST}) AS m ON true
""")


def wallets_moved_since(connection: Connection, edition: int, since: Instant, most: int) -> list[Unadded] | None:
    """Return the wallets of all accounts that have entries made at an instant or later that are not added up.

    Each is as far as the last of these entries goes. If all that was made before is added up, so is each of them as far
    as its ledger goes. None if there are more than ``most`` entries since: one more than that are read at most.
    """
    moved = []
    for entries, account_id, *rest in connection.execute(_MOVED, {"edition": edition, "since": since, "most": most}):
        if entries > most:
            return None
        if account_id is not None:
            moved.append((account_id, *rest))
    return unadded_from(moved)
