"""The packages on sale."""

from collections.abc import Sequence

from creditd.domain.errors import InvalidField
from creditd.domain.package import Package
from creditd.domain.payment_errors import PackageExists, PackageNotFound
from creditd.domain.provider import Provider
from creditd.ledger.clock import DatabaseClock
from creditd.payments.limits import limits_of, limits_text
from creditd.service.call import require_text
from creditd.service.catalogue import Catalogue
from creditd.service.threads import Threads
from creditd.storage import packages
from creditd.storage.database import Database


class Packages:
    """Puts packages on sale and takes them off again."""

    def __init__(self, database: Database, catalogue: Catalogue, clock: DatabaseClock, threads: Threads) -> None:
        """Keep them in ``database``."""
        self._database = database
        self._catalogue = catalogue
        self._clock = clock
        self._threads = threads

    async def create(self, package: Package) -> Package:
        """Sell a package; a repeat changes nothing. Its times are set here.

        Raises PackageExists if its id is taken by one with other properties, CreditTypeNotFound, InvalidField.
        """
        require_text("package.display_name", package.display_name)
        _require_payable(package)
        await self._catalogue.require(package.credit_type)
        return await self._threads.changes.submit(lambda: self._declare(package))

    def _declare(self, package: Package) -> Package:
        with self._database.transaction() as connection:
            stored = packages.declare(connection, package._replace(create_time=self._clock.now(), retire_time=None))
        if package._replace(create_time=stored.create_time, retire_time=stored.retire_time) != stored:
            raise PackageExists(package_id=package.package_id)
        return stored

    async def retire(self, package_id: str) -> Package:
        """Sell a package no more; a repeat changes nothing. Raises PackageNotFound."""
        return await self._threads.changes.submit(lambda: self._retire(package_id))

    def _retire(self, package_id: str) -> Package:
        with self._database.transaction() as connection:
            packages.retire(connection, package_id, self._clock.now())
            found = packages.find(connection, package_id)
        if found is None:
            raise PackageNotFound(package_id=package_id)
        return found

    async def list(self, *, retired: bool) -> Sequence[Package]:
        """Return what is on sale, by id; with ``retired`` also what is not any more."""
        return await self._threads.lookups.submit(lambda: self._page(retired=retired))

    def _page(self, *, retired: bool) -> Sequence[Package]:
        with self._database.autocommit() as connection:
            return packages.page(connection, retired=retired)


def _require_payable(package: Package) -> None:
    """Raise InvalidField for a price that no provider takes."""
    if not any(limits_of(provider, package.currency).takes(package.amount) for provider in Provider):
        rule = "; ".join(limits_text(provider, package.currency) for provider in Provider)
        raise InvalidField(field="package.price.amount", rule=rule)
