"""The credit types, kept in memory: they are few, they are never removed, and every call names one."""

from creditd.domain import errors
from creditd.domain.credit_type import CreditType
from creditd.ledger.clock import DatabaseClock
from creditd.service.call import require_text
from creditd.storage.credit_types import all_credit_types, declare
from creditd.storage.database import Database


class Catalogue:
    """Knows every credit type that this server has seen; one declared elsewhere is looked up when it is first named."""

    def __init__(self, database: Database, clock: DatabaseClock) -> None:
        """Start empty; ``load`` fills it."""
        self._database = database
        self._clock = clock
        self._known: dict[str, CreditType] = {}

    def load(self) -> dict[str, CreditType]:
        """Read all credit types, and return them by code."""
        with self._database.autocommit() as connection:
            self._known = all_credit_types(connection)
        return self._known

    def declare(self, credit_type: CreditType) -> CreditType:
        """Make a credit type; a repeat changes nothing.

        Raises CreditTypeExists if it exists with other properties, InvalidField for a name that no database holds.
        """
        require_text("credit_type.display_name", credit_type.display_name)
        with self._database.transaction() as connection:
            stored = declare(connection, credit_type, self._clock.now())
        self._known = {**self._known, stored.code: stored}
        if stored != credit_type:
            raise errors.CreditTypeExists(credit_type=credit_type.code)
        return stored

    def knows(self, code: str) -> bool:
        """Tell whether a credit type is known here, without looking."""
        return code in self._known

    def require(self, code: str) -> None:
        """Raise CreditTypeNotFound unless the credit type is known here."""
        if code not in self._known:
            raise errors.CreditTypeNotFound(credit_type=code)

    def codes(self) -> list[str]:
        """Return all known codes, sorted."""
        return sorted(self._known)
