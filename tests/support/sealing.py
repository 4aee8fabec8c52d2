"""Seals of a database that a test may spoil: made, verified, and tampered with behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg

from creditd.domain.controls.seal import NO_SEAL, Seal
from creditd.domain.instant import SECOND
from creditd.domain.wallet import WalletKey
from creditd.ledger.seal_verification import ChainVerification, EntrySealVerification
from creditd.service.controls.sealer import HORIZON, Sealer
from creditd.storage.controls import seals
from tests.support.desk import Desk, desk_at
from tests.support.postgres import admin_url, drop_database
from tests.support.works import act, add, deduct

ACCOUNTS = ("ann", "bob", "eve")
SECONDS_TO_SEAL = HORIZON / SECOND + 1


@contextmanager
def desk_at_copy(template: str) -> Iterator[Desk]:
    """Provide a desk at a copy of a database that nobody is connected to."""
    name, of = f"tests_{uuid4().hex}", urlsplit(template).path[1:]
    with psycopg.connect(admin_url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {of}")
    with desk_at(urlunsplit(urlsplit(template)._replace(path=f"/{name}"))) as desk:
        yield desk
    drop_database(admin_url(), name)


def fill(desk: Desk) -> None:
    """Write five entries and three audit events of each account."""
    for account in ACCOUNTS:
        desk.do(add(account, 100))
        for _ in range(4):
            desk.do(deduct(account, 1))
        for number in range(3):
            desk.accounts.set_plan(account, act(None, number), unlimited=number % 2 == 0, until=None)


def sealing(desk: Desk) -> Sealer:
    """Return a sealer that works when it is told to."""
    return Sealer(desk.database, desk.clock, None)  # type: ignore[arg-type]


def seal_all(desk: Desk) -> Seal:
    """Let time pass, and seal all that there is; return the head."""
    desk.clock.advance(SECONDS_TO_SEAL)
    one, head = sealing(desk), NO_SEAL
    while found := one.seal_once(rests=False):
        head = found
    return head


def held(desk: Desk) -> list[tuple[int, int]]:
    """Return how many events and seals of entries each seal of the chain holds."""
    with desk.database.autocommit() as connection:
        return [(seal.event_count, seal.entry_seal_count) for seal in seals.seals_after(connection, 0, 1_000)]


def sealed_to(desk: Desk) -> dict[str, list[int]]:
    """Return the last versions of the seals of each account's entries."""
    with desk.database.autocommit() as connection:
        found = seals.entry_seals_after(connection, WalletKey("", ""), 0, 1_000)
    versions: dict[str, list[int]] = {}
    for seal in found:
        versions.setdefault(seal.account_id, []).append(seal.last_version)
    return versions


def tampered(desk: Desk, statement: str, *values: object) -> None:
    """Execute a statement as a superuser whom no trigger keeps from it."""
    with psycopg.connect(desk.url) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(statement.encode(), values).rowcount, statement


def chain(desk: Desk, known: Seal = NO_SEAL) -> list[tuple[int, str]]:
    """Verify the chain; return what does not hold."""
    verification = ChainVerification(desk.database, known)
    found: list[tuple[int, str]] = []
    while not verification.is_done:
        found += [(broken.seal_number, broken.problem) for broken in verification.step()]
    return found


def ledgers(desk: Desk, account_id: str | None = None) -> list[tuple[str, int]]:
    """Verify the seals of entries; return the accounts and versions that do not hold."""
    verification, found = EntrySealVerification(desk.database, account_id), []
    while not verification.is_done:
        found += [(broken.wallet.account_id, broken.version) for broken in verification.step()]
    return found
