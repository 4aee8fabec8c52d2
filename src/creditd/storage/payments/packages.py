"""Packages as rows."""

from typing import Any

from sqlalchemy import Connection, Select, select, update
from sqlalchemy.dialects.postgresql import insert

from creditd.domain.instant import Instant
from creditd.domain.payments.package import Package
from creditd.storage.payments.payment_tables import packages


def declare(connection: Connection, package: Package) -> Package:
    """Make a package unless its id exists; return what is stored."""
    connection.execute(insert(packages).values(package._asdict()).on_conflict_do_nothing())
    stored = find(connection, package.package_id)
    assert stored is not None  # noqa: S101 - made above if it was not there, and packages are never deleted.
    return stored


def find(connection: Connection, package_id: str) -> Package | None:
    """Return a package, or None."""
    row = connection.execute(_select().where(packages.c.package_id == package_id)).one_or_none()
    return Package(*row) if row else None


def page(connection: Connection, after: str, count: int, *, retired: bool) -> list[Package]:
    """Return the packages on sale whose ids come after one, by id; with ``retired`` also those not sold any more."""
    query = _select().where(packages.c.package_id > after).order_by(packages.c.package_id).limit(count)
    if not retired:
        query = query.where(packages.c.retire_time.is_(None))
    return [Package(*row) for row in connection.execute(query)]


def retire(connection: Connection, package_id: str, now: Instant) -> None:
    """Take a package off sale, unless it is already."""
    wanted = packages.c.package_id == package_id
    connection.execute(update(packages).where(wanted, packages.c.retire_time.is_(None)).values(retire_time=now))


def _select() -> Select[Any]:
    return select(*(packages.c[name] for name in Package._fields))
