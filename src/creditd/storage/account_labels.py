"""Values of the label that the deployment names, such as e-mail addresses, and the accounts that they lead to.

They are written by the rollup of usage, which comes by each movement once, off every call. Case makes no difference.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, text

from creditd.storage.usage.usage_stretches import Unadded, spans_of

VALUE_LENGTH: Final = 255
"""Characters of a value that tell it from others: as many as a search takes."""

MOST_OF_ACCOUNT: Final = 20
"""Values of one account, or a few more: an account has an address or two, and what is another one each time is no
label to find it by."""

MOST_FOUND: Final = 10
"""Accounts that a value leads to: as many as a person looks through."""

_NORMAL: Final = f"left(lower({{}}), {VALUE_LENGTH})"

_NOTE: Final = text(f"""
WITH stated AS (
    SELECT DISTINCT k.account_id, {_NORMAL.format("e.value")} AS value
    FROM unnest(:account_id ::text[], :credit_type ::text[], :after ::bigint[], :last ::bigint[])
         AS k (account_id, credit_type, after, last)
    CROSS JOIN LATERAL (
        SELECT metadata ->> :label ::text AS value FROM entries
        WHERE account_id = k.account_id AND credit_type = k.credit_type AND version > k.after AND version <= k.last
        OFFSET 0
    ) AS e
    WHERE e.value <> ''
)
INSERT INTO account_labels (value, account_id)
SELECT s.value, s.account_id FROM stated AS s
CROSS JOIN LATERAL (
    SELECT count(*) AS labels FROM (
        SELECT 1 FROM account_labels WHERE account_id = s.account_id LIMIT {MOST_OF_ACCOUNT}
    ) AS known
) AS n
WHERE n.labels < {MOST_OF_ACCOUNT}
ORDER BY s.value, s.account_id
ON CONFLICT (value, account_id) DO NOTHING
""")


def note(connection: Connection, label: str, stretches: Sequence[Unadded]) -> None:
    """Note the values of a label in the entries of stretches, each from a wallet's position to its version."""
    connection.execute(_NOTE, {**spans_of(stretches), "label": label})


_FIND: Final = text(f"""
SELECT account_id FROM account_labels WHERE value = {_NORMAL.format(":value ::text")} ORDER BY account_id LIMIT :count
""")


def accounts_of(connection: Connection, value: str) -> list[str]:
    """Return the accounts that a value leads to, up to MOST_FOUND, by account id."""
    return list(connection.execute(_FIND, {"value": value, "count": MOST_FOUND}).scalars())
