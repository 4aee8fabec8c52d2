"""Reserve, Confirm, Refund, Deduct and Extend: each turns a request into a work for the ledger.

The promise of each is its rule in :mod:`creditd.domain`; what is refused is raised where the work's result is awaited.
"""

from collections.abc import Callable

from creditd.domain.commands import Confirm, Deduct, Extend, Refund, Reserve
from creditd.domain.instant import Instant
from creditd.domain.reservation import parse_reservation_name
from creditd.domain.wallet import Origin, WalletKey
from creditd.ledger.work import Step, Work
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue


class Spending:
    """Spends credits."""

    def __init__(self, catalogue: Catalogue, make_id: Callable[[], str]) -> None:
        """Name new reservations with ``make_id``."""
        self._catalogue = catalogue
        self._make_id = make_id

    def reserve(
        self,
        call: Call,
        origin: Origin,
        key: WalletKey,
        amount: int,
        *,
        expire_time: Instant | None,
        ttl: int | None,
        version: int | None,
        dry_run: bool,
    ) -> Work:
        """Hold an amount before the work. Raises CreditTypeNotFound."""
        self._catalogue.require(key.credit_type)
        command = Reserve(origin, self._make_id(), amount, expire_time, ttl, version)
        return _work(call, origin, key, command, dry_run=dry_run)

    def deduct(
        self, call: Call, origin: Origin, key: WalletKey, amount: int, *, version: int | None, dry_run: bool
    ) -> Work:
        """Spend an amount in one step. Raises CreditTypeNotFound."""
        self._catalogue.require(key.credit_type)
        return _work(call, origin, key, Deduct(origin, self._make_id(), amount, version), dry_run=dry_run)

    @staticmethod
    def confirm(
        call: Call, origin: Origin, name: str, amount: int | None, *, allow_excess: bool, version: int | None
    ) -> Work:
        """Spend what is held, or less, or with ``allow_excess`` more."""
        account_id, credit_type, reservation_id = parse_reservation_name(name)
        command = Confirm(origin, reservation_id, amount, allow_excess, version)
        return _work(call, origin, WalletKey(account_id, credit_type), command)

    @staticmethod
    def refund(call: Call, origin: Origin, name: str, amount: int | None, *, version: int | None) -> Work:
        """Give back a pending reservation whole, or part or all of a confirmed one."""
        account_id, credit_type, reservation_id = parse_reservation_name(name)
        return _work(call, origin, WalletKey(account_id, credit_type), Refund(origin, reservation_id, amount, version))

    @staticmethod
    def extend(call: Call, origin: Origin, name: str, *, expire_time: Instant | None, ttl: int | None) -> Work:
        """Give a pending reservation more time."""
        account_id, credit_type, reservation_id = parse_reservation_name(name)
        return _work(call, origin, WalletKey(account_id, credit_type), Extend(origin, reservation_id, expire_time, ttl))


def _work(
    call: Call,
    origin: Origin,
    key: WalletKey,
    command: Reserve | Deduct | Confirm | Refund | Extend,
    *,
    dry_run: bool = False,
) -> Work:
    steps = (Step(key, command),)
    return Work(key.account_id, origin, steps, call.sink, deadline=call.deadline, dry_run=dry_run, opens=call.opens)


def settling(key: WalletKey, call: Call) -> Work:
    """Write down what has ended in a wallet."""
    return Work(key.account_id, Origin(call.subject), (), call.sink, deadline=call.deadline, keys=(key,))


def opening(account_id: str, call: Call) -> Work:
    """Open an account that was never seen, whoever calls."""
    # A wallet without a credit type stands for the account alone.
    return Work(
        account_id, Origin(call.subject), (), call.sink, deadline=call.deadline, keys=(WalletKey(account_id, ""),)
    )
