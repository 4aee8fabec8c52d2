"""What was paid and refunded at the providers, held against the ledger, with none of the service's code."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson
import psycopg

from creditd.development.fakes.deliveries import SentWebhook
from tests.faults.ledger_checks import broken_invariants

_MOVED = """
SELECT metadata ->> 'purchase', count(*) FILTER (WHERE kind = 2), coalesce(sum(amount) FILTER (WHERE kind = 2), 0),
       coalesce(sum(amount) FILTER (WHERE kind = 13), 0)
FROM entries WHERE metadata ? 'purchase' GROUP BY 1
"""

_FIGURES = """
SELECT (SELECT count(*) FROM payment_events WHERE state = 1), (SELECT count(*) FROM payment_events WHERE state = 4),
       (SELECT count(*) FROM payment_events WHERE state = 2 AND attempts > 1),
       (SELECT count(*) FROM purchase_changes WHERE state = 2 AND reason = 'seen at the provider'),
       (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database())
"""


class Due(NamedTuple):
    """How many credits a purchase has to bring in, and to lose again."""

    credited: int
    taken_back: int


class Moved(NamedTuple):
    """What the ledger holds of a purchase: how often it was credited, with how much, and how much was taken back."""

    times: int
    credited: int
    taken_back: int


class Figures(NamedTuple):
    """Events that wait, are parked, or took more than one try; purchases that were found paid; deadlocks."""

    pending: int
    parked: int
    applied_again: int
    found_paid: int
    deadlocks: int


class PaymentFindings(NamedTuple):
    """How much was checked, and everything that is wrong.

    ``lost`` and ``doubled`` count purchases; so do ``kept`` and ``robbed``, from which too little or too much was taken
    back.
    """

    credited: int
    taken_back: int
    lost: int
    doubled: int
    kept: int
    robbed: int
    figures: Figures
    broken: list[str]

    @property
    def is_complete(self) -> bool:
        """Whether nothing is still to come."""
        return not (self.lost or self.kept or self.figures.pending)


def payment_audit(connection: psycopg.Connection, dues: Mapping[str, Due]) -> PaymentFindings:
    """Read the ledger and the inbox straight from the database; ``dues`` are all purchases, by their names."""
    ledger = {name: Moved(*moved) for name, *moved in connection.execute(_MOVED)}
    moves = [(due, ledger.pop(name, Moved(0, 0, 0))) for name, due in dues.items()]
    broken = broken_invariants(connection)
    if ledger:
        broken.append(f"credits of purchases that nobody made: {sorted(ledger)[:3]}")
    (figures,) = connection.execute(_FIGURES)
    return PaymentFindings(
        sum(moved.times > 0 for _, moved in moves),
        sum(moved.taken_back > 0 for _, moved in moves),
        sum(moved.credited < due.credited for due, moved in moves),
        sum(moved.times > 1 or moved.credited > due.credited for due, moved in moves),
        sum(moved.taken_back < due.taken_back for due, moved in moves),
        sum(moved.taken_back > due.taken_back for due, moved in moves),
        Figures(*figures),
        broken,
    )


def missing_events(connection: psycopg.Connection, deliveries: Iterable[SentWebhook]) -> set[str]:
    """Return the keys of the events that were answered with 200 and are not in the inbox."""
    taken = {_key_of(delivery) for delivery in deliveries if delivery.is_done}
    return taken.difference(key for (key,) in connection.execute("SELECT delivery_key FROM payment_events"))


def _key_of(delivery: SentWebhook) -> str:
    _, body = delivery.make()
    if delivery.provider == "lemonsqueezy":
        return hashlib.sha256(body).hexdigest()
    return str(orjson.loads(body)["id"])
