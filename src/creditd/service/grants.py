"""Grants as objects: what brought each, what is left and held of it, and what was done with it."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from creditd.domain import errors
from creditd.domain.grants import Grant
from creditd.domain.instant import Instant
from creditd.domain.resource_names import grant_name
from creditd.domain.wallet import Rules, WalletKey
from creditd.ledger.clock import DatabaseClock
from creditd.service.catalogue import Catalogue
from creditd.service.explanations import HOLDS_COUNTED
from creditd.service.pages import SCANNED_ROWS, Asked, LedgerPage, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.service.wallet_reader import WalletReader
from creditd.storage import accounts, grants, holds
from creditd.storage.archive.archives import ArchivedPart, archived_parts
from creditd.storage.database import Connection, Database
from creditd.storage.entries import Span, first_versions_at
from creditd.storage.grants import GrantOrigin, GrantUse, StoredGrant, UseFilter
from creditd.storage.holds import Held
from creditd.storage.wallets import GrantKey
from creditd.storage.wallets import versions as versions_of


class GrantStanding(NamedTuple):
    """A grant of a wallet: as it is stored, what is available and held of it, and what brought it."""

    key: WalletKey
    grant: StoredGrant
    available: int
    held: int
    held_is_minimum: bool
    origin: GrantOrigin | None


class WantedUses(NamedTuple):
    """Which uses: of a wallet, and of a grant, a reservation and a time as far as these are stated."""

    key: WalletKey
    grant_id: str = ""
    reservation_id: str = ""
    start_time: Instant | None = None
    end_time: Instant | None = None


class Grants:
    """Looks grants up. All raise DatabaseUnavailable, Overloaded, ShuttingDown.

    Lists raise AccountNotFound and CreditTypeNotFound as well.
    """

    def __init__(
        self,
        database: Database,
        clock: DatabaseClock,
        rules: Rules,
        catalogue: Catalogue,
        threads: Threads,
        tokens: PageTokens,
    ) -> None:
        """Read through ``database``; what has ended and is not in the ledger yet ends by ``rules``."""
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._threads = threads
        self._tokens = tokens
        self._reader = WalletReader(rules)

    async def get(self, key: GrantKey) -> GrantStanding:
        """Return a grant. Raises GrantNotFound."""
        return await self._threads.pages.submit(lambda: self._get(key), owner=key.account_id)

    def _get(self, key: GrantKey) -> GrantStanding:
        wallet = WalletKey(key.account_id, key.credit_type)
        with self._database.listing() as connection:
            found = grants.find(connection, key)
            if found is None:
                raise errors.GrantNotFound(grant=grant_name(*key))
            (standing,) = self._standing(connection, wallet, [found])
        return standing

    async def page(self, key: WalletKey, asked: Asked, show: Callable[[GrantStanding], Shown]) -> Page[Shown]:
        """Return a page of a wallet's grants, newest first, each as ``show`` writes it. Raises PageTokenInvalid."""
        await self._catalogue.require(key.credit_type)
        return await self._threads.pages.submit(lambda: self._page(key, asked, show), owner=key.account_id)

    def _page(self, key: WalletKey, asked: Asked, show: Callable[[GrantStanding], Shown]) -> Page[Shown]:
        query = query_of("grants", account=key.account_id, credit_type=key.credit_type)
        before = self._tokens.open(query, asked.page_token) if asked.page_token else grants.AFTER_ALL
        with self._database.listing() as connection:
            found = grants.page(connection, key, before, asked.size + 1)
            standing = self._standing(connection, key, found)
        return self._tokens.page(query, standing, asked.size, show, lambda one: one.grant.grant_id)

    def _standing(self, connection: Connection, key: WalletKey, found: Sequence[StoredGrant]) -> list[GrantStanding]:
        now = self._clock.now()
        live = {grant.grant_id: grant for grant in self._reader.read(connection, key, now).wallet.grants}
        held = holds.held(connection, key, now, HOLDS_COUNTED)
        origins = grants.origins(connection, key, [grant.grant_id for grant in found])
        return [_standing(key, grant, live, held, origins.get(grant.grant_id)) for grant in found]

    async def uses(self, wanted: WantedUses, asked: Asked, show: Callable[[GrantUse], Shown]) -> LedgerPage[Shown]:
        """Return a page of what was done with grants, oldest first, each as ``show`` writes it.

        A page for which SCANNED_ROWS were looked at ends there, with a token to go on from. Raises PageTokenInvalid.
        """
        await self._catalogue.require(wanted.key.credit_type)
        return await self._threads.pages.submit(lambda: self._uses(wanted, asked, show), owner=wanted.key.account_id)

    def _uses(self, wanted: WantedUses, asked: Asked, show: Callable[[GrantUse], Shown]) -> LedgerPage[Shown]:
        query = query_of(
            "grant uses",
            account=wanted.key.account_id,
            credit_type=wanted.key.credit_type,
            grant=wanted.grant_id,
            reservation=wanted.reservation_id,
            start=wanted.start_time,
            end=wanted.end_time,
        )
        place = self._tokens.open(query, asked.page_token) if asked.page_token else None
        with self._database.listing() as connection:
            if accounts.find(connection, wanted.key.account_id) is None:
                raise errors.AccountNotFound(account_id=wanted.key.account_id)
            whole, archived = _span(connection, wanted)
            first, after = place or (whole.first, 0)
            below = min(whole.below, _end_of_look(connection, wanted, first) or whole.below)
            narrowed = UseFilter(wanted.key, wanted.grant_id, wanted.reservation_id)
            found = grants.uses(connection, narrowed, Span(first, below), after, asked.size + 1)
        page = self._tokens.page(query, found, asked.size, show, lambda use: (use.version, use.place))
        if below < whole.below and not page.next_page_token:
            page = page._replace(next_page_token=self._tokens.seal(query, (below, 0)))
        return LedgerPage(page.items, page.next_page_token, archived)


