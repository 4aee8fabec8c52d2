"""The domain's values as messages of credit.v1, and the other way round."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import account_pb2, balance_pb2, entry_pb2, reservation_pb2
from creditd.domain import errors
from creditd.domain.account import Account
from creditd.domain.entry import Entry
from creditd.domain.grants import Slice
from creditd.domain.instant import SECOND, Instant
from creditd.domain.reservation import Reservation, ReservationState, reservation_name
from creditd.domain.resource_names import account_name
from creditd.domain.wallet import Wallet
from creditd.server.answer_sizes import GRANTS_SHOWN, SLICES_OF_ONE, SLICES_SHOWN
from creditd.storage.rows import ListedEntry, ListedReservation

Fields = dict[str, Any]
"""A message's fields by name. Within another message they are given as such: a message of its own would be copied."""

number: Callable[[int], Any] = int
"""An enum's value as the messages take it: the stubs know a value by its name alone."""


def timestamp(instant: Instant) -> Timestamp:
    """Write an instant."""
    return Timestamp(**time_fields(instant))


def time_fields(instant: Instant) -> dict[str, int]:
    """Write an instant, or a time that passes, as the fields of a Timestamp or a Duration."""
    seconds, rest = divmod(instant, SECOND)
    return {"seconds": seconds, "nanos": rest * 1_000}


NANOSECONDS = 1_000_000_000
"""In a second."""

FIRST_SECOND = -62_135_596_800
LAST_SECOND = 253_402_300_799
"""Years 1 to 9999, as google.protobuf.Timestamp defines itself; the database takes no more than a little beyond."""

EXACT_SECONDS = 2**53 // SECOND
"""Until the year 2255 the database multiplies microseconds exactly, and whole seconds also after it. The last instant
of the year 9999, which stands for "never" in many systems, would come back from it as the year 10000."""


