"""The kinds of waiting (bulkheads), and how they share the connections to the database."""

from collections import Counter
from itertools import cycle
from typing import Final, NamedTuple

READ_SECONDS: Final = 5.0
"""Seconds for reads.

A page takes milliseconds; a query that takes this long has no index, and its caller has given up.
"""

STORE_SECONDS: Final = 5.0
"""Seconds for webhooks: the adapter has given up by then, and the provider repeats the webhook."""

WRITE_SECONDS: Final = 10.0
"""Seconds for changes: several statements, and waiting for locks. A database that hangs is reported within them."""

BACKGROUND_SECONDS: Final = 30.0
"""Seconds for background work, which nobody waits for; PostgreSQL's own limits end each statement sooner."""

HEALTH_SECONDS: Final = 2.0
"""Seconds for health checks. Probes usually wait one to three; a database slower than that cannot be used."""


MAX_WAITING: Final = 1_000
"""Jobs of one kind that may wait for a thread: about a second's worth. Further ones are refused with Overloaded."""


class Kind(NamedTuple):
    """A kind of waiting.

    Its jobs may use the database for ``seconds``. With ``ends_with_caller`` a job is cut short once nobody waits for
    its answer; otherwise a job that has begun is finished. ``least`` is the least number of threads; at most
    ``most_waiting`` jobs wait for one.
    """

    name: str
    seconds: float
    ends_with_caller: bool
    least: int = 1
    most_waiting: int = MAX_WAITING


HEALTH: Final = Kind("health", HEALTH_SECONDS, ends_with_caller=True)
LOOKUPS: Final = Kind("lookups", READ_SECONDS, ends_with_caller=True)
PAGES: Final = Kind("pages", READ_SECONDS, ends_with_caller=True)
SURVEYS: Final = Kind("surveys", READ_SECONDS, ends_with_caller=True)
WATCHING: Final = Kind("watching", READ_SECONDS, ends_with_caller=True)
VERIFICATION: Final = Kind("verification", READ_SECONDS, ends_with_caller=True)
WEBHOOKS: Final = Kind("webhooks", STORE_SECONDS, ends_with_caller=False)
PAYMENTS: Final = Kind("payments", WRITE_SECONDS, ends_with_caller=False)
CHANGES: Final = Kind("changes", WRITE_SECONDS, ends_with_caller=False)
PROMOS: Final = Kind("promos", WRITE_SECONDS, ends_with_caller=False)
RUNS: Final = Kind("runs", WRITE_SECONDS, ends_with_caller=False)
BACKGROUND: Final = Kind("background", BACKGROUND_SECONDS, ends_with_caller=False)

KINDS: Final = (
    HEALTH, LOOKUPS, PAGES, SURVEYS, WATCHING, VERIFICATION, WEBHOOKS, PAYMENTS, CHANGES, PROMOS,
    RUNS, BACKGROUND
)  # fmt: skip
"""Every kind of waiting: health checks; one thing looked up; pages of one account; staff's queries over all accounts;
streams of movements; the ledger verified, and exported; webhooks stored; payments applied and purchases made; accounts
and the catalogue changed by staff; uses of promo codes taken and given back; runs of workflows made, worked on and
ended; background work."""

LEDGER_CONNECTIONS: Final = 5
"""For the ledger's own threads: batches, what is apart from them, the sweep, balances, and those of heavy accounts."""

LEAST_CONNECTIONS: Final = LEDGER_CONNECTIONS + sum(kind.least for kind in KINDS)
"""With fewer, one kind would have to wait for another."""

_MORE: Final = (PAGES, PAYMENTS, LOOKUPS, WEBHOOKS, CHANGES, SURVEYS, PROMOS, RUNS, BACKGROUND, PAGES, PAYMENTS, PAGES)
"""The kinds that get further connections, in turn. After one round each kind that callers wait for has two or more, so
that one stuck job leaves another thread."""

USUAL_CONNECTIONS: Final = LEAST_CONNECTIONS + len(_MORE)


def shares(connections: int) -> dict[Kind, int]:
    """Return how many threads, and so connections, each kind has of a pool. Raises ValueError for a pool too small."""
    if connections < LEAST_CONNECTIONS:
        message = f"{connections} connections are fewer than {LEAST_CONNECTIONS}"
        raise ValueError(message)
    counts = Counter({kind: kind.least for kind in KINDS})
    for kind, _ in zip(cycle(_MORE), range(connections - LEAST_CONNECTIONS), strict=False):
        counts[kind] += 1
    return dict(counts)
