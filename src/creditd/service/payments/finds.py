"""Finds: what was met at a provider and cannot be applied, shown to a person once and not each day."""

from collections.abc import Callable

from creditd.domain.payment_event import ParkedCause
from creditd.ledger.clock import DatabaseClock
from creditd.payments.provider import Said
from creditd.service.payments.cases import Cases, references_of
from creditd.service.payments.problems import problem_of
from creditd.service.payments.settlement import Misfit, UnknownPayment
from creditd.storage import payment_events
from creditd.storage.database import Database


class Finds:
    """Shows finds to staff."""

    def __init__(self, database: Database, clock: DatabaseClock, make_id: Callable[[], str]) -> None:
        """Keep them in the inbox of ``database``."""
        self._database = database
        self._clock = clock
        self._cases = Cases(make_id)

    def end(self, said: Said) -> None:
        """End the case of what nobody could place: nothing of it is left to be placed. Blocks."""
        with self._database.transaction() as connection:
            payment_events.end_unplaced(connection, said.provider, references_of(said), self._clock.now())

    def show(self, said: Said, error: Exception) -> bool:
        """Show what was said and could not be applied, and why; return False if a person has put it aside. Blocks."""
        account, purchase = (error.account_id, error.purchase) if isinstance(error, Misfit) else ("", "")
        cause = ParkedCause.UNPLACED if isinstance(error, UnknownPayment) else ParkedCause.OTHER
        with self._database.transaction() as connection:
            return self._cases.show(
                connection,
                said,
                problem_of(error),
                self._clock.now(),
                cause=cause,
                account=account,
                purchase=purchase,
            )
