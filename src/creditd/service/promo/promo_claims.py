"""Promo claims: a use is taken from its code, then given to the account; or it goes back to the code.

Two steps, by the code and by the account, so that no transaction needs both. Each may be repeated by anybody: the claim
is known by the request that made it, and what the account is given by the same request id.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

from creditd.domain.entry import Entry
from creditd.domain.errors import RequestIdReused, reused
from creditd.domain.instant import Instant
from creditd.domain.payments.package import Package
from creditd.domain.payments.payment_facts import FactKind, PaymentStage
from creditd.domain.payments.purchase import Purchase, PurchaseKey
from creditd.domain.promo.promo_claim import FIRST_PAUSE, ClaimFate, PromoClaim, fate_of, pause_after
from creditd.domain.promo.promo_code import PromoCode, PromoKind, PromoProblem
from creditd.domain.promo.promo_errors import PromoAlreadyUsed, PromoNotFound
from creditd.domain.promo.promo_text import is_possible, normalised
from creditd.domain.wallet import SYSTEM, Origin
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.ledger.work import VersionConflict
from creditd.service.promo.promo_attempts import PromoAttempts
from creditd.storage import accounts
from creditd.storage.database import Connection, Database
from creditd.storage.locks import wait_briefly
from creditd.storage.payments import purchases
from creditd.storage.promo import first_purchase_promos, promo_claims, promo_codes
from creditd.storage.promo.promo_claims import ClaimedMeanwhile
from creditd.storage.requests import ClaimKind, RequestKey, is_repeat, load_claims, load_requests

log = logging.getLogger(__name__)

MAX_TRIES: Final = 10
"""A try fails only where another claim of the account was quicker, which the next one sees."""

REASON: Final = "its promo code was given back"


class Offer(NamedTuple):
    """A use of a code that is claimed for a purchase."""

    code: PromoCode
    claim: PromoClaim

    @property
    def discount(self) -> int:
        """How much less than the package's price is asked for."""
        return self.claim.value if self.code.terms.kind is PromoKind.PERCENT_DISCOUNT else 0

    @property
    def bonus(self) -> int:
        """How many credits come on top of the package's."""
        return self.claim.value if self.code.terms.kind is PromoKind.PERCENT_BONUS else 0

    def applied(self, package: Package) -> Package:
        """Return a package as it is sold with the code."""
        return package._replace(amount=package.amount - self.discount, bonus=package.bonus + self.bonus)


