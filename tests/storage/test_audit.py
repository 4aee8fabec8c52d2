"""Audit events as rows: one statement for any number of them, and every document whole that an act can make."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row
from sqlalchemy import Engine, event

from creditd.domain.account import new_account, with_limits
from creditd.domain.controls.access import ServiceAccount
from creditd.domain.controls.audit_event import Act, AuditEvent, AuditOutcome, changed_event, moved_event
from creditd.domain.entry import Entry, EntryKind
from creditd.domain.instant import Instant
from creditd.domain.limits import MAX_COUNT, MAX_LIMITS, Limit
from creditd.domain.wallet import Origin
from creditd.ledger.ids import uuid7
from creditd.storage.controls import audit
from creditd.storage.controls.audit import MAX_DOCUMENT_BYTES
from creditd.storage.database import Database, DatabaseSettings
from tests.support.databases import migrated_database

pytestmark = pytest.mark.requirement("D2")

NOW = Instant(1_700_000_000_123_456)
ACT = Act(Origin("staff", "request", 1, "a reason"), "tests.act", "person", ("ADMIN", 'so "called"', "a,b", "NULL"))
LONG = 128 * "x"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Provide a database."""
    with migrated_database() as url:
        yield url


@pytest.fixture(scope="module")
def database(url: str) -> Iterator[Database]:
    """Provide its connections."""
    database = Database(DatabaseSettings(url, pool_size=2))
    yield database
    database.close()


def told(database: Database, *events: AuditEvent) -> list[Any]:
    """Append events; return their rows."""
    with database.transaction() as connection:
        audit.append(connection, *events)
    with psycopg.connect(database._settings.url, row_factory=namedtuple_row) as connection:
        query = "SELECT * FROM audit_events WHERE event_id = ANY(%s::uuid[]) ORDER BY event_id"
        return connection.execute(query, [[one.event_id for one in events]]).fetchall()


def test_any_number_of_events_is_one_statement_of_one_text(database: Database) -> None:
    """So that it is prepared once, and has as many parameters for a thousand as for one."""
    seen: list[tuple[str, int]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if "INSERT" in statement:
            seen.append((statement, len(parameters)))

    engine: Engine = database._engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        for number in (1, 3, 1_000):
            assert len(told(database, *(ACT.done(uuid7(), NOW, "it") for _ in range(number)))) == number
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(seen) == 3
    assert set(seen) == {(seen[0][0], 17)}


def test_a_row_says_what_its_event_says(database: Database) -> None:
    """Whatever its texts are like: an array's quotes are nobody's."""
    odd = 'a "quoted" \\ {text}, NULL\n\u0e01\u0e32\U0001f600'
    documents = {"before": {"a": [1, None, odd, {"b": True}]}, "after": None}
    plain = ACT.done(uuid7(), NOW, odd, account_id="alice", **documents)
    other = plain._replace(event_id=uuid7(), roles=(), before=None, after={}, reason="", occurrences=5)
    refused = other._replace(event_id=uuid7(), outcome=AuditOutcome.REFUSED, refusal="NO", target="a\0b")
    first, second, third = told(database, plain, other, refused)
    assert (first.target, first.roles) == (odd, list(ACT.roles))
    assert (first.before, first.after) == (documents["before"], None)
    assert (first.actor, first.person, first.kind, first.account) == ("staff", "person", "tests.act", "alice")
    assert first.create_time.timestamp() == pytest.approx(NOW / 1_000_000)
    assert (first.request_id, first.reason, first.outcome, first.occurrences) == ("request", "a reason", 1, 1)
    assert (second.roles, second.before, second.after, second.occurrences) == ([], None, {}, 5)
    assert (third.target, third.refusal, third.outcome) == ("a?b", "NO", 2)


def test_those_of_some_ids_are_known_that_are_in_the_log(database: Database) -> None:
    event_ids = [uuid7() for _ in range(3)]
    told(database, ACT.done(event_ids[1], NOW, "it"))
    with database.autocommit() as connection:
        assert audit.known(connection, event_ids) == {event_ids[1]}


def _limits() -> AuditEvent:
    each = [Limit(f"{'c' * 30}{number:02}", LONG, *[MAX_COUNT] * 4) for number in range(MAX_LIMITS)]
    before = new_account(LONG, NOW)
    after = with_limits(before, tuple(each), NOW)
    return changed_event(ACT, uuid7(), NOW, after, after, shows="limits")


def _balances() -> AuditEvent:
    origin = None, "request", 0, 1, "staff", "a reason", "", NOW
    figures = MAX_COUNT, EntryKind.TOP_UP, 1, 0, 0, 0, MAX_COUNT, MAX_COUNT, MAX_COUNT, ()
    entries = [Entry(LONG, f"{'c' * 30}{number:02}", *figures, *origin) for number in range(50)]
    return moved_event(ACT, uuid7(), NOW, LONG, entries)


def _service_account() -> AuditEvent:
    account = ServiceAccount(
        LONG, "\u0e01" * 255, tuple(16 * [f"{'s' * 31}.{'s' * 31}"]), tuple(50 * [f"{LONG}*"]), tuple(8 * [255 * "n"]),
        disabled=True, version=MAX_COUNT,
    )  # fmt: skip
    return ACT.done(uuid7(), NOW, LONG, before=account._asdict(), after=account._asdict())


@pytest.mark.parametrize("largest", [_limits, _balances, _service_account])
def test_the_largest_documents_that_acts_make_are_whole(database: Database, largest: Any) -> None:
    """As large as a request may make them, and no larger than half of what there is room for."""
    made = largest()
    (row,) = told(database, made)
    for document in (row.before, row.after):
        assert "omitted_bytes" not in document
        assert 2_000 < len(str(document)) < 0.7 * MAX_DOCUMENT_BYTES
    assert row.before.keys() == made.before.keys()


def test_of_a_document_beyond_that_the_size_is_told(database: Database) -> None:
    (row,) = told(database, ACT.done(uuid7(), NOW, "it", after={"text": "x" * MAX_DOCUMENT_BYTES}))
    assert row.after == {"omitted_bytes": MAX_DOCUMENT_BYTES + len('{"text":""}')}


def test_limits_stand_with_the_act_that_sets_them_alone() -> None:
    account = new_account("alice", NOW)
    shown = changed_event(ACT, uuid7(), NOW, account, account, shows="limits")
    others = changed_event(ACT, uuid7(), NOW, account, account)
    assert shown.before is not None
    assert others.after is not None
    assert set(shown.before) - set(others.after) == {"limits"}
