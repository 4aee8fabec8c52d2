"""ExportTransactions streams a statement: what a period opened with, each entry, what it closed with (C3)."""

import asyncio
import csv
import io
from collections.abc import Callable, Iterator
from itertools import count
from threading import Event
from types import SimpleNamespace
from typing import Any

import grpc
import psycopg
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import entry_pb2, source_pb2
from creditd.server.handlers.statement_handlers import EXPORTS_OF_A_CALLER, MAX_EXPORTS
from creditd.service import statements
from creditd.service.statements import NOT_BEGUN, Position, Statements
from tests.support.customer import Customer
from tests.support.exports import chunks_of, exporting, file_of, records_in, records_of
from tests.support.patience import eventually
from tests.support.postgres import as_administrator
from tests.support.refusals import read_refusal, refused

pytestmark = pytest.mark.requirement("C3")

EXAMPLES = count()

OPENING, ENTRY, CLOSING = "OPENING_BALANCE", "ENTRY", "CLOSING_BALANCE"


@pytest.fixture
def busy(customer: Customer) -> Customer:
    """Return a customer with a wallet in which much has moved, and another in which one thing has."""
    customer.top_up(100)
    customer.confirm(customer.hold(30), 20)
    customer.refund(customer.deduct(40, reason="a long night").reservation.name, 15)
    customer.hold(5)
    customer.top_up(1_250, credit_type="THB")
    return customer


@pytest.fixture
def in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a statement read two entries at a time."""
    monkeypatch.setattr(statements, "ROWS_AT_A_TIME", 2)


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch, in_small_steps: None) -> Iterator[Event]:
    """Have every statement of several steps wait after its first chunk until the event is set."""
    del in_small_steps
    event, step = Event(), Statements.step

    async def held(self: Statements, account_id: str, position: Position, show: Callable[..., Any]) -> Any:
        while position.after != NOT_BEGUN and not event.is_set():  # noqa: ASYNC110 - it is set on another thread.
            await asyncio.sleep(0.005)
        return await step(self, account_id, position, show)

    monkeypatch.setattr(Statements, "step", held)
    yield event
    event.set()


def begin(caller: SimpleNamespace, customer: Customer) -> Any:
    """Begin to take a statement; return the stream after its first chunk."""
    stream = caller.statement.ExportTransactions(exporting(customer))
    next(stream)
    return stream


def entries_of(customer: Customer, credit_type: str) -> list[entry_pb2.Entry]:
    """Return a wallet's ledger, oldest first."""
    return customer.entries(credit_type)[::-1]


def test_it_has_every_entry_between_the_balances(busy: Customer) -> None:
    records = [record for record in records_of(busy) if record["Credit type"] == "chat"]
    assert [record["Record"] for record in records] == [OPENING, *[ENTRY] * (len(records) - 2), CLOSING]
    for record, entry in zip(records[1:-1], entries_of(busy, "chat"), strict=True):
        assert int(record["Version"]) == entry.version
        assert record["Kind"] == entry_pb2.EntryKind.Name(entry.kind).removeprefix("ENTRY_KIND_")
        assert int(record["Amount"]) == entry.amount
        assert int(record["Available change"]) == entry.available_delta
        assert int(record["Held change"]) == entry.reserved_delta
        assert (int(record["Available"]), int(record["Held"])) == (entry.available_after, entry.reserved_after)
        assert (record["Reason"], record["Request ID"]) == (entry.reason, entry.request_id)
        assert (record["Reservation"], record["By"]) == (entry.reservation, entry.actor)
    assert records[0]["Version"] == records[0]["Available"] == "0"
    assert int(records[-1]["Available"]) == busy.balance().available


