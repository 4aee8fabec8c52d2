"""The chain of seals: whatever is changed, removed or put in behind it is found, and where (requirement D2)."""

import hashlib
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from creditd.domain.controls.audit_event import AuditEvent, AuditOutcome
from creditd.domain.instant import SECOND, Instant
from creditd.domain.wallet import WalletKey
from creditd.ledger.ids import Ids
from creditd.storage.controls import audit, seals
from tests.support.desk import Desk, desk_at
from tests.support.sealing import chain, fill, held, ledgers, seal_all, tampered

pytestmark = pytest.mark.requirement("D2", "A6")


def test_what_is_as_it_was_sealed_holds(desk: Desk) -> None:
    seal_all(desk)
    assert held(desk) == [(9, 0), (0, 3)]
    fill(desk)
    head = seal_all(desk)
    assert held(desk) == [(9, 0), (0, 3)] * 2
    assert (chain(desk), ledgers(desk), ledgers(desk, "ann")) == ([], [], [])
    with desk.database.autocommit() as connection:
        assert seals.head(connection) == head


CHANGES = {
    "an entry changed": ("UPDATE entries SET amount = amount + 1 WHERE account_id = 'bob' AND version = 3", 5),
    "a reason changed": ("UPDATE entries SET reason = 'x' WHERE account_id = 'bob' AND version = 5", 5),
    "an entry removed": ("DELETE FROM entries WHERE account_id = 'bob' AND version = 2", 5),
    "the last entry removed": ("DELETE FROM entries WHERE account_id = 'bob' AND version = 5", 5),
    "two entries exchanged": (
        "UPDATE entries SET version = 105 - version WHERE account_id = 'bob' AND version IN (2, 3)",
        5,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_an_entry_is_found_in_its_wallet(desk: Desk, change: str) -> None:
    seal_all(desk)
    statement, version = CHANGES[change]
    tampered(desk, statement)
    if change == "two entries exchanged":
        tampered(desk, "UPDATE entries SET version = version - 100 WHERE account_id = 'bob' AND version > 100")
    assert ledgers(desk) == ledgers(desk, "bob") == [("bob", version)]
    assert ledgers(desk, "ann") == []


def test_an_entry_that_is_put_in_between_is_found(desk: Desk) -> None:
    """With all that follows it moved on by one, and the wallet too."""
    seal_all(desk)
    tampered(desk, "UPDATE entries SET version = version + 101 WHERE account_id = 'bob' AND version > 2")
    tampered(desk, "UPDATE entries SET version = version - 100 WHERE account_id = 'bob' AND version > 100")
    tampered(
        desk,
        "INSERT INTO entries SELECT account_id, credit_type, 3, kind, amount, available_delta, reserved_delta, "
        "debt_delta, available_after, reserved_after, debt_after, slices, NULL, NULL, NULL, NULL, NULL, 'forged', "
        "ordinal, fingerprint, actor, reason, metadata, create_time, graces "
        "FROM entries WHERE account_id = 'bob' AND version = 2",
    )
    tampered(desk, "UPDATE wallets SET version = version + 1 WHERE account_id = 'bob'")
    assert ledgers(desk) == [("bob", 5)]


def test_a_seal_of_entries_made_anew_to_fit_is_found_by_the_chain(desk: Desk) -> None:
    """Whoever rewrites a ledger with its seal has to rewrite the chain from there on, and the head is elsewhere."""
    seal_all(desk)
    tampered(desk, "UPDATE entries SET amount = amount + 1 WHERE account_id = 'bob' AND version = 3")
    with desk.database.autocommit() as connection:
        (sealed,) = seals.entry_seals_after(connection, WalletKey("bob", ""), 0, 1, of_one=True)
        now = seals.rehashed(connection, [sealed])[sealed.wallet, sealed.last_version]
    tampered(desk, "UPDATE entry_seals SET hash = %s WHERE account_id = 'bob'", now.hash)
    assert ledgers(desk) == []
    assert [number for number, _ in chain(desk)] == [2]


def test_a_seal_of_entries_that_is_removed_is_found(desk: Desk) -> None:
    seal_all(desk)
    fill(desk)
    seal_all(desk)
    tampered(desk, "DELETE FROM entry_seals WHERE account_id = 'bob' AND seal_number = 2")
    assert ledgers(desk) == [("bob", 10)]
    assert chain(desk) == [(2, "3 seals of entries were sealed, and 2 are there")]


EVENTS = {
    "an event changed": ("UPDATE audit_events SET reason = 'x' WHERE event_id = {}", "is not what it was"),
    "an actor changed": ("UPDATE audit_events SET actor = 'x' WHERE event_id = {}", "is not what it was"),
    "a figure changed": (
        "UPDATE audit_events SET after = jsonb_set(after, '{{version}}', '99') WHERE event_id = {}",
        "is not what it was",
    ),
    "an event removed": ("DELETE FROM audit_events WHERE event_id = {}", "9 audit events were sealed, and 8 are there"),
    "two events exchanged": (
        """
        UPDATE audit_events a SET create_time = b.create_time, actor = b.actor, account = b.account,
            target = b.target, before = b.before, after = b.after, request_id = b.request_id
        FROM audit_events b
        WHERE a.event_id IN ({0}, {1}) AND b.event_id IN ({0}, {1}) AND a.event_id <> b.event_id
        """,
        "is not what it was",
    ),
}


def ids_of(desk: Desk) -> list[str]:
    with psycopg.connect(desk.url) as connection:
        return [f"'{row[0]}'" for row in connection.execute("SELECT event_id FROM audit_events ORDER BY event_id")]


@pytest.mark.parametrize("change", EVENTS)
def test_a_change_of_an_audit_event_is_found_in_its_seal(desk: Desk, change: str) -> None:
    seal_all(desk)
    fill(desk)
    seal_all(desk)
    ids = ids_of(desk)
    statement, problem = EVENTS[change]
    tampered(desk, statement.format(*ids[3:5]))
    ((number, why),) = chain(desk)
    assert number == 1
    assert why.endswith(problem)


def test_an_event_that_appears_behind_a_seal_is_found(desk: Desk) -> None:
    late = Ids(lambda: Instant(desk.clock.now() + 1))()
    seal_all(desk)
    event = AuditEvent(late, Instant(0), "eve", "eve", ("ADMIN",), "credits.add", AuditOutcome.DONE)
    with desk.database.transaction() as connection:
        audit.append(connection, event)
    # Behind the last event of the seal nothing is sealed yet; between two of them something is.
    assert chain(desk) == []
    seal_all(desk)
    assert chain(desk) == []
    ids = ids_of(desk)
    between = ids[4].strip("'")[:-4] + "0000"
    with desk.database.transaction() as connection:
        audit.append(connection, event._replace(event_id=between))
    assert [number for number, _ in chain(desk)] == [1]


CHAIN = {
    "a seal changed": "UPDATE audit_seals SET event_count = event_count - 1 WHERE seal_number = 3",
    "its time changed": "UPDATE audit_seals SET create_time = create_time + interval '1 day' WHERE seal_number = 3",
    "a hash changed": "UPDATE audit_seals SET hash = sha256(hash) WHERE seal_number = 3",
    "a seal removed": "DELETE FROM audit_seals WHERE seal_number = 3",
}


@pytest.mark.parametrize("change", CHAIN)
def test_a_change_of_the_chain_itself_is_found(desk: Desk, change: str) -> None:
    seal_all(desk)
    for _ in range(2):
        fill(desk)
        seal_all(desk)
    tampered(desk, CHAIN[change])
    assert {number for number, _ in chain(desk)} & {3, 4}


def test_from_a_seal_that_is_known_only_what_follows_is_checked(desk: Desk) -> None:
    known = seal_all(desk)
    fill(desk)
    seal_all(desk)
    tampered(
        desk,
        "UPDATE audit_events SET reason = 'x' WHERE event_id = (SELECT min(event_id::text)::uuid FROM audit_events)",
    )
    assert [number for number, _ in chain(desk)] == [1]
    assert chain(desk, known) == []


def plainly(value: Any) -> Any:
    """Return a value as canonical bytes have it: without nulls, and with keys as jsonb orders them."""
    if isinstance(value, dict):
        kept = {key: part for key, part in value.items() if part is not None}
        return {key: plainly(kept[key]) for key in sorted(kept, key=lambda key: (len(key.encode()), key.encode()))}
    if isinstance(value, datetime):
        return round(value.timestamp() * SECOND)
    if isinstance(value, UUID):
        return str(value)
    return [plainly(part) for part in value] if isinstance(value, list) else value


def hashed(row: Any) -> bytes:
    return hashlib.sha256(json.dumps(plainly(row), ensure_ascii=False).encode()).digest()


def test_the_hashes_are_those_that_are_documented(desk: Desk) -> None:
    """Made here from the rows by Python alone, by what docs/audit.md says."""
    head = seal_all(desk)
    with psycopg.connect(desk.url, row_factory=dict_row) as connection:
        entries = connection.execute("SELECT * FROM entries WHERE account_id = 'ann' ORDER BY version").fetchall()
        events = connection.execute("SELECT * FROM audit_events ORDER BY event_id").fetchall()
        sealed = connection.execute("SELECT * FROM entry_seals ORDER BY account_id").fetchall()
    assert sealed[0]["previous_hash"] == bytes(32)
    assert sealed[0]["hash"] == hashlib.sha256(bytes(32) + b"".join(map(hashed, entries))).digest()
    with desk.database.autocommit() as reading:
        first, second = seals.seals_after(reading, 0, 10)
    assert second == head
    before = bytes(32)
    for seal, counts, parts in (
        (first, (1, 9, 0), list(map(hashed, events))),
        (second, (2, 0, 3), [row["hash"] for row in sealed]),
    ):
        figures = b"".join(number.to_bytes(8, "big") for number in (*counts, seal.create_time))
        together = before, figures, UUID(seal.last_event_id).bytes, *parts
        assert seal.hash == hashlib.sha256(b"".join(together)).digest()
        before = seal.hash


def test_a_column_that_is_added_later_leaves_the_seals_as_they_are(desk: Desk) -> None:
    """And is sealed from then on."""
    seal_all(desk)
    with psycopg.connect(desk.url) as owner:
        owner.execute("ALTER TABLE entries ADD COLUMN later TEXT")
        owner.execute("ALTER TABLE audit_events ADD COLUMN later TEXT")
    assert (chain(desk), ledgers(desk)) == ([], [])
    tampered(desk, "UPDATE entries SET later = 'x' WHERE account_id = 'bob' AND version = 1")
    assert ledgers(desk) == [("bob", 5)]


def test_every_column_of_a_time_is_hashed_as_its_instant(desk: Desk) -> None:
    """Else it would depend on the time zone of whoever looks."""
    seal_all(desk)
    with psycopg.connect(desk.url) as owner:
        owner.execute(f"ALTER DATABASE {urlsplit(desk.url).path[1:]} SET timezone = 'Asia/Bangkok'".encode())
        found = owner.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_name IN ('entries', 'audit_events') AND data_type LIKE 'timestamp%'"
        ).fetchall()
    assert set(found) == {
        ("entries", "create_time"),
        ("entries", "reservation_expire_time"),
        ("audit_events", "create_time"),
    }
    with desk_at(desk.url) as elsewhere:
        assert (chain(elsewhere), ledgers(elsewhere)) == ([], [])
