"""Service accounts: created, changed, listed."""

from collections.abc import Callable
from typing import Any

from creditd.domain.controls.access import MAX_SERVICE_ACCOUNTS, ServiceAccount, require_another, require_own_service
from creditd.domain.controls.access_errors import AccessFull, ServiceAccountExists, ServiceAccountNotFound
from creditd.domain.controls.audit_event import Act
from creditd.domain.errors import VersionMismatch
from creditd.domain.instant import Instant
from creditd.domain.resource_names import service_account_name
from creditd.service.call import Call, require_text
from creditd.service.controls.access_changes import AccessChanges, Mandate
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage.controls import access
from creditd.storage.database import Connection, Database
from creditd.storage.requests import ClaimKind


class ServiceAccounts:
    """Creates, changes and lists service accounts.

    All raise DatabaseUnavailable, Overloaded, ShuttingDown.
    """

    def __init__(self, changes: AccessChanges, database: Database, threads: Threads, tokens: PageTokens) -> None:
        """Create and change them by ``changes``, and list those in ``database``."""
        self._changes = changes
        self._database = database
        self._threads = threads
        self._tokens = tokens

    async def create(self, act: Act, mandate: Mandate, wanted: ServiceAccount) -> tuple[ServiceAccount, bool]:
        """Create a service account; tell whether the request id had done so before.

        Its version and times are set here, and its person, who is the actor's. Raises PermissionDenied;
        ServiceAccountOfAnother if it states somebody else; ServiceAccountExists if there is one of that id, or with one
        of its certificates' names; AccessFull, RequestIdReused, InvalidField.
        """
        require_text("service_account.person", wanted.person)
        return await self._changes.once(
            act,
            mandate,
            ClaimKind.SERVICE_ACCOUNT,
            lambda connection, now: self._create(connection, act, wanted, now),
            _from_fields,
        )

    async def update(
        self, act: Act, mandate: Mandate, wanted: ServiceAccount, version: int | None
    ) -> tuple[ServiceAccount, bool]:
        """Have a service account be as wanted, its person aside; tell whether the request id had done so before.

        Raises PermissionDenied; ServiceAccountNotFound; VersionMismatch if its version is not ``version``; OwnRole if
        the actor itself is that service; ServiceAccountOfAnother if somebody else stands behind it, and it would show
        certificates that it does not show now; ServiceAccountExists if another one shows them; RequestIdReused.
        """
        return await self._changes.once(
            act,
            mandate,
            ClaimKind.SERVICE_ACCOUNT_UPDATE,
            lambda connection, now: self._update(connection, act, mandate, wanted, version, now),
            _from_fields,
        )

    async def page(self, call: Call, asked: Asked, show: Callable[[ServiceAccount], Shown]) -> Page[Shown]:
        """Return a page of service accounts by id, each as ``show`` writes it. Raises PageTokenInvalid."""
        return await self._threads.surveys.submit(lambda: self._page(asked, show), owner=call.subject)

    def _page(self, asked: Asked, show: Callable[[ServiceAccount], Shown]) -> Page[Shown]:
        query = query_of("service_accounts")
        after = self._tokens.open(query, asked.page_token) if asked.page_token else ""
        with self._database.listing() as connection:
            found = access.page_of_service_accounts(connection, after, asked.size + 1)
        return self._tokens.page(query, found, asked.size, show, lambda account: account.service_account_id)

    def _create(self, connection: Connection, act: Act, wanted: ServiceAccount, now: Instant) -> ServiceAccount:
        require_own_service(act.person, wanted.person or act.person, wanted.service_account_id)
        account = wanted._replace(person=act.person, version=1, create_time=now, update_time=now)
        name = service_account_name(account.service_account_id)
        if access.find_service_account(connection, account.service_account_id):
            raise ServiceAccountExists(service_account=name)
        _require_own_certificates(connection, account)
        if access.count_service_accounts(connection) >= MAX_SERVICE_ACCOUNTS:
            raise AccessFull(what="service accounts", maximum=MAX_SERVICE_ACCOUNTS)
        access.add_service_account(connection, account)
        self._changes.tell(connection, act, now, name, None, account)
        return account

    def _update(
        self,
        connection: Connection,
        act: Act,
        mandate: Mandate,
        wanted: ServiceAccount,
        version: int | None,
        now: Instant,
    ) -> ServiceAccount:
        name = service_account_name(wanted.service_account_id)
        known = access.find_service_account(connection, wanted.service_account_id)
        if known is None:
            raise ServiceAccountNotFound(service_account=name)
        if version is not None and version != known.version:
            raise VersionMismatch(stated=version, current=known.version)
        # A person may change what its services do, since it may do more itself; a service may not change itself.
        require_another((mandate.grantee,), name, name)
        if not set(wanted.certificate_names) <= set(known.certificate_names):
            require_own_service(act.person, known.person, known.service_account_id)
        account = wanted._replace(
            person=known.person, version=known.version + 1, create_time=known.create_time, update_time=now
        )
        _require_own_certificates(connection, account)
        access.write_service_account(connection, account)
        self._changes.tell(connection, act, now, name, known, account)
        return account


def _require_own_certificates(connection: Connection, account: ServiceAccount) -> None:
    """Raise ServiceAccountExists if another one shows a certificate of the same name: it tells who calls."""
    owner = access.owner_of_certificate(connection, account.certificate_names, account.service_account_id)
    if owner is not None:
        raise ServiceAccountExists(service_account=service_account_name(owner))


def _from_fields(**fields: Any) -> ServiceAccount:
    """Read an answer that was kept: JSON has lists for tuples."""
    account = ServiceAccount(**fields)
    return account._replace(
        scopes=tuple(account.scopes),
        accounts=tuple(account.accounts),
        certificate_names=tuple(account.certificate_names),
    )
