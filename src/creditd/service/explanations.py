"""Why a Reserve was or would be refused, with all figures that bear on it: what staff are asked on the phone."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from creditd.domain import errors
from creditd.domain.account import Account
from creditd.domain.commands import Reserve
from creditd.domain.entry import Entry, EntryKind
from creditd.domain.expiry import Expiration
from creditd.domain.explanation import (
    LimitInForce,
    SourceSummary,
    UntoldFact,
    Verdict,
    by_source,
    explain,
    limits_on,
)
from creditd.domain.grants import Grant, Source
from creditd.domain.instant import Instant
from creditd.domain.limits import NO_USAGE, NOTHING, Count, Usage, are_counted, scopes_of
from creditd.domain.wallet import Origin, Rules, Wallet, WalletKey
from creditd.ledger.clock import DatabaseClock
from creditd.service.catalogue import Catalogue
from creditd.service.historical_balances import HistoricalBalances
from creditd.service.pages import SCANNED_ROWS
from creditd.service.threads import Threads
from creditd.service.wallet_reader import WalletReader
from creditd.storage import accounts, counts, entries, holds
from creditd.storage.archive.archives import archived_parts
from creditd.storage.counts import CountKey
from creditd.storage.database import Connection, Database
from creditd.storage.entries import EntryFilter, Span, first_versions_at
from creditd.storage.historical_balances import HistoricalBalance
from creditd.storage.holds import Held
from creditd.storage.rows import ListedReservation

HOLDS_SHOWN: Final = 20
"""Of those that end first: more than a person reads out on the phone."""

HOLDS_COUNTED: Final = 1_000
"""Holds that are added up by grant: some milliseconds, and far more than one account has at once."""

LAPSES_SHOWN: Final = 10
"""Of what lapsed last: enough for "it was still there yesterday"."""

CHANGES_LOOKED_AT: Final = 1_000
"""Changes of an account among which its status of the past is looked for: years of a staff's work."""

_NOBODY: Final = "00000000-0000-7000-8000-000000000000"
"""The reservation that is decided on and never made; and the grant that stands for all that there was."""


class Question(NamedTuple):
    """A Reserve that is asked about: in which wallet, how much, and by which spender, if any."""

    key: WalletKey
    amount: int
    spender_id: str


class LimitUse(NamedTuple):
    """A limit that binds, and what was counted of it."""

    limit: LimitInForce
    used: Count


class Explanation(NamedTuple):
    """A verdict, the wallet and the instant that it is about, and the figures that bear on it.

    ``lapses`` are entries of what lapsed last, newest first; those above the ledger's version ``written`` are not
    written down yet. ``untold`` is what the past does not tell.
    """

    verdict: Verdict
    wallet: Wallet
    now: Instant
    limits: Sequence[LimitUse]
    sources: Sequence[SourceSummary] = ()
    held: Held = Held({}, 0, is_whole=True)
    first_holds: Sequence[ListedReservation] = ()
    lapses: Sequence[Entry] = ()
    written: int = 0
    untold: Sequence[UntoldFact] = ()


