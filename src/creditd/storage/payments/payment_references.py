"""What providers call things: a directory from their ids to the names of our purchases and accounts."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ARRAY, Connection, Text, any_, cast, literal, select
from sqlalchemy.dialects.postgresql import insert

from creditd.domain.payments.provider import Provider
from creditd.storage.payments.payment_tables import payment_references


def refer(
    connection: Connection, provider: Provider, name: str, references: Iterable[str], *, live: bool
) -> dict[str, str]:
    """Remember what a provider calls something of ours; return those of its ids that are another's, and whose."""
    ordered = sorted(set(references))
    if not ordered:
        return {}
    rows = [{"provider": int(provider), "live": live, "reference": each, "name": name} for each in ordered]
    connection.execute(insert(payment_references).values(rows).on_conflict_do_nothing())
    known = referred(connection, provider, ordered, live=live)
    return {reference: other for reference, other in known.items() if other != name}


def referred(connection: Connection, provider: Provider, references: Sequence[str], *, live: bool) -> dict[str, str]:
    """Return the names that a provider's ids stand for, by id."""
    c = payment_references.c
    # One parameter, so that the statement is the same however many are asked for.
    wanted = c.reference == any_(cast(literal(list(references), ARRAY(Text)), ARRAY(Text)))
    query = select(c.reference, c.name).where(c.provider == int(provider), c.live == live, wanted)
    return {row.reference: row.name for row in connection.execute(query)}
