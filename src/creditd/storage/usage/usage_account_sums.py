"""An account's own sums of usage: by quarter of an hour, and by spender and value of the label.

They are read with the entries after them, which are few for one account however busy all are together. So a wallet is
summed once for many entries; ``usage_positions.summed`` says how far.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, text

from creditd.domain.usage.usage import Measure
from creditd.domain.wallet import WalletKey
from creditd.storage.usage.usage_contributions import Dimension, parts_of
from creditd.storage.usage.usage_stretches import AHEAD, QUARTER, Unadded, spans_of

_SUM_UP: Final = text(f"""
WITH {AHEAD}, used AS MATERIALIZED (
    {parts_of("added", [Dimension.LABEL, Dimension.SPENDER])}
), sums AS (
    INSERT INTO usage_sums AS b (account_id, credit_type, edition, start_time, measure, source, amount)
    SELECT c.account_id, c.credit_type, :edition ::integer, {QUARTER}, c.measure, c.source, sum(c.amount)
    FROM added AS c WHERE c.measure <> {int(Measure.HELD)} GROUP BY 1, 2, 4, 5, 6
    ON CONFLICT (account_id, credit_type, edition, start_time, measure, source)
    DO UPDATE SET amount = b.amount + excluded.amount
), parts AS (
    INSERT INTO usage_parts AS b (account_id, credit_type, edition, dimension, start_time, value, used, covered)
    SELECT c.account_id, c.credit_type, :edition ::integer, c.dimension, {QUARTER}, c.value,
           sum(c.used), sum(c.covered)
    FROM used AS c GROUP BY 1, 2, 4, 5, 6
    ON CONFLICT (account_id, credit_type, edition, dimension, start_time, value)
    DO UPDATE SET used = b.used + excluded.used, covered = b.covered + excluded.covered
)
INSERT INTO usage_positions AS p (account_id, credit_type, edition, version, summed)
SELECT account_id, credit_type, :edition ::integer, max(version), max(version) FROM ahead
GROUP BY account_id, credit_type
ON CONFLICT (account_id, credit_type, edition) DO UPDATE SET summed = excluded.summed
RETURNING account_id, credit_type, summed
""")


def sum_up(
    connection: Connection, edition: int, label: str, stretches: Sequence[Unadded], most: int
) -> dict[WalletKey, int]:
    """Add the entries of stretches to the sums of their accounts; return how far that came, by wallet.

    Each is from where its wallet was summed to a version that the rollup has come past. It ends after the entry with
    which ``most`` entries and slices are reached. The caller has the rollup's turn.
    """
    parameters = {**spans_of(stretches), "edition": edition, "label": label, "most": most}
    rows = connection.execute(_SUM_UP, parameters)
    return {WalletKey(account_id, credit_type): summed for account_id, credit_type, summed in rows}
