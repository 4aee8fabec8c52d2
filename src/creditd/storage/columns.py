"""What a batch changed, column by column: the parameters of the save, an array for each.

A batch of 64 has 60 columns of 64 values. Rows are turned into columns at once, and each column into an array by calls
that loop in C. Rows are in key order: the keys come first in them, so that they sort as they are.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from creditd.domain.entry import Entry, ReservationAfter
from creditd.domain.grants import Grant, Slice
from creditd.domain.limits import NO_USAGE, Count, scopes_of
from creditd.domain.reservation import Reservation
from creditd.domain.wallet import Wallet, WalletKey
from creditd.storage.arrays import flags, identifiers, numbers, of_elements, quoted, texts
from creditd.storage.changes import ChangedGrant, Changes
from creditd.storage.rows import count_to_json
from creditd.storage.slices import graces_to_json, slices_to_json

_NO_RESERVATION = (None,) * len(ReservationAfter._fields)


def columns_of(changes: Changes) -> dict[str, str]:
    """Return the parameters of the save by name: wallets' begin with w, grants' with g, reservations' r, entries' e.

    Where a spender is named, anything is counted or a caller has stated a correlation id, there are those of the counts
    as well, which begin with c.
    """
    documents = _Documents()
    columns = {
        **_wallet_columns(changes),
        **_grant_columns(changes.grants.values()),
        **_reservation_columns(changes.reservations.values(), documents),
        **_entry_columns(changes.entries, documents),
    }
    if any(entry.spender_id or entry.day_delta or entry.correlation_id for entry in changes.entries):
        columns.update(_count_columns(changes))
    return columns


COUNTS: Final = "c_account_id"
"""A column that there is only together with all those of the counts."""


def _count_columns(changes: Changes) -> dict[str, str]:
    """Write what few movements have: counts, and the columns of reservations and entries that are empty otherwise."""
    entries, reservations = sorted(changes.entries), sorted(changes.reservations.values())
    touched = {
        (entry.account_id, entry.credit_type, scope)
        for entry in entries
        if entry.day_delta
        for scope in scopes_of(entry.spender_id)
    }
    keys = sorted(touched)
    account_id, credit_type, spender_id = _columns(keys, 3)
    counts = [(changes.wallets[WalletKey(*key[:2])].usage or NO_USAGE)[key[2]] for key in keys]
    hour, in_hour, day, in_day = _columns(counts, len(Count._fields))
    return {
        COUNTS: texts(account_id),
        "c_credit_type": texts(credit_type),
        "c_spender_id": texts(spender_id),
        "c_hour_start": numbers(hour),
        "c_in_hour": numbers(in_hour),
        "c_day_start": numbers(day),
        "c_in_day": numbers(in_day),
        "r_spender_id": texts([one.spender_id or None for one in reservations]),
        "r_counted": texts([count_to_json(one.counted) for one in reservations]),
        "e_spender_id": texts([entry.spender_id or None for entry in entries]),
        "e_hour_delta": numbers([entry.hour_delta or None for entry in entries]),
        "e_day_delta": numbers([entry.day_delta or None for entry in entries]),
        "e_correlation_id": texts([entry.correlation_id or None for entry in entries]),
    }


class _Documents:
    """The documents of slices; those that an entry and its reservation share are written once."""

    def __init__(self) -> None:
        self._written: dict[int, str] = {}

    def array(self, each: Iterable[tuple[Slice, ...]]) -> str:
        """Write an array of slices' documents."""
        # By identity: all of them live for as long as the changes do, and to hash slices takes longer than to write.
        written, elements = self._written, []
        for slices in each:
            element = written.get(id(slices))
            if element is None:
                element = written[id(slices)] = quoted(slices_to_json(slices))
            elements.append(element)
        return of_elements(elements)


def _columns(rows: Sequence[tuple[Any, ...]], count: int) -> Sequence[tuple[Any, ...]]:
    return tuple(zip(*rows, strict=True)) if rows else ((),) * count


