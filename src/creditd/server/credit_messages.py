"""The domain's values as messages of credit.v1, and the other way round."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import account_pb2, balance_pb2, entry_pb2, reservation_pb2
from creditd.domain import errors
from creditd.domain.account import Account
from creditd.domain.controls.approval import BalanceAfter
from creditd.domain.entry import Entry
from creditd.domain.grants import Slice
from creditd.domain.instant import FIRST_SECOND, LAST_SECOND, SECOND, Instant
from creditd.domain.reservation import Reservation, ReservationState, reservation_name
from creditd.domain.resource_names import account_name
from creditd.domain.wallet import Wallet
from creditd.server.answer_sizes import GRANTS_SHOWN, SLICES_SHOWN
from creditd.storage.archive.archives import ArchivedPart
from creditd.storage.historical_balances import HistoricalBalance
from creditd.storage.rows import ListedEntry, ListedReservation


def number(value: int) -> Any:
    """Give an enum's value as the messages take it: the stubs know a value by its name alone."""
    return value


# The messages of every movement are written field by field into the answer that they belong to. Made of keyword
# arguments, or of dictionaries for those within, they would take half as long again; as bytes written by hand as long.


def timestamp(instant: Instant) -> Timestamp:
    """Write an instant."""
    message = Timestamp()
    write_time(message, instant)
    return message


def write_time(message: Timestamp | Duration, instant: int) -> None:
    """Write an instant, or a time that passes, into a message; it is there then, even if it is zero."""
    seconds, rest = divmod(instant, SECOND)
    message.seconds = seconds
    message.nanos = rest * 1_000


NANOSECONDS = 1_000_000_000
"""In a second."""

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


def labels(metadata: str) -> Mapping[str, str]:
    """Read labels as the domain keeps them where there are some."""
    found: dict[str, str] = orjson.loads(metadata)
    return found


def write_slices(messages: Any, slices: Sequence[Slice]) -> None:
    """Add a message for each slice."""
    for grant_id, source, amount, _, _, _ in slices:
        message = messages.add()
        message.grant_id = grant_id
        message.source = source
        message.amount = amount


def write_entry(message: entry_pb2.Entry, entry: Entry, most_slices: int = SLICES_SHOWN) -> None:
    """Write a row of the ledger, with the first of its slices, into an empty message."""
    message.account_id = entry.account_id
    message.credit_type = entry.credit_type
    message.version = entry.version
    message.kind = number(entry.kind)
    message.amount = entry.amount
    message.available_delta = entry.available_delta
    message.reserved_delta = entry.reserved_delta
    message.debt_delta = entry.debt_delta
    message.available_after = entry.available_after
    message.reserved_after = entry.reserved_after
    message.debt_after = entry.debt_after
    write_slices(message.slices, entry.slices[:most_slices])
    message.slice_count = len(entry.slices)
    if entry.reservation:
        reservation_id = entry.reservation.reservation_id
        message.reservation = reservation_name(entry.account_id, entry.credit_type, reservation_id)
    if entry.request_id:
        message.request_id = entry.request_id
    message.actor = entry.actor
    message.reason = entry.reason
    if entry.metadata:
        message.metadata.update(labels(entry.metadata))
    write_time(message.create_time, entry.create_time)
    if entry.spender_id:
        message.spender_id = entry.spender_id
    if entry.correlation_id:
        message.correlation_id = entry.correlation_id


def entry_message(entry: Entry) -> entry_pb2.Entry:
    """Write a row of the ledger."""
    message = entry_pb2.Entry()
    write_entry(message, entry)
    return message


def listed_entry_message(listed: ListedEntry) -> entry_pb2.Entry:
    """Write a row of the ledger of which the first slices were read."""
    message = entry_message(listed.entry)
    message.slice_count = listed.slice_count
    return message


def archived_messages(parts: Sequence[ArchivedPart]) -> list[entry_pb2.ArchivedEntries]:
    """Write where the older parts of ledgers are."""
    return [
        entry_pb2.ArchivedEntries(
            credit_type=part.credit_type,
            before_version=part.last_version,
            before_time=timestamp(part.last_time),
            file=part.file,
        )
        for part in parts
    ]