def test_amounts_are_in_whole_units_and_times_in_the_time_zone(busy: Customer) -> None:
    record = next(r for r in records_of(busy, time_zone="Asia/Kathmandu", credit_types=["THB"]) if r["Record"] == ENTRY)
    assert (record["Amount"], record["Available"], record["Held"]) == ("12.50", "12.50", "0.00")
    assert record["Time"].endswith("+05:45")
    (utc,) = [r for r in records_of(busy, credit_types=["THB"]) if r["Record"] == ENTRY]
    assert utc["Time"].endswith("+00:00")


def test_a_period_opens_and_closes_with_what_the_balance_was_then(busy: Customer) -> None:
    start = busy.after(0)
    busy.service.clock.advance(10)
    busy.deduct(7)
    busy.service.clock.advance(10)
    end = busy.after(0)
    before = busy.balance()
    busy.service.clock.advance(10)
    busy.deduct(8)
    records = records_of(busy, credit_types=["chat"], start_time=start, end_time=end)
    assert [(r["Record"], r["Amount"]) for r in records] == [(OPENING, ""), (ENTRY, "7"), (CLOSING, "")]
    assert int(records[-1]["Version"]) == before.version
    assert int(records[-1]["Available"]) == before.available
    assert int(records[0]["Available"]) == before.available + 7
    rest = records_of(busy, credit_types=["chat"], start_time=end)
    assert rest[0] | {"Record": "", "Movement": ""} == records[-1] | {"Record": "", "Movement": ""}


def test_an_entry_of_the_first_instant_is_in_a_period_and_one_of_the_last_is_not(customer: Customer) -> None:
    first = customer.top_up(3)
    customer.service.clock.advance(5)
    last = customer.top_up(4)
    for start, end, versions in ((first, last, ["1"]), (last, None, ["2"])):
        times = {"start_time": start.create_time} | ({"end_time": end.create_time} if end else {})
        records = records_of(customer, credit_types=["chat"], **times)
        assert [record["Version"] for record in records if record["Record"] == ENTRY] == versions


def test_what_ended_in_a_period_is_in_it_though_it_was_written_later(customer: Customer) -> None:
    """As GetHistoricalBalance has it: the statement closes with what was there at its end."""
    customer.top_up(10, source_pb2.SOURCE_FREE, seconds=50)
    customer.top_up(5)
    customer.service.clock.advance(60)
    end = customer.after(0)
    customer.service.clock.advance(60)
    customer.deduct(1)
    records = records_of(customer, credit_types=["chat"], end_time=end)
    assert [record["Kind"] for record in records[1:-1]] == ["ADMIN_ADD", "ADMIN_ADD", "EXPIRE"]
    asked = credit.GetHistoricalBalanceRequest(account_id=customer.account_id, credit_type="chat", as_of_time=end)
    assert int(records[-1]["Available"]) == customer.app.credit.GetHistoricalBalance(asked).balances[0].available == 5


def test_consecutive_statements_are_one_long_one(busy: Customer) -> None:
    """Whatever has lapsed, and however late it was written down."""
    ends: list[Timestamp | None] = [None]
    for _ in range(3):
        busy.top_up(3, source_pb2.SOURCE_FREE, seconds=20)
        busy.service.clock.advance(30)
        ends.append(busy.after(0))
        busy.service.clock.advance(5)
        busy.deduct(1)
    whole = [r for r in records_of(busy, credit_types=["chat"]) if r["Record"] == ENTRY]
    parts = [
        r
        for start, end in zip(ends, [*ends[1:], None], strict=True)
        for r in records_of(busy, credit_types=["chat"], start_time=start, end_time=end)
        if r["Record"] == ENTRY
    ]
    assert parts == whole


