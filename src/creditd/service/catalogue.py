"""The credit types, kept in memory: they are few, never removed, and named by every call."""

from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from creditd.domain import errors
from creditd.domain.controls.audit_event import Act
from creditd.domain.credit_type import CreditType
from creditd.domain.instant import Instant
from creditd.domain.resource_names import credit_type_name
from creditd.ledger.clock import DatabaseClock
from creditd.service.call import require_text
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage import credit_types
from creditd.storage.controls import audit
from creditd.storage.database import Connection, Database
from creditd.storage.requests import ClaimKind, once

_OWNER: Final = "credit types"
"""The owner of look-ups of unknown credit types, which limits them: calls that name wrong ones may be many."""


class Catalogue:
    """The credit types known to this server; one created elsewhere is looked up when it is first named."""

    def __init__(
        self,
        database: Database,
        clock: DatabaseClock,
        make_id: Callable[[], str],
        threads: Threads,
        tokens: PageTokens,
    ) -> None:
        """Start empty; ``declare_missing`` fills it."""
        self._database = database
        self._clock = clock
        self._make_id = make_id
        self._threads = threads
        self._tokens = tokens
        self._known: dict[str, CreditType] = {}

    def declare_missing(self, wanted: Mapping[str, int]) -> None:
        """Load the credit types, and create those of ``wanted`` (decimals by code) that do not exist.

        Existing ones keep their names. Blocks. Raises CreditTypeExists if one has other decimals.
        """
        known = self._load()
        for code, decimals in wanted.items():
            if code not in known:
                self._declare(CreditType(code, code, decimals))

    async def declare(self, credit_type: CreditType, act: Act) -> tuple[CreditType, bool]:
        """Create a credit type; tell whether the request id had created it before. An equal one is left as it is.

        Raises CreditTypeExists if it exists with other properties, RequestIdReused, InvalidField for a name that cannot
        be stored.
        """
        require_text("credit_type.display_name", credit_type.display_name)
        return await self._threads.changes.submit(lambda: self._declare_once(credit_type, act))

    async def page(self, asked: Asked, show: Callable[[CreditType], Shown]) -> Page[Shown]:
        """Return a page of the credit types in the database, by code, each as ``show`` writes it.

        Raises PageTokenInvalid.
        """
        return await self._threads.lookups.submit(lambda: self._page(asked, show), owner=_OWNER)

    def _page(self, asked: Asked, show: Callable[[CreditType], Shown]) -> Page[Shown]:
        query = query_of("credit_types")
        after = self._tokens.open(query, asked.page_token) if asked.page_token else ""
        with self._database.listing() as connection:
            found = credit_types.page(connection, after, asked.size + 1)
        return self._tokens.page(query, found, asked.size, show, lambda credit_type: credit_type.code)

    async def require(self, *codes: str) -> None:
        """Raise CreditTypeNotFound unless all of these exist."""
        for code in codes:
            if code not in self._known:
                missing = await self.missing(codes)
                if code in missing:
                    raise errors.CreditTypeNotFound(credit_type=code)

    async def chosen(self, codes: Collection[str]) -> list[str]:
        """Return the given codes, each once and sorted; all codes if none is given. Raises CreditTypeNotFound."""
        await self.require(*codes)
        return sorted(set(codes) or self._known)

    async def known(self, codes: Collection[str]) -> dict[str, CreditType]:
        """Return credit types by their codes. Raises CreditTypeNotFound."""
        await self.require(*codes)
        return {code: self._known[code] for code in codes}

    def decimals_of(self, code: str) -> int:
        """Return the decimals of a credit type; 0 for one that this server does not know. From memory."""
        known = self._known.get(code)
        return known.decimals if known else 0

    async def missing(self, codes: Collection[str]) -> AbstractSet[str]:
        """Return those of the codes that do not exist. An unknown one is looked up."""
        if all(code in self._known for code in codes):
            return frozenset()
        known = await self._threads.lookups.submit(self._load, owner=_OWNER)
        return set(codes) - known.keys()

    def _load(self) -> dict[str, CreditType]:
        with self._database.autocommit() as connection:
            self._known = credit_types.all_credit_types(connection)
        return self._known

    def _declare_once(self, credit_type: CreditType, act: Act) -> tuple[CreditType, bool]:
        now = self._clock.now()
        with self._database.transaction() as connection:
            stored, is_repeat = once(
                connection,
                act.origin,
                ClaimKind.CREDIT_TYPE,
                now,
                lambda: self._declare_for(connection, credit_type, act, now),
                lambda fields: CreditType(**fields),
            )
        self._known = {**self._known, stored.code: stored}
        return stored, is_repeat

    def _declare_for(self, connection: Connection, credit_type: CreditType, act: Act, now: Instant) -> CreditType:
        known = credit_types.all_credit_types(connection).get(credit_type.code)
        stored = _declared(connection, credit_type, now)
        name, before = credit_type_name(stored.code), known._asdict() if known else None
        audit.append(connection, act.done(self._make_id(), now, name, before=before, after=stored._asdict()))
        return stored

    def _declare(self, credit_type: CreditType) -> None:
        with self._database.transaction() as connection:
            stored = _declared(connection, credit_type, self._clock.now())
        self._known = {**self._known, stored.code: stored}


def _declared(connection: Connection, credit_type: CreditType, now: Instant) -> CreditType:
    stored = credit_types.declare(connection, credit_type, now)
    if stored != credit_type:
        raise errors.CreditTypeExists(credit_type=credit_type.code)
    return stored
