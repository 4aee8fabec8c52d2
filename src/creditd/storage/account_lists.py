"""Accounts listed by why somebody should look at them, or by when credits of them last moved: each by an index."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.account import Account
from creditd.domain.instant import LAST_SECOND, SECOND, Instant
from creditd.storage.accounts import AFTER_ANY_ID
from creditd.storage.arrays import texts
from creditd.storage.layout import KeyedStatement, is_by_account
from creditd.storage.rows import ACCOUNT_COLUMNS, account_from, micros, timestamp


class Concern(IntEnum):
    """Why somebody should look at an account. The numbers are those of the proto."""

    FLAGGED = 1
    IN_DEBT = 2
    DISPUTED = 3


_ROWS: Final = {
    Concern.FLAGGED: "velocity_states WHERE flag_id IS NOT NULL",
    Concern.IN_DEBT: "wallets WHERE debt > 0",
    Concern.DISPUTED: "purchases WHERE open_disputes > 0",
}
"""Where the rows of a concern are. An index has these alone, by account."""


def _page(rows: str) -> str:
    # One account at a time: an account may have any number of such rows.
    def after(account_id: str) -> str:
        return (
            f"SELECT account_id FROM {rows} AND account_id > {account_id} AND account_id >= :prefix ::text "
            "AND account_id < :prefix_end ::text ORDER BY account_id LIMIT 1"
        )

    return f"""
WITH RECURSIVE found AS (
    (SELECT n.account_id, 1 AS place FROM ({after(":after ::text")}) AS n)
    UNION ALL
    SELECT n.account_id, f.place + 1 FROM found AS f CROSS JOIN LATERAL ({after("f.account_id")}) AS n
    WHERE f.place < :count ::integer
)
{_ACCOUNTS_FOUND}"""


_ACCOUNTS_FOUND: Final = f"""SELECT {ACCOUNT_COLUMNS} FROM found AS f
CROSS JOIN LATERAL (SELECT * FROM accounts WHERE account_id = f.account_id OFFSET 0) AS a
ORDER BY f.place
"""


_ID_FOUND: Final = "SELECT account_id FROM found ORDER BY place"

# Which accounts is asked where the rows of a concern are, and the accounts themselves where these are.
_IDS: Final = {
    concern: text(_page(rows).replace(_ACCOUNTS_FOUND, _ID_FOUND))
    for concern, rows in _ROWS.items()
    if concern is not Concern.IN_DEBT
} | {
    Concern.IN_DEBT: text(f"""
SELECT DISTINCT account_id FROM {_ROWS[Concern.IN_DEBT]} AND account_id > :after ::text
    AND account_id >= :prefix ::text AND account_id < :prefix_end ::text
ORDER BY account_id LIMIT :count
""")
}

_BY_IDS: Final = text(f"""
SELECT {ACCOUNT_COLUMNS} FROM accounts a WHERE a.account_id = ANY (:account_id ::text[]) ORDER BY a.account_id
""")

_PAGES: Final = {concern: text(_page(rows)) for concern, rows in _ROWS.items()}


def page_of_concern(connection: Connection, concern: Concern, prefix: str, after: str, count: int) -> list[Account]:
    """Return the first ``count`` accounts with a concern after an account id, by account id; an empty prefix is any."""
    parameters = {"after": after, "prefix": prefix, "prefix_end": prefix + AFTER_ANY_ID, "count": count}
    if is_by_account(connection):
        found = connection.execute(_IDS[concern], parameters).scalars().all()
        return [account_from(row) for row in connection.execute(_BY_IDS, {"account_id": texts(found)})]
    return [account_from(row) for row in connection.execute(_PAGES[concern], parameters)]


class MovementPlace(NamedTuple):
    """Where an account stands among all, the one that moved last first: on which day of UTC it did, and its id."""

    day: Instant
    account_id: str


class MovedAccount(NamedTuple):
    """An account, and its place."""

    account: Account
    place: MovementPlace


AFTER_ALL: Final = MovementPlace(Instant(LAST_SECOND * SECOND), AFTER_ANY_ID)

_BY_MOVEMENT = text(f"""
SELECT {ACCOUNT_COLUMNS}, {micros("m.move_day")}
FROM (
    SELECT move_day, account_id FROM account_movements
    WHERE (move_day, account_id) < ({timestamp(":day ::bigint")}, :account_id ::text)
    ORDER BY move_day DESC, account_id DESC LIMIT :count
) AS m
CROSS JOIN LATERAL (SELECT * FROM accounts WHERE account_id = m.account_id OFFSET 0) AS a
ORDER BY m.move_day DESC, m.account_id DESC
""")


def page_by_movement(connection: Connection, before: MovementPlace, count: int) -> list[MovedAccount]:
    """Return up to ``count`` accounts before a place, by the day of their last movement, the newest first."""
    rows = connection.execute(_BY_MOVEMENT, before._asdict() | {"count": count})
    found = [(account_from(row[:-1]), row[-1]) for row in rows]
    return [MovedAccount(account, MovementPlace(day, account.account_id)) for account, day in found]


MOST_WALLETS: Final = 1_000
"""Of an account that are looked at for its last movement: more than there are credit types."""

_LAST: Final = KeyedStatement(f"""
SELECT k.account_id, {micros("w.update_time")}
FROM unnest(:account_id ::text[]) AS k (account_id)
CROSS JOIN LATERAL (
    SELECT max(update_time) AS update_time FROM (
        SELECT update_time FROM wallets WHERE account_id = k.account_id LIMIT {MOST_WALLETS}
    ) AS w
) AS w
WHERE w.update_time IS NOT NULL
""")


def last_movements(connection: Connection, account_ids: Sequence[str]) -> dict[str, Instant]:
    """Return when credits of some accounts last moved; those that never did are left out."""
    rows = _LAST.rows(connection, account_ids, lambda some: {"account_id": texts(some)})
    return {account_id: Instant(time) for account_id, time in rows}