def instant(value: Timestamp, field: str) -> Instant:
    """Read an instant; what is finer than a microsecond is cut off, or than a second centuries away.

    Raises InvalidField if it is none.
    """
    if not (FIRST_SECOND <= value.seconds <= LAST_SECOND and 0 <= value.nanos < NANOSECONDS):
        raise errors.InvalidField(field=field, rule="a time from year 1 to year 9999")
    exact = abs(value.seconds) < EXACT_SECONDS
    return Instant(value.seconds * SECOND + (value.nanos // 1_000 if exact else 0))


def microseconds(value: Duration) -> int:
    """Read a duration; what is finer than a microsecond is cut off."""
    return value.seconds * SECOND + value.nanos // 1_000


def labels(metadata: str) -> Mapping[str, str] | None:
    """Read labels as the domain keeps them; None if there are none."""
    if not metadata:
        return None
    found: dict[str, str] = orjson.loads(metadata)
    return found


def _slices(slices: Iterable[Slice]) -> list[Fields]:
    return [{"grant_id": part[0], "source": number(part[1]), "amount": part[2]} for part in slices]


def entry_fields(entry: Entry, most_slices: int = SLICES_SHOWN) -> Fields:
    """Write a row of the ledger with the first of its slices, as an Entry's fields."""
    reservation = entry.reservation
    fields = {
        "account_id": entry.account_id,
        "credit_type": entry.credit_type,
        "version": entry.version,
        "kind": number(entry.kind),
        "amount": entry.amount,
        "available_delta": entry.available_delta,
        "reserved_delta": entry.reserved_delta,
        "debt_delta": entry.debt_delta,
        "available_after": entry.available_after,
        "reserved_after": entry.reserved_after,
        "debt_after": entry.debt_after,
        "slices": _slices(entry.slices[:most_slices]),
        "slice_count": len(entry.slices),
        "request_id": entry.request_id,
        "actor": entry.actor,
        "reason": entry.reason,
        "metadata": labels(entry.metadata),
        "create_time": time_fields(entry.create_time),
    }
    if reservation:
        fields["reservation"] = reservation_name(entry.account_id, entry.credit_type, reservation.reservation_id)
    return fields


def entry_message(entry: Entry) -> entry_pb2.Entry:
    """Write a row of the ledger."""
    return entry_pb2.Entry(**entry_fields(entry))


def listed_entry_message(listed: ListedEntry) -> entry_pb2.Entry:
    """Write a row of the ledger of which the first slices were read."""
    return entry_pb2.Entry(**entry_fields(listed.entry) | {"slice_count": listed.slice_count})


def reservation_fields(reservation: Reservation, now: Instant, most_slices: int = SLICES_SHOWN) -> Fields:
    """Write a reservation with the first of its slices, as a Reservation's fields, in an answer of ``now``."""
    return {
        "name": reservation.name,
        "account_id": reservation.account_id,
        "credit_type": reservation.credit_type,
        "state": number(reservation.state),
        "amount": reservation.amount,
        "confirmed_amount": reservation.confirmed,
        "refunded_amount": reservation.refunded,
        "unlimited": reservation.unlimited,
        "slices": _slices(reservation.slices[:most_slices]),
        "slice_count": len(reservation.slices),
        "expire_time": None if reservation.expire_time is None else time_fields(reservation.expire_time),
        "remaining_ttl": _remaining(reservation, now),
        "create_time": time_fields(reservation.create_time),
        "update_time": time_fields(reservation.update_time),
        "reason": reservation.reason,
        "metadata": labels(reservation.metadata),
    }


def _remaining(reservation: Reservation, now: Instant) -> dict[str, int] | None:
    """Return how much of a pending reservation's time is left, as a Duration's fields."""
    if reservation.expire_time is None or reservation.state != ReservationState.PENDING:
        return None
    return time_fields(Instant(max(0, reservation.expire_time - now)))


def reservation_message(reservation: Reservation, now: Instant) -> reservation_pb2.Reservation:
    """Write the one reservation of an answer of ``now``."""
    return reservation_pb2.Reservation(**reservation_fields(reservation, now, SLICES_OF_ONE))


def listed_reservation_message(listed: ListedReservation, now: Instant) -> reservation_pb2.Reservation:
    """Write a reservation of which the first slices were read, in an answer of ``now``."""
    fields = reservation_fields(listed.reservation, now) | {"slice_count": listed.slice_count}
    return reservation_pb2.Reservation(**fields)


def balance_after_fields(entry: Entry) -> Fields:
    """Write the balance as it was right after a movement, as a Balance's fields."""
    return {
        "account_id": entry.account_id,
        "credit_type": entry.credit_type,
        "total": entry.available_after + entry.reserved_after,
        "reserved": entry.reserved_after,
        "available": entry.available_after,
        "debt": entry.debt_after,
        "version": entry.version,
        "update_time": time_fields(entry.create_time),
    }


def balance_after(entry: Entry) -> balance_pb2.Balance:
    """Write the balance as it was right after a movement."""
    return balance_pb2.Balance(**balance_after_fields(entry))


def balance_message(wallet: Wallet) -> balance_pb2.Balance:
    """Write a wallet's figures."""
    return balance_pb2.Balance(
        account_id=wallet.account.account_id,
        credit_type=wallet.credit_type,
        total=wallet.available + wallet.reserved,
        reserved=wallet.reserved,
        available=wallet.available,
        debt=wallet.debt,
        version=wallet.version,
        update_time=timestamp(wallet.update_time) if wallet.version else None,
    )


def wallet_message(wallet: Wallet, most_grants: int = GRANTS_SHOWN) -> balance_pb2.Wallet:
    """Write a wallet, with the first of its grants in spend order."""
    return balance_pb2.Wallet(
        balance=balance_message(wallet),
        grants=[
            balance_pb2.GrantBalance(
                grant_id=grant.grant_id,
                source=number(grant.source),
                available=grant.remaining,
                expire_time=None if grant.expire_time is None else timestamp(grant.expire_time),
            )
            for grant in wallet.grants[:most_grants]
        ],
        grant_count=len(wallet.grants),
    )


def plan_message(account: Account, now: Instant) -> account_pb2.Plan:
    """Write the plan that is in force at an instant."""
    if not account.has_unlimited_plan(now):
        return account_pb2.Plan(kind=account_pb2.PLAN_KIND_STANDARD)
    until = account.unlimited_until
    end_time = None if until is None else timestamp(until)
    return account_pb2.Plan(kind=account_pb2.PLAN_KIND_UNLIMITED, end_time=end_time)


def account_message(account: Account, now: Instant) -> account_pb2.Account:
    """Write an account as it is at an instant."""
    return account_pb2.Account(
        name=account_name(account.account_id),
        account_id=account.account_id,
        status=number(account.status),
        plan=plan_message(account, now),
        version=account.version,
        create_time=timestamp(account.create_time),
        update_time=timestamp(account.update_time),
    )
