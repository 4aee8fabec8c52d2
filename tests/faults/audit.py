"""What callers were told, held against what the ledger has."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from tests.faults.ledger_checks import broken_invariants
from tests.faults.operations import Fate, Operation

_ENTRIES = "SELECT account_id, request_id, version, kind, amount FROM entries WHERE request_id IS NOT NULL"

# Rows are touched in one order by all, so that there are none; each would cost a second.
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"

OF_THE_BATTERY = "battery:"
"""Request ids that begin with this are of the preparations, not of the callers."""

OF_AN_IMPORT = "import:"
"""Those of rows that `creditd import` brings in; its battery counts them itself."""


class Row(NamedTuple):
    """What a caller was told of an entry."""

    version: int
    kind: int
    amount: int


class Findings(NamedTuple):
    """How much was checked, and everything that is wrong."""

    acknowledged: int
    refused: int
    lost: int
    doubled: int
    unresolved: int
    deadlocks: int
    broken: list[str]


def audit(connection: psycopg.Connection, operations: Sequence[Operation]) -> Findings:
    """Read the ledger straight from the database, and look for every operation in it."""
    ledger: dict[tuple[str, str], list[Row]] = {}
    for account_id, request_id, *row in connection.execute(_ENTRIES):
        ledger.setdefault((account_id, request_id), []).append(Row(*row))
    broken = broken_invariants(connection)
    deadlocks = connection.execute(_DEADLOCKS).fetchone()
    found = {o: ledger.pop((o.account_id, o.request_id), []) for o in operations}
    fates = Counter(o.fate for o in operations)
    lost = sum(o.is_done and Row(o.version, o.kind, o.amount) not in rows for o, rows in found.items())
    ghosts = [o for o, rows in found.items() if o.fate is Fate.REFUSED and rows]
    strangers = [key for key in ledger if not key[1].startswith((OF_THE_BATTERY, OF_AN_IMPORT))]
    if ghosts:
        broken.append(f"{len(ghosts)} refused and yet in the ledger, such as {ghosts[0]}")
    if strangers:
        broken.append(f"{len(strangers)} request ids that nobody sent, such as {strangers[0]}")
    return Findings(
        fates[Fate.ACKNOWLEDGED],
        fates[Fate.REFUSED],
        lost,
        sum(len(rows) > 1 for rows in found.values()),
        fates[Fate.UNKNOWN],
        deadlocks[0] if deadlocks else 0,
        broken,
    )