class PromoClaims:
    """Takes uses of codes, and gives them back. All of it blocks, and raises VersionConflict, RecordBusy."""

    def __init__(
        self,
        database: Database,
        ledger: TransactionLedger,
        attempts: PromoAttempts,
        clock: DatabaseClock,
        make_id: Callable[[], str],
    ) -> None:
        """Keep claims in ``database``; change purchases in transactions of ``ledger``."""
        self._database = database
        self._ledger = ledger
        self._attempts = attempts
        self._clock = clock
        self._make_id = make_id

    def claim_credits(self, account_id: str, written: str, origin: Origin) -> PromoClaim | Entry:
        """Take a use of a code that gives credits by itself.

        Return the first entry of a request id that has brought any: the ledger repeats its answer, or refuses. Raises
        AccountClosed, PromoNotFound, PromoExpired, PromoExhausted, PromoAlreadyUsed, PromoNotApplicable,
        PromoAttemptsLimited, RequestIdReused.
        """
        key = RequestKey(account_id, origin.request_id or "")
        with self._database.autocommit() as connection:
            brought, used = load_requests(connection, [key]), load_claims(connection, [key])
        # Whatever the code is: else a request id that was used would tell the codes that there are from others.
        if brought:
            return brought[key][0]
        if used:
            raise used[key]
        code = self._look(account_id, written)
        lifetime, now = code.terms.credits_lifetime, self._clock.now()
        wanted = self._wanted(code, account_id, origin, code.credits_given())._replace(
            credit_type=code.terms.credit_type,
            grant_id=self._make_id(),
            grant_expire_time=None if lifetime is None else Instant(now + lifetime),
        )
        return self._claim(code, wanted)

    def claim_for_purchase(
        self,
        account_id: str,
        written: str,
        package: Package,
        origin: Origin,
        require_taken: Callable[[Package], None],
    ) -> Offer | None:
        """Take a use of a code for a purchase of a package, whose price with it ``require_taken`` has to allow.

        Return None for a request id that is known, whatever the code is: the purchase is repeated, or refused. Raises
        as ``claim_credits`` does, and what ``require_taken`` raises.
        """
        key = RequestKey(account_id, origin.request_id or "")
        with self._database.autocommit() as connection:
            if load_requests(connection, [key]) or load_claims(connection, [key]):
                return None
        code = self._look(account_id, written)
        value = code.value_for(package)
        wanted = self._wanted(code, account_id, origin, value)._replace(
            credit_type=package.credit_type, purchase_id=self._make_id()
        )
        require_taken(Offer(code, wanted).applied(package))
        return Offer(code, self._claim(code, wanted))

    def _look(self, account_id: str, written: str) -> PromoCode:
        """Return the code that is written, for a request id that is not known; one that does not exist is counted."""
        text = normalised(written)
        with self._database.autocommit() as connection:
            self._require_able(connection, account_id)
            code = promo_codes.find(connection, text) if is_possible(text) else None
        if code is None:
            self._attempts.note(account_id, text)
            raise PromoNotFound
        return code

    def _require_able(self, connection: Connection, account_id: str) -> None:
        account = accounts.find(connection, account_id)
        if account is not None:
            account.require_open()
        self._attempts.require_room(connection, account_id, self._clock.now())

    def _wanted(self, code: PromoCode, account_id: str, origin: Origin, value: int) -> PromoClaim:
        now = self._clock.now()
        return PromoClaim(
            code.code,
            account_id,
            0,
            origin.request_id or "",
            origin.fingerprint,
            origin.actor,
            value,
            credit_type="",
            grant_id="",
            grant_expire_time=None,
            purchase_id="",
            claim_time=now,
            tries=0,
            next_try_time=Instant(now + FIRST_PAUSE),
        )

    def _claim(self, code: PromoCode, wanted: PromoClaim) -> PromoClaim:
        for _ in range(MAX_TRIES):
            with suppress(ClaimedMeanwhile), self._database.transaction() as connection:
                wait_briefly(connection)
                known = promo_claims.find_by_request(connection, code.code, wanted.account_id, wanted.request_id)
                if known is not None:
                    return _same(known, wanted)
                if promo_claims.count(connection, code.code, wanted.account_id) >= code.terms.account_limit:
                    raise PromoAlreadyUsed(promo_code=code.name, limit=code.terms.account_limit)
                code.require_usable(self._clock.now())
                claimed = promo_claims.claim(connection, wanted, code.terms.account_limit)
                if claimed is not None:
                    return claimed
                # It was used up or ended meanwhile.
                code = promo_codes.find(connection, code.code) or code
        raise VersionConflict

    def require_first(self, transaction: Transaction, offer: Offer) -> None:
        """Raise PromoNotApplicable for a code for first purchases whose purchase is not one; the account is held."""
        if not offer.code.terms.first_purchase_only:
            return
        key, connection = PurchaseKey(offer.claim.account_id, offer.claim.purchase_id), transaction.connection
        is_first = not first_purchase_promos.has_paid(connection, key.account_id)
        if not (is_first and first_purchase_promos.take(connection, key)):
            raise offer.code.not_applicable(PromoProblem.FIRST_PURCHASE_ONLY)

    def finish(self, claimed: PromoClaim) -> None:
        """Note that a claim's credits are there, or its purchase was paid."""
        with self._database.autocommit() as connection:
            promo_claims.finish(connection, claimed)

    def give_back(self, claimed: PromoClaim) -> None:
        """Give back a claim whose request id can bring nothing any more."""
        with self._database.transaction() as connection:
            wait_briefly(connection)
            if promo_claims.give_back(connection, claimed):
                log.info("a use of a promo code was given back")

    def return_credits(self, claimed: PromoClaim) -> None:
        """Give back a claim whose credits the ledger has refused, once its request id can bring none any more."""
        try:
            self._ledger.transact(lambda transaction: _use_up(transaction, claimed))
        except RequestIdReused:
            # Another try has brought them meanwhile, or the id was used for something else: the worker finds out.
            return
        self.give_back(claimed)

    def look_at_purchase(self, claimed: PromoClaim) -> ClaimFate:
        """Finish the claim of a purchase that was paid, and give back that of one that will not be; return its fate."""
        fate = self._ledger.transact(lambda transaction: _fate(transaction, claimed))
        if fate is ClaimFate.FINISHED:
            self.finish(claimed)
        elif fate is ClaimFate.GIVEN_BACK:
            self.give_back(claimed)
        return fate

    def due(self, most: int) -> list[PromoClaim]:
        """Return claims to look at now, which nobody else looks at for a while."""
        now = self._clock.now()
        with self._database.transaction() as connection:
            ready = promo_claims.due(connection, now, most)
            for one in ready:
                promo_claims.put_off(connection, one.key, Instant(now + pause_after(one.tries)))
        return ready