class Explanations:
    """Explains Reserves. All raise DatabaseUnavailable, Overloaded, ShuttingDown; CreditTypeNotFound, AccountNotFound.

    The verdict is the decision itself, on the wallet as the ledger would find it.
    """

    def __init__(
        self,
        database: Database,
        clock: DatabaseClock,
        rules: Rules,
        catalogue: Catalogue,
        historical: HistoricalBalances,
        threads: Threads,
    ) -> None:
        """Read through ``database``, and decide by ``rules``."""
        self._database = database
        self._clock = clock
        self._rules = rules
        self._catalogue = catalogue
        self._historical = historical
        self._threads = threads
        self._reader = WalletReader(rules)

    async def now(self, question: Question) -> Explanation:
        """Explain what a Reserve would be answered now."""
        await self._catalogue.require(question.key.credit_type)
        return await self._threads.pages.submit(lambda: self._now(question), owner=question.key.account_id)

    def _now(self, question: Question) -> Explanation:
        key = question.key
        with self._database.listing() as connection:
            now = self._clock.now()
            wallet, expirations = self._reader.read(connection, key, now, scopes_of(question.spender_id))
            held = holds.held(connection, key, now, HOLDS_COUNTED)
            first = holds.first_holds(connection, key, now, HOLDS_SHOWN)
            lapses = _last_lapses(connection, key, wallet, expirations)
        return Explanation(
            explain(wallet, _reserve(question), max(now, wallet.update_time), self._rules),
            wallet,
            now,
            self._limits(wallet, question.spender_id, now),
            by_source(wallet, now, self._rules.order),
            held,
            first,
            lapses,
            wallet.version - len(expirations),
        )

    async def at(self, question: Question, instant: Instant) -> Explanation:
        """Explain what it would have been answered at an instant, as far as the ledger tells.

        Raises InvalidField for one in the future, or before the account was opened.
        """
        self._historical.require_past(instant)
        await self._catalogue.require(question.key.credit_type)
        return await self._threads.pages.submit(lambda: self._at(question, instant), owner=question.key.account_id)

    def _at(self, question: Question, instant: Instant) -> Explanation:
        account_id, credit_type = question.key
        (figures,) = self._historical.read_at(account_id, [credit_type], instant)
        return self._then(question, figures, instant)

    async def after(self, question: Question, version: int) -> Explanation:
        """Explain what it would have been answered right after a movement. Raises VersionAhead."""
        await self._catalogue.require(question.key.credit_type)
        return await self._threads.pages.submit(lambda: self._after(question, version), owner=question.key.account_id)

    def _after(self, question: Question, version: int) -> Explanation:
        (figures,) = self._historical.read_after(question.key, version)
        return self._then(question, figures, figures.update_time or self._clock.now())

    def _then(self, question: Question, figures: HistoricalBalance, instant: Instant) -> Explanation:
        key, untold = question.key, [UntoldFact.GRANTS, UntoldFact.HOLDS, UntoldFact.LAPSES]
        if self._rules.limits:
            untold.append(UntoldFact.DEFAULT_LIMITS)
        with self._database.listing() as connection:
            account = _account_then(connection, key.account_id, instant, untold)
            usage = self._usage_then(connection, question, account, figures.version, instant, untold)
        wallet = _wallet_then(account, figures, usage)
        verdict = explain(wallet, _reserve(question), instant, self._rules)
        return Explanation(
            verdict, wallet, instant, self._limits(wallet, question.spender_id, instant), untold=tuple(untold)
        )

    def _usage_then(
        self,
        connection: Connection,
        question: Question,
        account: Account,
        version: int,
        instant: Instant,
        untold: list[UntoldFact],
    ) -> Usage | None:
        """Add up what was counted on the day of an instant, for the limits that bind."""
        key = question.key
        if not are_counted(account.limits, self._rules.limits, key.credit_type):
            return None
        day = NOTHING.at(instant).day
        first = first_versions_at(connection, key.account_id, {key.credit_type: version}, day)[key.credit_type]
        archived = archived_parts(connection, key.account_id, [key.credit_type]).get(key.credit_type)
        if version + 1 - first > SCANNED_ROWS or (archived and first <= archived.last_version):
            untold.append(UntoldFact.LIMIT_USAGE)
            first = version + 1
        return {
            scope: counts.counted(connection, CountKey(*key, scope), first, version + 1, instant)
            for scope in scopes_of(question.spender_id)
        }

    def _limits(self, wallet: Wallet, spender_id: str, now: Instant) -> list[LimitUse]:
        usage = wallet.usage or NO_USAGE
        return [
            LimitUse(limit, usage.get(limit.scope, NOTHING).at(now))
            for limit in limits_on(wallet, spender_id, self._rules)
        ]


def _reserve(question: Question) -> Reserve:
    return Reserve(Origin(""), _NOBODY, question.amount, spender_id=question.spender_id)


def _last_lapses(
    connection: Connection, key: WalletKey, wallet: Wallet, expirations: Sequence[Expiration]
) -> list[Entry]:
    """Return the entries of what lapsed last, those first that are not written down yet."""
    unwritten = [each.entry for each in reversed(expirations) if each.entry.kind == EntryKind.EXPIRE]
    wanted = EntryFilter(key.account_id, key.credit_type, (EntryKind.EXPIRE,), None, None, None)
    written = {key.credit_type: Span(1, wallet.version - len(expirations) + 1)}
    found = entries.page(connection, wanted, written, LAPSES_SHOWN)
    return [*unwritten, *[listed.entry for listed in found]][:LAPSES_SHOWN]


def _account_then(connection: Connection, account_id: str, instant: Instant, untold: list[UntoldFact]) -> Account:
    """Return an account as it was at an instant, or as it is if that is not told."""
    account = accounts.find(connection, account_id)
    if account is None:
        raise errors.AccountNotFound(account_id=account_id)
    if instant < account.create_time:
        raise errors.InvalidField(field="as_of_time", rule="not before the account was opened")
    then = accounts.as_it_was(connection, account, instant, CHANGES_LOOKED_AT)
    if then is None:
        untold.append(UntoldFact.ACCOUNT)
    return then or account


def _wallet_then(account: Account, figures: HistoricalBalance, usage: Usage | None) -> Wallet:
    """Return a wallet with the figures of then; which grants they were in is not told, and makes no difference."""
    grants = (Grant(_NOBODY, Source.FREE, figures.available, None),) if figures.available else ()
    return Wallet(
        account,
        figures.credit_type,
        figures.version,
        figures.available,
        figures.reserved,
        figures.debt,
        grants,
        next_expire_time=None,
        update_time=figures.update_time or account.create_time,
        usage=usage,
    )