def _end_of_look(connection: Connection, wanted: WantedUses, first: int) -> int | None:
    """Return the version before which a page ends, so that it looks at SCANNED_ROWS at most; None for no end.

    By the reservation an index finds its entries alone. They may be any number: one may be given more time for ever.
    """
    if wanted.reservation_id:
        return grants.end_of_look(connection, wanted.key.account_id, wanted.reservation_id, first, SCANNED_ROWS)
    return first + SCANNED_ROWS


def _standing(
    key: WalletKey, grant: StoredGrant, live: Mapping[str, Grant], held: Held, origin: GrantOrigin | None
) -> GrantStanding:
    available = live[grant.grant_id].remaining if grant.grant_id in live else 0
    part = held.by_grant.get(grant.grant_id)
    return GrantStanding(key, grant, available, part.amount if part else 0, not held.is_whole, origin)


def _span(connection: Connection, wanted: WantedUses) -> tuple[Span, list[ArchivedPart]]:
    """Return the versions of a wallet that lie within the times, from a grant's origin on if one is asked for.

    They begin with those that are there; what comes before, in files, is returned too.
    """
    account_id, credit_type = wanted.key
    newest = versions_of(connection, [wanted.key]).get(wanted.key, 0)
    versions = {credit_type: newest}
    first = first_versions_at(connection, account_id, versions, wanted.start_time).get(credit_type, 1)
    below = first_versions_at(connection, account_id, versions, wanted.end_time).get(credit_type, newest + 1)
    if wanted.grant_id:
        origin = grants.origins(connection, wanted.key, [wanted.grant_id]).get(wanted.grant_id)
        first = max(first, origin.version if origin else below)
    archived = archived_parts(connection, account_id, [credit_type]).get(credit_type)
    if archived is None or first > archived.last_version:
        return Span(first, below), []
    return Span(archived.last_version, below), [archived]
