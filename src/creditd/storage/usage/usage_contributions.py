"""What entries add to usage, as SQL written from the one table that says so (:mod:`creditd.domain.usage.usage`)."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final

from creditd.domain.entry import EntryKind
from creditd.domain.usage.usage import COVERED, NO_SOURCE, PARTS, USED, Basis, Measure

LABEL_LENGTH: Final = 100
"""Characters of a label's value that tell it from others: keys of a table are short, metadata need not be."""


class Dimension(IntEnum):
    """What usage is broken down by. The numbers are those of the rows."""

    ACCOUNT = 0
    LABEL = 1
    SPENDER = 2


def _measure_by(basis: Basis) -> str:
    """Return SQL for the measure that an entry ``e`` adds to by a basis; null for none."""
    cases = []
    for kind, parts in PARTS.items():
        by_basis = [part for part in parts if part.basis == basis]
        for measure, _, state in by_basis:
            of_state = f" AND e.reservation_state = {int(state)}" if state is not None else ""
            cases.append(f"WHEN e.kind = {int(kind)}{of_state} THEN {int(measure)}")
    return f"CASE {' '.join(cases)} END"


ENTRY_COLUMNS: Final = (
    "account_id, credit_type, version, kind, amount, reserved_delta, debt_delta, slices, reservation_id, "
    "reservation_state, create_time"
)
"""Of the entries that ``contributions_of`` is about."""

_SLICED: Final = "(SELECT coalesce(sum((s ->> 'amount')::numeric), 0) FROM jsonb_array_elements(e.slices) AS s)"

_AMOUNTS: Final[Mapping[Basis, str]] = {
    Basis.REST: f"e.amount - {_SLICED}",
    Basis.DEBT_PAID: "greatest(-e.debt_delta, 0)::numeric",
    Basis.RESERVED: "e.reserved_delta::numeric",
}

_KEYS: Final = "e.account_id, e.credit_type, e.create_time, e.reservation_id"


def contributions_of(entries: str) -> str:
    """Return SQL for what entries add, a row for each amount of a measure and a source that is not 0.

    ``entries`` is a relation with ENTRY_COLUMNS. A row also says of which wallet, when and by which reservation.
    """
    slices = f"""
    SELECT {_KEYS}, {_measure_by(Basis.SLICES)} AS measure, (s ->> 'source')::smallint AS source,
           (s ->> 'amount')::numeric AS amount
    FROM {entries} AS e CROSS JOIN LATERAL jsonb_array_elements(e.slices) AS s"""
    others = [
        f"""
    SELECT {_KEYS}, {_measure_by(basis)}, {NO_SOURCE}::smallint, {amount} FROM {entries} AS e
    WHERE {_measure_by(basis)} IS NOT NULL"""
        for basis, amount in _AMOUNTS.items()
    ]
    union = " UNION ALL ".join([slices, *others])
    return f"SELECT * FROM ({union}) AS c WHERE measure IS NOT NULL AND amount <> 0"


def signed(measures: Mapping[Measure, int], amount: str = "c.amount") -> str:
    """Return SQL for an amount with the sign that its measure has among some, 0 for any other."""
    added = ", ".join(str(int(measure)) for measure, sign in measures.items() if sign > 0)
    taken = ", ".join(str(int(measure)) for measure, sign in measures.items() if sign < 0)
    return f"CASE WHEN c.measure IN ({added}) THEN {amount} WHEN c.measure IN ({taken}) THEN -{amount} ELSE 0 END"


_PARTS: Final[Mapping[Dimension, str]] = {
    Dimension.LABEL: f"left(r.metadata ->> :label ::text, {LABEL_LENGTH})",
    Dimension.SPENDER: "r.spender_id",
}


def parts_of(contributions: str, dimensions: Sequence[Dimension]) -> str:
    """Return SQL for who or what used it, a row for each contribution of use and each of some dimensions of an account.

    ``contributions`` is a relation as of ``contributions_of``; ``:label`` is the key of the label. What the reservation
    was made for counts, for its refunds too. Where only a label is asked for and none is named, no reservation is read.
    """
    values = ", ".join(f"({int(dimension)}::smallint, {_PARTS[dimension]})" for dimension in dimensions)
    unnamed = " AND :label ::text <> ''" if list(dimensions) == [Dimension.LABEL] else ""
    measures = ", ".join(str(int(measure)) for measure in (*USED, *COVERED))
    return f"""
    SELECT c.account_id, c.credit_type, c.create_time, d.dimension, d.value,
           {signed(USED)} AS used, {signed(COVERED)} AS covered
    FROM {contributions} AS c
    CROSS JOIN LATERAL (
        SELECT metadata, spender_id FROM reservations
        WHERE account_id = c.account_id AND reservation_id = c.reservation_id OFFSET 0
    ) AS r
    CROSS JOIN LATERAL (
        VALUES {values}
    ) AS d (dimension, value)
    WHERE c.measure IN ({measures}) AND d.value <> ''{unnamed}"""


def ranked_of(contributions: str, parts: str) -> str:
    """Return SQL for what is ranked over all accounts: accounts themselves, and values of the label.

    The arguments are relations as of ``contributions_of`` and ``parts_of``.
    """
    measures = ", ".join(str(int(measure)) for measure in (*USED, *COVERED))
    return f"""
    SELECT c.credit_type, {int(Dimension.ACCOUNT)}::smallint AS dimension, c.create_time, c.account_id AS value,
           {signed(USED)} AS used, {signed(COVERED)} AS covered
    FROM {contributions} AS c WHERE c.measure IN ({measures})
    UNION ALL
    SELECT credit_type, dimension, create_time, value, used, covered FROM {parts}
    WHERE dimension = {int(Dimension.LABEL)}"""


def _require_one_measure_by_basis() -> None:
    for kind in EntryKind:
        found = [(part.basis, part.state) for part in PARTS[kind]]
        if len(found) != len(set(found)):
            message = f"two measures of {kind.name} by one figure"
            raise AssertionError(message)


_require_one_measure_by_basis()
