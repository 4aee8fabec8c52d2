"""Promo codes for staff: made, listed and ended (requirement F1)."""

import secrets
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from creditd.domain.controls.audit_event import Act, Document
from creditd.domain.errors import InvalidField
from creditd.domain.instant import Instant
from creditd.domain.promo.promo_code import PromoCode, PromoCodeState, PromoKind, PromoTerms, require_terms
from creditd.domain.promo.promo_errors import PromoCodeExists, PromoNotFound
from creditd.domain.promo.promo_text import is_possible, normalised, random_code
from creditd.ledger.clock import DatabaseClock
from creditd.service.catalogue import Catalogue
from creditd.service.pages import SCANNED_ROWS, Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage.controls import audit
from creditd.storage.database import Connection, Database
from creditd.storage.promo import promo_codes
from creditd.storage.promo.promo_codes import AFTER_ALL, PromoFilter, PromoLook, PromoPlace
from creditd.storage.requests import ClaimKind, once

MAX_DRAWS: Final = 3
"""Draws of random codes until all are new ones; a second one happens once in the life of no installation."""


class Series(NamedTuple):
    """The answer of one call that made random codes."""

    series_id: str


class PromoCodes:
    """Makes, lists and ends codes. All raise DatabaseUnavailable, Overloaded, ShuttingDown."""

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

    @property
    def now(self) -> Instant:
        """The instant that codes are shown at."""
        return self._clock.now()

    async def create(
        self, display_code: str, terms: PromoTerms, act: Act, *, dry_run: bool = False
    ) -> tuple[PromoCode, bool]:
        """Make a code; tell whether the request id had made it before. A ``dry_run`` makes none.

        An empty ``display_code`` is drawn at random. Raises InvalidField, CreditTypeNotFound, PromoCodeExists,
        RequestIdReused.
        """
        display_code = display_code or random_code(secrets.choice)
        code = normalised(display_code)
        if not is_possible(code):
            rule = "3 to 64 letters from A to Z and digits, beside spaces and dashes"
            raise InvalidField(field="display_code", rule=rule)
        await self._require(terms)
        now = self._clock.now()
        made = PromoCode(code, display_code, self._make_id(), terms, 0, 0, now)
        if dry_run:
            return await self._threads.changes.submit(lambda: self._tried(made)), False
        return await self._threads.changes.submit(lambda: self._create(made, act, now))

    async def _require(self, terms: PromoTerms) -> None:
        require_terms(terms, self._clock.now())
        if terms.credit_type:
            await self._catalogue.require(terms.credit_type)

    def _tried(self, made: PromoCode) -> PromoCode:
        with self._database.autocommit() as connection:
            if promo_codes.find(connection, made.code) is not None:
                raise PromoCodeExists(promo_code=made.name)
        return made

    def _create(self, made: PromoCode, act: Act, now: Instant) -> tuple[PromoCode, bool]:
        def do(connection: Connection) -> _Stored:
            if not promo_codes.add(connection, [made]):
                raise PromoCodeExists(promo_code=made.name)
            audit.append(connection, act.done(self._make_id(), now, made.name, after=_told(made)))
            return _Stored(made.code)

        with self._database.transaction() as connection:
            stored, is_repeat = once(
                connection, act.origin, ClaimKind.PROMO_CODE, now, lambda: do(connection), lambda f: _Stored(**f)
            )
            return _found(connection, stored.code), is_repeat

    async def generate(
        self, prefix: str, count: int, terms: PromoTerms, act: Act, *, dry_run: bool = False
    ) -> tuple[str, list[str], bool]:
        """Make ``count`` random codes, each shown after a ``prefix``; a ``dry_run`` makes none.

        Return the id of their series, the codes as they are shown, and whether the request id had made them before.
        Raises InvalidField, CreditTypeNotFound, RequestIdReused.
        """
        await self._require(terms)
        if dry_run:
            return "", [], False
        return await self._threads.changes.submit(lambda: self._generate(prefix, count, terms, act))

    def _generate(self, prefix: str, count: int, terms: PromoTerms, act: Act) -> tuple[str, list[str], bool]:
        now, series_id = self._clock.now(), self._make_id()

        def do(connection: Connection) -> Series:
            left = count
            for _ in range(MAX_DRAWS):
                left -= promo_codes.add(
                    connection, _drawn(prefix, left, PromoCode("", "", series_id, terms, 0, 0, now))
                )
                if not left:
                    break
            after = {"series_id": series_id, "count": count - left, "prefix": prefix, "terms": _terms(terms)}
            audit.append(connection, act.done(self._make_id(), now, "promoCodes", after=after))
            return Series(series_id)

        with self._database.transaction() as connection:
            series, is_repeat = once(
                connection, act.origin, ClaimKind.PROMO_CODES, now, lambda: do(connection), lambda f: Series(**f)
            )
            return series.series_id, promo_codes.codes_of_series(connection, series.series_id), is_repeat

    async def end(self, code: str, act: Act) -> tuple[PromoCode, bool]:
        """End a code: nobody claims it any more. What was claimed is still given, and purchases keep it.

        One that was ended before stays as it is. Return it, and whether the request id had ended it before. Raises
        PromoNotFound, RequestIdReused.
        """
        now = self._clock.now()
        return await self._threads.changes.submit(lambda: self._end(code, act, now))

    def _end(self, code: str, act: Act, now: Instant) -> tuple[PromoCode, bool]:
        def do(connection: Connection) -> _Stored:
            before = _found(connection, code)
            after = promo_codes.end(connection, code, now) or before
            told = act.done(self._make_id(), now, after.name, before=_told(before), after=_told(after))
            audit.append(connection, told)
            return _Stored(code)

        with self._database.transaction() as connection:
            stored, is_repeat = once(
                connection, act.origin, ClaimKind.PROMO_END, now, lambda: do(connection), lambda f: _Stored(**f)
            )
            return _found(connection, stored.code), is_repeat

    async def get(self, code: str) -> PromoCode:
        """Return a code as it is now. Raises PromoNotFound."""
        return await self._threads.lookups.submit(lambda: self._get(code))

    def _get(self, code: str) -> PromoCode:
        with self._database.autocommit() as connection:
            return _found(connection, code)

    async def page(
        self, caller: str, wanted: PromoFilter, asked: Asked, show: Callable[[PromoCode], Shown]
    ) -> Page[Shown]:
        """Return a page of codes, newest first. Raises PageTokenInvalid.

        A page for which SCANNED_ROWS were looked at ends there, with a token to go on from.
        """
        return await self._threads.surveys.submit(lambda: self._page(wanted, asked, show), owner=caller)

    def _page(self, wanted: PromoFilter, asked: Asked, show: Callable[[PromoCode], Shown]) -> Page[Shown]:
        query = query_of("promo_codes", code=wanted.code, series=wanted.series_id, kind=wanted.kind, state=wanted.state)
        before = PromoPlace(*self._tokens.open(query, asked.page_token)) if asked.page_token else AFTER_ALL
        with self._database.listing() as connection:
            look = self._look(connection, wanted, before, asked.size + 1)
        page = self._tokens.page(query, look.codes, asked.size, show, lambda one: [one.create_time, one.code])
        if look.end is not None and not page.next_page_token:
            return page._replace(next_page_token=self._tokens.seal(query, list(look.end)))
        return page

    def _look(self, connection: Connection, wanted: PromoFilter, before: PromoPlace, count: int) -> PromoLook:
        now = self._clock.now()
        if not wanted.code:
            return promo_codes.page(connection, wanted, before, now, count=count, rows=SCANNED_ROWS)
        found = promo_codes.find(connection, wanted.code)
        return PromoLook([found] if found and _matches(found, wanted, now) else [], None)


class _Stored(NamedTuple):
    """Which code an act was about."""

    code: str


def _found(connection: Connection, code: str) -> PromoCode:
    found = promo_codes.find(connection, code)
    if found is None:
        raise PromoNotFound
    return found


def _drawn(prefix: str, count: int, like: PromoCode) -> Sequence[PromoCode]:
    """Draw codes, each of them another one, that are otherwise like one."""
    shown: dict[str, str] = {}
    while len(shown) < count:
        display_code = random_code(secrets.choice, prefix)
        shown[normalised(display_code)] = display_code
    return [like._replace(code=code, display_code=display_code) for code, display_code in shown.items()]


def _matches(found: PromoCode, wanted: PromoFilter, now: Instant) -> bool:
    kind: PromoKind | None = wanted.kind
    state: PromoCodeState | None = wanted.state
    return (
        kind in {None, found.terms.kind}
        and state in {None, found.state_at(now)}
        and wanted.series_id in {"", found.series_id}
    )


def _terms(terms: PromoTerms) -> Document:
    return terms._asdict() | {"kind": terms.kind.name}


def _told(code: PromoCode) -> Document:
    """Return a code as the audit log shows it."""
    return code._asdict() | {"terms": _terms(code.terms)}
