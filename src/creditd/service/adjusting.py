"""Adding and removing credits, several types in one work, all or nothing; and writing debt off."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from creditd.domain import errors
from creditd.domain.commands import Add, Remove, WriteOff
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.instant import Instant
from creditd.domain.wallet import Origin, WalletKey
from creditd.ledger.work import Step, Work
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue


class Amount(NamedTuple):
    """How many credits of which type."""

    credit_type: str
    amount: int


class Adjusting:
    """Adds and removes credits, and writes debt off, for staff."""

    def __init__(self, catalogue: Catalogue, make_id: Callable[[], str]) -> None:
        """Name new grants with ``make_id``."""
        self._catalogue = catalogue
        self._make_id = make_id

    def add(
        self,
        call: Call,
        origin: Origin,
        account_id: str,
        amounts: Sequence[Amount],
        *,
        source: Source,
        expire_time: Instant | None,
    ) -> Work:
        """Add credits, and open an account that was never seen, whoever calls: credits are given deliberately.

        Raises CreditTypeNotFound, and InvalidField for a credit type named twice.
        """
        self._check(amounts)
        steps = tuple(
            Step(
                WalletKey(account_id, credit_type),
                Add(
                    origin._replace(ordinal=ordinal),
                    EntryKind.ADMIN_ADD,
                    self._make_id(),
                    source,
                    amount,
                    expire_time,
                ),
            )
            for ordinal, (credit_type, amount) in enumerate(amounts)
        )
        return Work(account_id, origin, steps, call.sink, deadline=call.deadline)

    def remove(self, call: Call, origin: Origin, account_id: str, amounts: Sequence[Amount]) -> Work:
        """Remove credits. Raises CreditTypeNotFound, and InvalidField for a credit type named twice."""
        self._check(amounts)
        steps = tuple(
            Step(WalletKey(account_id, credit_type), Remove(origin._replace(ordinal=ordinal), amount))
            for ordinal, (credit_type, amount) in enumerate(amounts)
        )
        return Work(account_id, origin, steps, call.sink, deadline=call.deadline, opens=call.opens)

    def write_off(self, call: Call, origin: Origin, account_id: str, credit_type: str, amount: int | None) -> Work:
        """Write debt off, all of it if ``amount`` is None. Raises CreditTypeNotFound."""
        self._catalogue.require(credit_type)
        step = Step(WalletKey(account_id, credit_type), WriteOff(origin, amount))
        return Work(account_id, origin, (step,), call.sink, deadline=call.deadline, opens=call.opens)

    def _check(self, amounts: Sequence[Amount]) -> None:
        if len({amount.credit_type for amount in amounts}) < len(amounts):
            raise errors.InvalidField(field="amounts", rule="each credit type at most once")
        for amount in amounts:
            self._catalogue.require(amount.credit_type)
