"""Credit types as rows."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from creditd.domain.credit_type import CreditType
from creditd.domain.instant import Instant
from creditd.storage.tables import credit_types


def all_credit_types(connection: Connection) -> dict[str, CreditType]:
    """Return all credit types, by code."""
    c = credit_types.c
    rows = connection.execute(select(c.code, c.display_name, c.decimals).order_by(c.code))
    return {row.code: CreditType(*row) for row in rows}


def page(connection: Connection, after: str, count: int) -> list[CreditType]:
    """Return the credit types whose codes come after one, by code."""
    c = credit_types.c
    query = select(c.code, c.display_name, c.decimals).where(c.code > after).order_by(c.code).limit(count)
    return [CreditType(*row) for row in connection.execute(query)]


def declare(connection: Connection, credit_type: CreditType, now: Instant) -> CreditType:
    """Make a credit type unless its code exists; return what is stored."""
    values = {**credit_type._asdict(), "create_time": now}
    connection.execute(insert(credit_types).values(values).on_conflict_do_nothing())
    c = credit_types.c
    stored = connection.execute(select(c.code, c.display_name, c.decimals).where(c.code == credit_type.code)).one()
    return CreditType(*stored)