def _same(known: PromoClaim, wanted: PromoClaim) -> PromoClaim:
    """Return the claim that a request id has made, if its request was the same. Raises RequestIdReused."""
    if known.fingerprint != wanted.fingerprint:
        raise reused(known.request_id, "PROMO_CLAIM", known.claim_time)
    return known


def _use_up(transaction: Transaction, claimed: PromoClaim) -> None:
    """Use up a claim's request id, so that nobody brings what it gives any more. Raises RequestIdReused."""
    account = transaction.hold(claimed.account_id)
    if not is_repeat(transaction.connection, RequestKey(claimed.account_id, claimed.request_id), claimed.fingerprint):
        transaction.claim(account, claimed.request_id, ClaimKind.PROMO_RETURN, claimed.fingerprint)


def _fate(transaction: Transaction, claimed: PromoClaim) -> ClaimFate:
    """Decide what becomes of a purchase's claim, and let the purchase know it."""
    connection, key = transaction.connection, PurchaseKey(claimed.account_id, claimed.purchase_id)
    purchase = purchases.lock(connection, key)
    if purchase is None:
        transaction.hold(claimed.account_id)
        if purchases.find(connection, key) is not None:
            # It was recorded at this moment.
            return ClaimFate.WAITING
        _use_up_if_free(transaction, claimed)
        return ClaimFate.GIVEN_BACK
    if purchase.promo_given_back:
        # Whatever was paid since, the code has nothing to do with it any more.
        return ClaimFate.GIVEN_BACK
    facts = purchases.facts_of(connection, key)
    is_paid = any(fact.kind == FactKind.PAYMENT and fact.stage == PaymentStage.PAID for fact in facts)
    fate = fate_of(purchase, transaction.now, is_paid=is_paid)
    if fate is ClaimFate.GIVEN_BACK:
        _take_from(transaction, purchase)
    return fate


def _use_up_if_free(transaction: Transaction, claimed: PromoClaim) -> None:
    key = RequestKey(claimed.account_id, claimed.request_id)
    if load_requests(transaction.connection, [key]) or load_claims(transaction.connection, [key]):
        # It was used for something else, or used up before: the purchase cannot come any more.
        return
    _use_up(transaction, claimed)


def _take_from(transaction: Transaction, purchase: Purchase) -> None:
    """Take the code from a purchase that was not paid in time. Its row is locked."""
    after = purchase._replace(
        version=purchase.version + 1,
        bonus=purchase.bonus - purchase.promo_bonus,
        promo_bonus=0,
        promo_given_back=True,
        update_time=max(transaction.now, purchase.update_time),
    )
    purchases.write(transaction.connection, after)
    purchases.record(transaction.connection, after, SYSTEM.actor, REASON)
    first_purchase_promos.leave(transaction.connection, purchase.key)