def test_a_statement_broken_off_anywhere_goes_on_byte_for_byte(busy: Customer, in_small_steps: None) -> None:
    """At whatever chunk, also while the account moves on, and in another language than the caller has by then."""
    del in_small_steps
    chunks = chunks_of(busy, language="")
    assert len(chunks) > 4
    whole = b"".join(chunk.data for chunk in chunks)
    assert whole == file_of(busy)
    versions = [int(r["Version"]) for r in records_in(whole) if (r["Record"], r["Credit type"]) == (ENTRY, "chat")]
    assert versions == list(range(1, len(versions) + 1))
    busy.deduct(1)
    busy.top_up(1, credit_type="spec")
    reader = busy.service.as_caller("another", "FINANCE", language="th")
    for number, chunk in enumerate(chunks[:-1], 1):
        request = exporting(busy, language="", resume_token=chunk.resume_token)
        rest = b"".join(answer.data for answer in reader.statement.ExportTransactions(request))
        assert b"".join(one.data for one in chunks[:number]) + rest == whole
    assert not chunks[-1].resume_token


def test_a_resume_token_is_of_one_statement(busy: Customer, in_small_steps: None) -> None:
    del in_small_steps
    token = chunks_of(busy)[0].resume_token
    finance = busy.service.as_caller("accountant", "FINANCE").statement
    for changed in ({"time_zone": "Asia/Bangkok"}, {"credit_types": ["chat"]}, {"language": "he"}):
        refusal = refused(finance.ExportTransactions, exporting(busy, resume_token=token, **changed)).reason
        assert refusal == "PAGE_TOKEN_INVALID"
    other = exporting(busy.another("other"), resume_token=token)
    assert refused(finance.ExportTransactions, other).reason == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize(
    "fields",
    [
        {"time_zone": "Asia/Atlantis"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "America"},
        {"language": "fr"},
        {"format": 0},
        {"start_time": Timestamp(seconds=4_000_000_000)},
        {"start_time": Timestamp(seconds=20), "end_time": Timestamp(seconds=20)},
        {"credit_types": ["no type"]},
    ],
    ids=str,
)
def test_what_is_no_statement_is_refused(customer: Customer, fields: dict[str, Any]) -> None:
    finance = customer.service.as_caller("accountant", "FINANCE").statement
    assert refused(finance.ExportTransactions, exporting(customer, **fields)).reason == "INVALID_FIELD"


def test_a_credit_type_that_is_none_is_refused(customer: Customer) -> None:
    finance = customer.service.as_caller("accountant", "FINANCE").statement
    assert (
        refused(finance.ExportTransactions, exporting(customer, credit_types=["nothing"])).reason
        == "CREDIT_TYPE_NOT_FOUND"
    )


def test_a_statement_with_a_gap_is_not_made(busy: Customer) -> None:
    """It ends with an error rather than with what cannot be right, or never."""
    finance = busy.service.as_caller("accountant", "FINANCE").statement
    change = "UPDATE wallets SET version = version + %s WHERE account_id = %s AND credit_type = 'THB'"
    with psycopg.connect(busy.service.config.database_url, autocommit=True) as connection:
        connection.execute(change, [1, busy.account_id])
        try:
            reason = refused(finance.ExportTransactions, exporting(busy, credit_types=["THB"])).reason
        finally:
            connection.execute(change, [-1, busy.account_id])
    assert reason == "INTERNAL"
    assert len(records_of(busy, credit_types=["THB"])) == 3


