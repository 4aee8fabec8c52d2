"""Stretches of wallets' entries as they are added up: of each wallet from one version to another, by weight."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from creditd.domain.wallet import WalletKey
from creditd.storage.arrays import numbers, texts
from creditd.storage.usage.usage_contributions import ENTRY_COLUMNS, contributions_of


class Unadded(NamedTuple):
    """A wallet as far as its ledger goes, as far as it is added up, and as far as the account's own sums have it."""

    wallet: WalletKey
    version: int
    position: int
    summed: int = 0


QUARTER: Final = "date_bin('15 minutes', c.create_time, timestamptz 'epoch')"
"""When the quarter of an hour began in which the entry of a contribution ``c`` was made."""

AHEAD: Final = f"""
weighed AS (
    SELECT e.*, sum(1 + jsonb_array_length(e.slices)) OVER (ORDER BY k.place, e.version) AS weight
    FROM unnest(:account_id ::text[], :credit_type ::text[], :after ::bigint[], :last ::bigint[])
         WITH ORDINALITY AS k (account_id, credit_type, after, last, place)
    CROSS JOIN LATERAL (
        SELECT {ENTRY_COLUMNS} FROM entries
        WHERE account_id = k.account_id AND credit_type = k.credit_type AND version > k.after AND version <= k.last
        OFFSET 0
    ) AS e
), ahead AS MATERIALIZED (
    SELECT * FROM weighed WHERE weight - 1 - jsonb_array_length(slices) < :most ::bigint
), added AS MATERIALIZED (
    {contributions_of("ahead")}
)"""
"""The entries of stretches up to the one with which ``most`` entries and slices are reached, and what they add."""


def spans_of(stretches: Sequence[Unadded]) -> dict[str, str]:
    """Return the parameters of AHEAD for stretches, each from a wallet's position to its version."""
    return {
        "account_id": texts(one.wallet.account_id for one in stretches),
        "credit_type": texts(one.wallet.credit_type for one in stretches),
        "after": numbers(one.position for one in stretches),
        "last": numbers(one.version for one in stretches),
    }
