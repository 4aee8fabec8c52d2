"""Attempts: codes that do not exist are counted, so that nobody goes on guessing."""

from hashlib import blake2b
from math import ceil
from typing import Final

from creditd.domain.controls.velocity import VelocityEvent, VelocityKind
from creditd.domain.instant import SECOND, Instant
from creditd.domain.promo.promo_errors import PromoAttemptsLimited
from creditd.ledger.transaction import TransactionLedger
from creditd.service.controls.velocity import Velocity
from creditd.storage.controls import velocity
from creditd.storage.database import Connection

MOST_WRONG_CODES: Final = 20
"""Codes that do not exist, for one account within WRONG_CODES_SECONDS. Who mistypes one tries three or four times; and
of codes of 78 bits nobody finds one so. A code that is tried again counts once."""

WRONG_CODES_SECONDS: Final = 3_600


class PromoAttempts:
    """Counts the wrong codes of accounts, as velocity events: exact on any number of servers."""

    def __init__(self, ledger: TransactionLedger, rules: Velocity) -> None:
        """Count in transactions of ``ledger``, and have ``rules`` judge too."""
        self._ledger = ledger
        self._rules = rules

    @staticmethod
    def require_room(connection: Connection, account_id: str, now: Instant) -> None:
        """Raise PromoAttemptsLimited if an account has tried too many wrong codes in the last hour."""
        since = Instant(now - WRONG_CODES_SECONDS * SECOND)
        times = velocity.last_times(connection, account_id, VelocityKind.PROMO_ATTEMPTS, since, MOST_WRONG_CODES)
        if len(times) >= MOST_WRONG_CODES:
            wait = ceil((min(times) - since) / SECOND)
            raise PromoAttemptsLimited(limit=MOST_WRONG_CODES, retry_seconds=max(1, wait))

    def note(self, account_id: str, code: str) -> None:
        """Count a wrong code, by a digest of it: what was typed may be somebody's secret."""
        subject = blake2b(code.encode(), digest_size=16, person=b"creditd-promo").hexdigest()
        self._ledger.transact(
            lambda transaction: self._rules.count(
                transaction,
                account_id,
                [VelocityEvent(VelocityKind.PROMO_ATTEMPTS, subject, transaction.now)],
            )
        )