def write_reservation(
    message: reservation_pb2.Reservation, reservation: Reservation, now: Instant, most_slices: int = SLICES_SHOWN
) -> None:
    """Write a reservation, with the first of its slices, into an empty message of an answer of ``now``."""
    message.name = reservation.name
    message.account_id = reservation.account_id
    message.credit_type = reservation.credit_type
    message.state = number(reservation.state)
    message.amount = reservation.amount
    message.confirmed_amount = reservation.confirmed
    message.refunded_amount = reservation.refunded
    message.unlimited = reservation.unlimited
    write_slices(message.slices, reservation.slices[:most_slices])
    message.slice_count = len(reservation.slices)
    if reservation.expire_time is not None:
        write_time(message.expire_time, reservation.expire_time)
        if reservation.state == ReservationState.PENDING:
            write_time(message.remaining_ttl, max(0, reservation.expire_time - now))
    write_time(message.create_time, reservation.create_time)
    write_time(message.update_time, reservation.update_time)
    message.reason = reservation.reason
    if reservation.metadata:
        message.metadata.update(labels(reservation.metadata))
    if reservation.spender_id:
        message.spender_id = reservation.spender_id


def listed_reservation_message(listed: ListedReservation, now: Instant) -> reservation_pb2.Reservation:
    """Write a reservation of which the first slices were read, in an answer of ``now``."""
    message = reservation_pb2.Reservation()
    write_reservation(message, listed.reservation, now)
    message.slice_count = listed.slice_count
    return message


def write_balance_after(message: balance_pb2.Balance, entry: Entry) -> None:
    """Write the balance as it was right after a movement into an empty message."""
    available, reserved = entry.available_after, entry.reserved_after
    message.account_id = entry.account_id
    message.credit_type = entry.credit_type
    message.total = available + reserved
    message.reserved = reserved
    message.available = available
    message.debt = entry.debt_after
    message.version = entry.version
    write_time(message.update_time, entry.create_time)


def balance_after(entry: Entry) -> balance_pb2.Balance:
    """Write the balance as it was right after a movement."""
    message = balance_pb2.Balance()
    write_balance_after(message, entry)
    return message


def write_figures(message: balance_pb2.Balance, account_id: str, balance: HistoricalBalance | BalanceAfter) -> None:
    """Write a balance as it was at a moment, or would have been, into an empty message."""
    message.account_id = account_id
    message.credit_type = balance.credit_type
    message.total = balance.available + balance.reserved
    message.reserved = balance.reserved
    message.available = balance.available
    message.debt = balance.debt
    message.version = balance.version
    if balance.update_time is not None:
        write_time(message.update_time, balance.update_time)


def write_balance(message: balance_pb2.Balance, wallet: Wallet) -> None:
    """Write a wallet's figures into an empty message."""
    message.account_id = wallet.account.account_id
    message.credit_type = wallet.credit_type
    message.total = wallet.available + wallet.reserved
    message.reserved = wallet.reserved
    message.available = wallet.available
    message.debt = wallet.debt
    message.version = wallet.version
    if wallet.version:
        write_time(message.update_time, wallet.update_time)


def balance_message(wallet: Wallet) -> balance_pb2.Balance:
    """Write a wallet's figures."""
    message = balance_pb2.Balance()
    write_balance(message, wallet)
    return message


def write_wallet(message: balance_pb2.Wallet, wallet: Wallet, most_grants: int = GRANTS_SHOWN) -> None:
    """Write a wallet, with the first of its grants in spend order, into an empty message."""
    write_balance(message.balance, wallet)
    for grant in wallet.grants[:most_grants]:
        shown = message.grants.add()
        shown.grant_id = grant.grant_id
        shown.source = number(grant.source)
        shown.available = grant.remaining
        if grant.expire_time is not None:
            write_time(shown.expire_time, grant.expire_time)
    message.grant_count = len(wallet.grants)


def write_plan(message: account_pb2.Plan, account: Account, now: Instant) -> None:
    """Write the plan that is in force at an instant into an empty message."""
    if not account.has_unlimited_plan(now):
        message.kind = account_pb2.PLAN_KIND_STANDARD
        return
    message.kind = account_pb2.PLAN_KIND_UNLIMITED
    if account.unlimited_until is not None:
        write_time(message.end_time, account.unlimited_until)


def account_message(account: Account, now: Instant) -> account_pb2.Account:
    """Write an account as it is at an instant."""
    message = account_pb2.Account(
        name=account_name(account.account_id),
        account_id=account.account_id,
        status=number(account.status),
        version=account.version,
        create_time=timestamp(account.create_time),
        update_time=timestamp(account.update_time),
    )
    write_plan(message.plan, account, now)
    return message