def test_a_statement_without_one_of_its_entries_is_not_made(busy: Customer) -> None:
    """Though the one that it ends with is there."""
    finance = busy.service.as_caller("accountant", "FINANCE").statement
    move = "UPDATE entries SET account_id = %s WHERE account_id = %s AND credit_type = 'chat' AND version = 3"
    other = busy.another("elsewhere").account_id
    with psycopg.connect(as_administrator(busy.service.config.database_url), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(move, [other, busy.account_id]).rowcount == 1
        try:
            reason = refused(finance.ExportTransactions, exporting(busy, credit_types=["chat"])).reason
        finally:
            connection.execute(move, [busy.account_id, other])
    assert reason == "INTERNAL"
    assert records_of(busy, credit_types=["chat"])


def test_of_an_account_that_never_moved_there_is_the_header_line(customer: Customer) -> None:
    (chunk,) = chunks_of(customer.another("unseen"))
    assert chunk.data.endswith(b"\r\n")
    assert chunk.data.count(b"\r\n") == 1
    assert records_in(chunk.data) == []


@pytest.mark.parametrize(("language", "opening"), [("vi", "Số dư đầu kỳ"), ("th", "ยอดยกมา"), ("he", "יתרת פתיחה")])
def test_its_words_are_in_the_language(busy: Customer, language: str, opening: str) -> None:
    rows = list(csv.reader(io.StringIO(file_of(busy, language=language).decode(), newline=""), strict=True))
    assert rows[1][0] == OPENING
    assert opening in rows[1]
    assert len({len(row) for row in rows}) == 1


@pytest.mark.requirement("D3")
def test_a_premium_user_exports_what_is_their_own_and_a_user_does_not(busy: Customer) -> None:
    premium = busy.service.as_caller(busy.account_id, "PREMIUM").statement
    assert records_in(b"".join(chunk.data for chunk in premium.ExportTransactions(exporting(busy))))
    user = busy.service.as_caller(busy.account_id, "USER").statement
    assert refused(user.ExportTransactions, exporting(busy)).reason == "PERMISSION_DENIED"
    assert refused(premium.ExportTransactions, exporting(busy.another("other"))).reason == "PERMISSION_DENIED"


def test_a_caller_has_few_at_once_and_a_place_is_free_again(busy: Customer, go_on: Event) -> None:
    """Whether a statement has come to its end, or its reader has gone."""
    greedy = busy.service.as_caller("greedy", "FINANCE")
    streams = [begin(greedy, busy) for _ in range(EXPORTS_OF_A_CALLER)]
    assert begins_or_refusal(greedy, busy) == "TOO_MANY_AT_ONCE"
    assert begins_or_refusal(busy.service.as_caller("modest", "FINANCE"), busy) == ""
    streams.pop().cancel()
    eventually(lambda: begins_or_refusal(greedy, busy) == "")
    go_on.set()
    for stream in streams:
        list(stream)
    again = [begin(greedy, busy) for _ in range(EXPORTS_OF_A_CALLER - 1)]
    assert all(list(stream) for stream in again)


def begins_or_refusal(caller: SimpleNamespace, customer: Customer) -> str:
    """Begin a statement and break it off; return why it is refused, if it is."""
    try:
        begin(caller, customer).cancel()
    except grpc.RpcError as error:
        return read_refusal(error).reason
    return ""


def test_all_callers_together_have_a_bounded_number(busy: Customer, go_on: Event) -> None:
    del go_on
    callers = [busy.service.as_caller(f"caller-{n}", "FINANCE") for n in range(MAX_EXPORTS // EXPORTS_OF_A_CALLER)]
    streams = [begin(caller, busy) for caller in callers for _ in range(EXPORTS_OF_A_CALLER)]
    late = busy.service.as_caller("late", "FINANCE")
    assert begins_or_refusal(late, busy) == "OVERLOADED"
    for stream in streams:
        stream.cancel()
    eventually(lambda: begins_or_refusal(late, busy) == "")


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reason=TEXTS.map(lambda text: "=" + text) | TEXTS, label=TEXTS)
def test_whatever_a_caller_wrote_stays_in_its_cell_and_is_harmless(customer: Customer, reason: str, label: str) -> None:
    one = customer.another(f"hostile-{next(EXAMPLES)}")
    one.top_up(1)
    one.deduct(1, reason=reason, metadata={"note": label}, request_id=f"={next(EXAMPLES)}")
    file = file_of(one, credit_types=["chat"])
    (record,) = [r for r in records_in(file) if r["Kind"] == "DEDUCT"]
    assert len(file.decode().split("\r\n")) == 6
    for cell in (record["Reason"], record["Labels"], record["Request ID"]):
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
    assert record["Available change"] == "-1"
