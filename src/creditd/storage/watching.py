"""The versions of many wallets at once."""

from collections.abc import Collection

from sqlalchemy import Connection, text

from creditd.domain.wallet import WalletKey
from creditd.storage.arrays import texts

_VERSIONS = text("""
SELECT k.account_id, k.credit_type, w.version
FROM unnest(:account_id ::text[], :credit_type ::text[]) AS k (account_id, credit_type)
CROSS JOIN LATERAL (
    SELECT version FROM wallets WHERE account_id = k.account_id AND credit_type = k.credit_type OFFSET 0
) AS w
""")


def versions(connection: Connection, keys: Collection[WalletKey]) -> dict[WalletKey, int]:
    """Return the versions of the wallets that exist."""
    parameters = {
        "account_id": texts(key.account_id for key in keys),
        "credit_type": texts(key.credit_type for key in keys),
    }
    rows = connection.execute(_VERSIONS, parameters)
    return {WalletKey(account_id, credit_type): version for account_id, credit_type, version in rows}