def _wallet_columns(changes: Changes) -> dict[str, str]:
    keys = sorted(changes.wallets)
    account_id, credit_type = _columns(keys, len(WalletKey._fields))
    account, _, version, available, reserved, debt, _, next_expire_time, update_time, _ = _columns(
        [changes.wallets[key] for key in keys], len(Wallet._fields)
    )
    return {
        "w_account_id": texts(account_id),
        "w_credit_type": texts(credit_type),
        "w_base_version": numbers([changes.base_versions[key] for key in keys]),
        "w_version": numbers(version),
        "w_available": numbers(available),
        "w_reserved": numbers(reserved),
        "w_debt": numbers(debt),
        "w_next_expire_time": numbers(next_expire_time),
        "w_account_version": numbers([facts.version for facts in account]),
        "w_update_time": numbers(update_time),
    }


def _grant_columns(grants: Iterable[ChangedGrant]) -> dict[str, str]:
    key, grant, amount = _columns(sorted(grants), len(ChangedGrant._fields))
    account_id, credit_type = _columns(key, len(WalletKey._fields))
    grant_id, source, remaining, expire_time, _ = _columns(grant, len(Grant._fields))
    return {
        "g_account_id": texts(account_id),
        "g_credit_type": texts(credit_type),
        "g_grant_id": identifiers(grant_id),
        "g_source": numbers(source),
        "g_amount": numbers(amount),
        "g_remaining": numbers(remaining),
        "g_expire_time": numbers(expire_time),
        "g_grace_end": numbers([one.expire_time if one.graced else None for one in grant]),
    }


def _reservation_columns(reservations: Iterable[Reservation], documents: _Documents) -> dict[str, str]:
    (
        account_id, credit_type, reservation_id, state, amount, confirmed, refunded, unlimited, slices, expire_time,
        create_time, update_time, reason, metadata, _, _,
    ) = _columns(sorted(reservations), len(Reservation._fields))  # fmt: skip
    return {
        "r_account_id": texts(account_id),
        "r_credit_type": texts(credit_type),
        "r_reservation_id": identifiers(reservation_id),
        "r_state": numbers(state),
        "r_amount": numbers(amount),
        "r_captured": numbers(confirmed),
        "r_refunded": numbers(refunded),
        "r_unlimited": flags(unlimited),
        "r_slices": documents.array(slices),
        "r_expire_time": numbers(expire_time),
        "r_create_time": numbers(create_time),
        "r_update_time": numbers(update_time),
        "r_description": texts(reason),
        "r_metadata": texts([text or None for text in metadata]),
    }


def _entry_columns(entries: Iterable[Entry], documents: _Documents) -> dict[str, str]:
    (
        account_id, credit_type, version, kind, amount, available_delta, reserved_delta, debt_delta, available_after,
        reserved_after, debt_after, slices, reservation, request_id, ordinal, fingerprint, actor, reason, metadata,
        create_time, graces, _, _, _, _,
    ) = _columns(sorted(entries), len(Entry._fields))  # fmt: skip
    reservation_id, state, confirmed, refunded, expire_time = _columns(
        [after or _NO_RESERVATION for after in reservation], len(ReservationAfter._fields)
    )
    return {
        "e_account_id": texts(account_id),
        "e_credit_type": texts(credit_type),
        "e_version": numbers(version),
        "e_kind": numbers(kind),
        "e_amount": numbers(amount),
        "e_available_delta": numbers(available_delta),
        "e_reserved_delta": numbers(reserved_delta),
        "e_debt_delta": numbers(debt_delta),
        "e_available_after": numbers(available_after),
        "e_reserved_after": numbers(reserved_after),
        "e_debt_after": numbers(debt_after),
        "e_slices": documents.array(slices),
        "e_reservation_id": identifiers(reservation_id),
        "e_reservation_state": numbers(state),
        "e_reservation_captured": numbers(confirmed),
        "e_reservation_refunded": numbers(refunded),
        "e_reservation_expire_time": numbers(expire_time),
        "e_request_id": texts(request_id),
        "e_ordinal": numbers(ordinal),
        "e_fingerprint": numbers(fingerprint),
        "e_actor": texts(actor),
        "e_reason": texts(reason),
        "e_metadata": texts([text or None for text in metadata]),
        "e_create_time": numbers(create_time),
        "e_graces": texts(map(graces_to_json, graces)),
    }
