"""The kinds of waiting, and how they share the connections to the database."""

from collections import Counter
from itertools import cycle
from typing import Final, NamedTuple

READ_SECONDS: Final = 5.0
"""A page takes milliseconds. A query that takes this long is one that no index serves, and its caller has gone."""

STORE_SECONDS: Final = 5.0
"""The webhook adapter has given up by then, and the provider sends the webhook again."""

WRITE_SECONDS: Final = 10.0
"""Several statements and some waiting for others' locks. A database that hangs is told of within it."""

BACKGROUND_SECONDS: Final = 30.0
"""Nobody waits for it; PostgreSQL's own limits end each statement sooner."""

HEALTH_SECONDS: Final = 2.0
"""Probes commonly wait one to three seconds. A database that takes longer for one row cannot be worked with."""


class Kind(NamedTuple):
    """A kind of waiting.

    A job of it may use the database for ``seconds``. One that ``ends_with_caller`` is cut short when nobody waits for
    its answer any more; others are finished once they have begun. ``least`` is how many threads it has at least.
    """

    name: str
    seconds: float
    ends_with_caller: bool
    least: int = 1


HEALTH: Final = Kind("health", HEALTH_SECONDS, ends_with_caller=True)
LOOKUPS: Final = Kind("lookups", READ_SECONDS, ends_with_caller=True)
PAGES: Final = Kind("pages", READ_SECONDS, ends_with_caller=True)
SURVEYS: Final = Kind("surveys", READ_SECONDS, ends_with_caller=True)
WATCHING: Final = Kind("watching", READ_SECONDS, ends_with_caller=True)
VERIFICATION: Final = Kind("verification", READ_SECONDS, ends_with_caller=True)
WEBHOOKS: Final = Kind("webhooks", STORE_SECONDS, ends_with_caller=False)
PAYMENTS: Final = Kind("payments", WRITE_SECONDS, ends_with_caller=False)
CHANGES: Final = Kind("changes", WRITE_SECONDS, ends_with_caller=False)
BACKGROUND: Final = Kind("background", BACKGROUND_SECONDS, ends_with_caller=False)

KINDS: Final = (
    HEALTH, LOOKUPS, PAGES, SURVEYS, WATCHING, VERIFICATION, WEBHOOKS, PAYMENTS, CHANGES, BACKGROUND
)  # fmt: skip
"""Every kind of waiting: health checks; one thing looked up; pages of one account; staff's queries over all accounts;
streams of movements; the ledger verified; webhooks stored; payments applied and purchases made; accounts and the
catalogue changed by staff; what goes on beside the calls."""

LEDGER_CONNECTIONS: Final = 5
"""For the ledger's own threads: batches, what is apart from them, the sweep, balances, and those of heavy accounts."""

LEAST_CONNECTIONS: Final = LEDGER_CONNECTIONS + sum(kind.least for kind in KINDS)
"""Fewer, and one kind would have to wait for another's."""

_MORE: Final = (PAGES, PAYMENTS, LOOKUPS, WEBHOOKS, CHANGES, SURVEYS, BACKGROUND, PAGES, PAYMENTS, PAGES)
"""Who gets the connections beyond these, in turn. With all of them once, each kind that callers wait for has two or
more, so that one that is stuck leaves another."""

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
