"""How rows become the domain's values: the columns to select, in order, and the functions that read them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, NamedTuple, TypeVar

import orjson

from creditd.domain.account import Account, AccountStatus
from creditd.domain.entry import Entry, EntryKind, ReservationAfter
from creditd.domain.events.balance_alert import BalanceAlert
from creditd.domain.instant import Instant
from creditd.domain.limits import Count, Limit
from creditd.domain.reservation import Reservation, ReservationState
from creditd.storage.slices import graces_from_json, slices_from_json

LISTED_SLICES = 100
"""The first ones, which a list shows of a movement or a reservation. One that spent 5,000 grants has 5,000."""


def micros(column: str) -> str:
    """Return SQL for a timestamptz as an instant: exact, since extract() of an epoch is numeric."""
    return f"(extract(epoch FROM {column}) * 1000000)::bigint"


def timestamp(micros_sql: str) -> str:
    """Return SQL for an instant as a timestamptz."""
    return f"(timestamptz 'epoch' + {micros_sql} * interval '1 microsecond')"


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant_text(instant: Instant) -> str:
    """Return an instant as a text that PostgreSQL reads as a timestamptz, whatever its settings: a constant to it."""
    return (_EPOCH + timedelta(microseconds=instant)).isoformat()


ACCOUNT_COLUMNS = (
    f"a.account_id, a.version, a.status, a.unlimited, {micros('a.unlimited_until')}, {micros('a.create_time')}, "
    f"{micros('a.update_time')}, a.limits, a.alerts"
)


def account_from(row: Sequence[Any]) -> Account:
    """Read ACCOUNT_COLUMNS."""
    account_id, version, status, unlimited, unlimited_until, create_time, update_time, limits, alerts = row
    return Account(
        account_id,
        version,
        AccountStatus(status),
        unlimited,
        unlimited_until,
        Instant(create_time),
        Instant(update_time),
        limits_from_json(limits),
        alerts_from_json(alerts),
    )


def limits_from_json(document: Any) -> tuple[Limit, ...]:
    """Read limits from what the driver made of them."""
    return tuple([Limit(*parts) for parts in document]) if document else ()


def alerts_from_json(document: Any) -> tuple[BalanceAlert, ...]:
    """Read balance alerts from what the driver made of them."""
    return tuple([BalanceAlert(*parts) for parts in document]) if document else ()


def count_to_json(count: Count | None) -> str | None:
    """Write a reservation's part in the counts as a list of its figures; None if it has none."""
    return None if count is None else f"[{count.hour},{count.in_hour},{count.day},{count.in_day}]"


# In the order of Reservation's fields. The confirmed amount keeps its first column name, ``captured``: migrations only
# add, and a server of the version before still reads and writes it.
RESERVATION_COLUMNS = (
    "r.account_id, r.credit_type, r.reservation_id, r.state, r.amount, r.captured, r.refunded, r.unlimited, r.slices, "
    f"{micros('r.expire_time')}, {micros('r.create_time')}, {micros('r.update_time')}, r.description, r.metadata, "
    "r.spender_id, r.counted"
)


def reservation_from(row: Sequence[Any]) -> Reservation:
    """Read RESERVATION_COLUMNS, from a row or from a JSON array."""
    found = Reservation._make(row)
    return found._replace(
        reservation_id=str(found.reservation_id),
        state=ReservationState(found.state),
        slices=slices_from_json(found.slices),
        metadata=metadata_from(found.metadata),
        spender_id=found.spender_id or "",
        counted=None if found.counted is None else Count(*found.counted),
    )


def _listed(columns: str, slices: str) -> str:
    first = f"jsonb_path_query_array({slices}, '$[0 to {LISTED_SLICES - 1}]')"
    count = f"jsonb_array_length({slices})"
    cut = f"CASE WHEN {count} > {LISTED_SLICES} THEN {first} ELSE {slices} END"
    return f"{columns.replace(slices, cut)}, {count}"


LISTED_RESERVATION_COLUMNS = _listed(RESERVATION_COLUMNS, "r.slices")


class ListedReservation(NamedTuple):
    """A reservation with the first of its slices, and how many it has."""

    reservation: Reservation
    slice_count: int


def listed_reservation_from(row: Sequence[Any]) -> ListedReservation:
    """Read LISTED_RESERVATION_COLUMNS."""
    return ListedReservation(reservation_from(row[:-1]), row[-1])


ENTRY_COLUMNS = (
    "e.account_id, e.credit_type, e.version, e.kind, e.amount, e.available_delta, e.reserved_delta, e.debt_delta, "
    "e.available_after, e.reserved_after, e.debt_after, e.slices, e.reservation_id, e.reservation_state, "
    f"e.reservation_captured, e.reservation_refunded, {micros('e.reservation_expire_time')}, e.request_id, e.ordinal, "
    f"e.fingerprint, e.actor, e.reason, e.metadata, {micros('e.create_time')}, e.graces, "
    "e.spender_id, e.hour_delta, e.day_delta, e.correlation_id"
)


_ENTRY_RESERVATION_END = Entry._fields.index("reservation") + len(ReservationAfter._fields)
"""Where the columns of the reservation of an entry end, of which the domain makes one value."""


def entry_from(row: Sequence[Any]) -> Entry:
    """Read ENTRY_COLUMNS."""
    *figures, slices, reservation_id, state, confirmed, refunded, expire_time = row[:_ENTRY_RESERVATION_END]
    after = None
    if reservation_id is not None:
        after = ReservationAfter(str(reservation_id), ReservationState(state), confirmed, refunded, expire_time)
    found = Entry._make((*figures, slices, after, *row[_ENTRY_RESERVATION_END:]))
    return found._replace(
        kind=EntryKind(found.kind),
        slices=slices_from_json(found.slices),
        metadata=metadata_from(found.metadata),
        graces=graces_from_json(found.graces),
        spender_id=found.spender_id or "",
        hour_delta=found.hour_delta or 0,
        day_delta=found.day_delta or 0,
        correlation_id=found.correlation_id or "",
    )


LISTED_ENTRY_COLUMNS = _listed(ENTRY_COLUMNS.replace("e.graces", "NULL"), "e.slices")


class ListedEntry(NamedTuple):
    """A movement with the first of its slices, how many it has, and no graces, which no list shows."""

    entry: Entry
    slice_count: int


def listed_entry_from(row: Sequence[Any]) -> ListedEntry:
    """Read LISTED_ENTRY_COLUMNS."""
    return ListedEntry(entry_from(row[:-1]), row[-1])


def metadata_from(document: Any) -> str:
    """Read a JSON object of strings as the domain keeps it: text, empty for none."""
    return "" if document is None else orjson.dumps(document).decode()


Named = TypeVar("Named")
Found = TypeVar("Found")


class Light(NamedTuple, Generic[Named, Found]):
    """What was found by its name, and the names of what is too heavy to be loaded together with others."""

    found: dict[Named, Found]
    heavy: set[Named]
