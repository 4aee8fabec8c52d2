"""What providers call purchases: a directory from their ids to our names."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from creditd.domain.purchase import Provider
from creditd.storage.payment_tables import payment_references
from creditd.storage.purchases import Purchase


def refer(connection: Connection, purchase: Purchase, references: Iterable[str]) -> dict[str, str]:
    """Remember what the provider calls a purchase; return those of its names that are another's, and whose."""
    rows = [
        {"provider": int(purchase.provider), "live": purchase.live, "reference": reference, "purchase": purchase.name}
        for reference in sorted(set(references))
    ]
    if not rows:
        return {}
    connection.execute(insert(payment_references).values(rows).on_conflict_do_nothing())
    known = referred(connection, purchase.provider, [str(row["reference"]) for row in rows], live=purchase.live)
    return {reference: name for reference, name in known.items() if name != purchase.name}


def referred(connection: Connection, provider: Provider, references: Sequence[str], *, live: bool) -> dict[str, str]:
    """Return the names of the purchases that a provider's ids stand for, by id."""
    c = payment_references.c
    wanted = [(int(provider), live, reference) for reference in references]
    query = select(c.reference, c.purchase).where(tuple_(c.provider, c.live, c.reference).in_(wanted))
    return {row.reference: row.purchase for row in connection.execute(query)}
