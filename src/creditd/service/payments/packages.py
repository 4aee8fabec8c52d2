"""The packages on sale."""

from collections.abc import Callable

from creditd.domain.controls.audit_event import Act
from creditd.domain.errors import InvalidField
from creditd.domain.instant import Instant
from creditd.domain.payments.package import Package
from creditd.domain.payments.payment_errors import PackageExists, PackageNotFound, PackageRetired
from creditd.domain.payments.provider import Provider
from creditd.domain.resource_names import package_name
from creditd.ledger.clock import DatabaseClock
from creditd.payments.limits import limits_of, limits_text
from creditd.service.call import require_text
from creditd.service.catalogue import Catalogue
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage.controls import audit
from creditd.storage.database import Connection, Database
from creditd.storage.payments import packages
from creditd.storage.requests import ClaimKind, once


class Packages:
    """Creates, retires and lists packages."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        clock: DatabaseClock,
        make_id: Callable[[], str],
        threads: Threads,
        tokens: PageTokens,
    ) -> None:
        """Keep them in ``database``."""
        self._database = database
        self._catalogue = catalogue
        self._clock = clock
        self._make_id = make_id
        self._threads = threads
        self._tokens = tokens

    async def create(self, package: Package, act: Act) -> tuple[Package, bool]:
        """Sell a package; tell whether the request id had made it before. One that is as wanted stays as it is.

        Its times are set here. Raises PackageExists if it exists with other properties, CreditTypeNotFound,
        RequestIdReused, InvalidField.
        """
        require_text("package.display_name", package.display_name)
        _require_payable(package)
        await self._catalogue.require(package.credit_type)
        now = self._clock.now()
        return await self._once(
            act, ClaimKind.PACKAGE, now, lambda connection: self._declare(connection, package, act, now)
        )

    async def retire(self, package_id: str, act: Act) -> tuple[Package, bool]:
        """Retire a package; tell whether the request id had done so before. A retired one is left as it is.

        Raises PackageNotFound, RequestIdReused.
        """
        now = self._clock.now()
        return await self._once(
            act, ClaimKind.PACKAGE_RETIREMENT, now, lambda connection: self._retire(connection, package_id, act, now)
        )

    async def _once(
        self, act: Act, kind: ClaimKind, now: Instant, do: Callable[[Connection], Package]
    ) -> tuple[Package, bool]:
        return await self._threads.changes.submit(lambda: self._do_once(act, kind, now, do))

    def _do_once(
        self, act: Act, kind: ClaimKind, now: Instant, do: Callable[[Connection], Package]
    ) -> tuple[Package, bool]:
        with self._database.transaction() as connection:
            return once(connection, act.origin, kind, now, lambda: do(connection), lambda fields: Package(**fields))

    def _declare(self, connection: Connection, package: Package, act: Act, now: Instant) -> Package:
        known = packages.find(connection, package.package_id)
        stored = packages.declare(connection, package._replace(create_time=now, retire_time=None))
        if package._replace(create_time=stored.create_time, retire_time=stored.retire_time) != stored:
            raise PackageExists(package_id=package.package_id)
        self._tell(connection, act, now, known, stored)
        return stored

    def _retire(self, connection: Connection, package_id: str, act: Act, now: Instant) -> Package:
        known = packages.find(connection, package_id)
        if known is None:
            raise PackageNotFound(package_id=package_id)
        packages.retire(connection, package_id, now)
        # One that was retired before keeps its time.
        retired = packages.find(connection, package_id) or known
        self._tell(connection, act, now, known, retired)
        return retired

    def _tell(self, connection: Connection, act: Act, now: Instant, before: Package | None, after: Package) -> None:
        name, was = package_name(after.package_id), before._asdict() if before else None
        audit.append(connection, act.done(self._make_id(), now, name, before=was, after=after._asdict()))

    async def list(self, asked: Asked, show: Callable[[Package], Shown], *, retired: bool) -> Page[Shown]:
        """Return a page of packages by id, each as ``show`` writes it; ``retired`` includes retired ones.

        Raises PageTokenInvalid.
        """
        return await self._threads.lookups.submit(lambda: self._page(asked, show, retired=retired))

    def _page(self, asked: Asked, show: Callable[[Package], Shown], *, retired: bool) -> Page[Shown]:
        query = query_of("packages", retired=retired or None)
        after = self._tokens.open(query, asked.page_token) if asked.page_token else ""
        with self._database.listing() as connection:
            found = packages.page(connection, after, asked.size + 1, retired=retired)
        return self._tokens.page(query, found, asked.size, show, lambda package: package.package_id)


def on_sale(package: Package | None, package_id: str) -> Package:
    """Return a package that was looked up. Raises PackageNotFound, PackageRetired."""
    if package is None:
        raise PackageNotFound(package_id=package_id)
    if package.retire_time is not None:
        raise PackageRetired(package_id=package_id)
    return package


def _require_payable(package: Package) -> None:
    """Raise InvalidField for a price that no provider takes."""
    if not any(limits_of(provider, package.currency).takes(package.amount) for provider in Provider):
        rule = "; ".join(limits_text(provider, package.currency) for provider in Provider)
        raise InvalidField(field="package.price.amount", rule=rule)
