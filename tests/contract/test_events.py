"""Events are told as a stream: at least once, of each account in order, from any position on (H6, C6)."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import grpc
import psycopg
import pytest

from credit.v1 import account_pb2, event_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import event_service_pb2 as pb
from credit.v1.balance_alert_pb2 import GetBalanceAlertsRequest
from credit.v1.limits_pb2 import Limit
from creditd.server.handlers import event_handlers
from tests.support.customer import Customer
from tests.support.event_schemas import require_schema
from tests.support.patience import eventually, patience
from tests.support.refusals import RefusedCall, read_refusal, refused
from tests.support.service import RunningService, running_service

PATIENCE_SECONDS = patience(60)
"""No test waits so long; a stream that says nothing fails it."""

Subscribe = Callable[..., Any]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service that publishes."""
    settings = {"event_interval_seconds": 0.05, "event_retention_days": 10.0, "expiry_notice_hours": 24.0}
    with running_service(tmp_path_factory.mktemp("service"), **settings) as running:
        yield running


@pytest.fixture
def subscribe(customer: Customer) -> Iterator[Subscribe]:
    """Return the function that opens a stream on the customer's events, and reads its first answer."""
    streams: list[Any] = []

    def opened(*, owner: bool = False, **fields: Any) -> Any:
        fields = {"account_id": customer.account_id, "after_position": 0} | fields
        fields = {name: value for name, value in fields.items() if value is not None}
        by = customer.service.as_caller(fields["account_id"], "USER") if owner else customer.staff
        streams.append(by.event.SubscribeEvents(pb.SubscribeEventsRequest(**fields), timeout=PATIENCE_SECONDS))
        first = next(streams[-1])
        assert not first.HasField("event")
        return streams[-1]

    yield opened
    for stream in streams:
        stream.cancel()


def next_event(stream: Any) -> event_pb2.Event:
    """Return the next event of a stream, whatever signs of life come before it."""
    event: event_pb2.Event = next(answer.event for answer in stream if answer.HasField("event"))
    return event


def told(stream: Any, count: int) -> list[tuple[str, str]]:
    """Return the types and credit types of the next events."""
    events = [next_event(stream) for _ in range(count)]
    return [(event_pb2.EventType.Name(one.type).removeprefix("EVENT_TYPE_"), one.credit_type) for one in events]


def test_each_event_keeps_to_its_schema(customer: Customer, subscribe: Subscribe) -> None:
    stream = subscribe()
    customer.staff.admin.SetBalanceAlerts(customer.alerting(chat=50))
    customer.top_up(100)
    customer.top_up(10, seconds=9)
    held = customer.reserve(70, expire_time=customer.after(5))
    customer.service.clock.advance(20)
    customer.deduct(1)
    customer.limit(Limit(credit_type="chat", most_per_day=0))
    for _ in range(3):
        assert refused(customer.app.credit.Deduct, customer.deducting(1)).reason == "LIMIT_EXCEEDED"
    customer.go_unlimited(60)
    customer.become(account_pb2.ACCOUNT_STATUS_SUSPENDED)
    seen = {}
    while "ACCOUNT_STATUS_CHANGED" not in seen or "LIMIT_REACHED" not in seen:
        event = next_event(stream)
        kind = event_pb2.EventType.Name(event.type).removeprefix("EVENT_TYPE_")
        assert kind not in seen or kind == "GRANT_EXPIRED"
        assert (event.account_id, event.schema_version) == (customer.account_id, 1)
        require_schema(kind, event.schema_version, json.loads(event.data))
        seen[kind] = json.loads(event.data)
    assert set(seen) == {
        *("LOW_BALANCE", "RESERVATION_EXPIRED", "GRANT_EXPIRED", "LIMIT_REACHED", "PLAN_CHANGED"),
        "ACCOUNT_STATUS_CHANGED",
    }
    assert seen["LOW_BALANCE"] == {"available": 40, "below": 50, "version": held.entry.version}
    assert seen["RESERVATION_EXPIRED"]["reservation"] == held.reservation.name
    assert seen["LIMIT_REACHED"] == {"which": "MOST_PER_DAY", "limit": 0, "used": 0, "spender": ""}


@pytest.mark.requirement("C6")
def test_a_low_balance_is_told_once_for_each_crossing(customer: Customer, subscribe: Subscribe) -> None:
    customer.staff.admin.SetBalanceAlerts(customer.alerting(chat=50))
    stream = subscribe()
    customer.top_up(60)
    for amount in (10, 1, 9, 5):
        customer.deduct(amount)
    customer.top_up(15)
    customer.deduct(1)
    customer.go_unlimited()
    events = [next_event(stream) for _ in range(3)]
    assert [event.type for event in events[:2]] == [event_pb2.EVENT_TYPE_LOW_BALANCE] * 2
    assert [json.loads(event.data)["available"] for event in events[:2]] == [49, 49]
    assert events[2].type == event_pb2.EVENT_TYPE_PLAN_CHANGED


@pytest.mark.requirement("C6")
def test_alerts_are_set_and_shown_and_a_preview_sets_none(customer: Customer) -> None:
    request = customer.alerting(chat=5, spec=1)
    request.validate_only = True
    previewed = customer.staff.admin.SetBalanceAlerts(request)
    assert [alert.credit_type for alert in previewed.alerts] == ["chat", "spec"]
    assert refused(customer.staff.admin.GetBalanceAlerts, _shown(customer)).reason == "ACCOUNT_NOT_FOUND"
    answer = customer.staff.admin.SetBalanceAlerts(customer.alerting(chat=5, spec=1))
    shown = customer.staff.admin.GetBalanceAlerts(_shown(customer))
    assert (list(shown.alerts), shown.version) == (list(answer.alerts), answer.version)
    wrong = customer.alerting(chat=5)
    wrong.expected_version = 9
    assert refused(customer.staff.admin.SetBalanceAlerts, wrong).reason == "VERSION_MISMATCH"
    twice = customer.alerting(chat=5)
    twice.alerts.add(credit_type="chat", below=6)
    assert refused(customer.staff.admin.SetBalanceAlerts, twice).metadata["field"] == "alerts"


def _shown(customer: Customer) -> GetBalanceAlertsRequest:
    return GetBalanceAlertsRequest(name=f"accounts/{customer.account_id}")


@pytest.mark.requirement("H6")
def test_who_goes_on_from_a_position_misses_nothing(customer: Customer, subscribe: Subscribe) -> None:
    for _ in range(3):
        customer.go_unlimited()
        customer.go_standard()
    whole = subscribe()
    events = [next_event(whole) for _ in range(6)]
    assert [event.position for event in events] == sorted({event.position for event in events})
    for had in (0, 2, 5):
        again = subscribe(after_position=events[had].position)
        if had < 5:
            assert next_event(again) == events[had + 1]
    now = subscribe(after_position=None)
    customer.go_unlimited()
    event = next_event(now)
    assert event.position > events[-1].position
    assert json.loads(event.data)["plan"] == "unlimited"


@pytest.mark.requirement("H6")
def test_filters_all_have_to_match(customer: Customer, subscribe: Subscribe) -> None:
    customer.staff.admin.SetBalanceAlerts(customer.alerting(chat=50, spec=5))
    customer.top_up(60)
    customer.top_up(6, credit_type="spec")
    customer.deduct(20)
    customer.deduct(5, credit_type="spec")
    customer.go_unlimited()
    assert told(subscribe(), 3) == [("LOW_BALANCE", "chat"), ("LOW_BALANCE", "spec"), ("PLAN_CHANGED", "")]
    assert told(subscribe(credit_type="spec"), 1) == [("LOW_BALANCE", "spec")]
    assert told(subscribe(types=[event_pb2.EVENT_TYPE_PLAN_CHANGED]), 1) == [("PLAN_CHANGED", "")]
    every = subscribe(account_id="", types=[event_pb2.EVENT_TYPE_LOW_BALANCE], credit_type="spec")
    assert told(every, 1) == [("LOW_BALANCE", "spec")]


def test_a_stream_without_events_shows_that_it_lives_and_how_far_it_is(
    customer: Customer, subscribe: Subscribe
) -> None:
    """A position that nothing of the filter has is gone on from as well."""
    customer.go_unlimited()
    after = next_event(subscribe(owner=True)).position
    quiet = subscribe(types=[event_pb2.EVENT_TYPE_TOP_UP_SUCCEEDED], heartbeat_seconds=1)
    sign = next(answer for answer in quiet if answer.position >= after)
    assert not sign.HasField("event")
    assert not next(quiet).HasField("event")


def test_events_of_others_keep_no_stream_silent(customer: Customer, subscribe: Subscribe) -> None:
    """However many come that it does not ask for, its caller hears how far it is."""
    quiet = subscribe(after_position=None, types=[event_pb2.EVENT_TYPE_TOP_UP_SUCCEEDED], heartbeat_seconds=1)
    is_heard = Event()

    def keep_changing() -> None:
        # Far more often than there is to be a sign of life.
        while not is_heard.wait(0.05):
            customer.go_unlimited()
            customer.go_standard()

    with ThreadPoolExecutor(1) as thread:
        changes = thread.submit(keep_changing)
        try:
            signs = [next(quiet) for _ in range(2)]
        finally:
            is_heard.set()
        changes.result()
    assert not any(sign.HasField("event") for sign in signs)
    assert signs[1].position > 0


def test_a_position_that_there_is_not_yet_is_refused(subscribe: Subscribe) -> None:
    with pytest.raises(grpc.RpcError) as error:
        subscribe(after_position=10**9)
    refusal = read_refusal(error.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.OUT_OF_RANGE, "POSITION_AHEAD")
    assert refusal.metadata["after_position"] == str(10**9)


def test_one_caller_has_so_many_streams(subscribe: Subscribe) -> None:
    open_streams = [subscribe(owner=True) for _ in range(event_handlers.SUBSCRIBERS_OF_AN_OWNER)]
    assert _reason(subscribe, owner=True) == "TOO_MANY_AT_ONCE"
    open_streams[0].cancel()
    eventually(lambda: not _reason(subscribe, owner=True))


def _reason(subscribe: Subscribe, **fields: Any) -> str:
    """Return why a stream is not opened; nothing if it is."""
    try:
        subscribe(**fields)
    except grpc.RpcError as error:
        return read_refusal(error).reason
    return ""


def test_owners_leave_half_of_all_streams_to_services_and_staff(
    customer: Customer, subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert event_handlers.SUBSCRIBERS_OF_OWNERS * 2 <= event_handlers.MAX_SUBSCRIBERS
    monkeypatch.setattr(event_handlers, "SUBSCRIBERS_OF_OWNERS", 2)
    others = [customer.another(name).account_id for name in ("one", "two")]
    # Streams of tests before may not have ended yet.
    eventually(lambda: not _reason(subscribe, owner=True, account_id=others[0]))
    eventually(lambda: not _reason(subscribe, owner=True, account_id=others[1]))
    assert _reason(subscribe, owner=True) == "OVERLOADED"
    last = [subscribe() for _ in range(event_handlers.SUBSCRIBERS_OF_AN_OWNER + 1)][-1]
    customer.go_unlimited()
    assert next_event(last).type == event_pb2.EVENT_TYPE_PLAN_CHANGED


MANY = 300
"""Events of ten kilobytes each: more than any connection takes for a caller who does not read."""

_PUT_MANY = """
INSERT INTO outbox_events (account_id, event_id, kind, payload, create_time, schema_version)
SELECT %s, gen_random_uuid(), 5, jsonb_build_object('number', number, 'reference', repeat('x', 10000)), now(), 1
FROM generate_series(1, %s) AS number
"""

_PUT_EACH = """
INSERT INTO outbox_events (account_id, event_id, kind, payload, create_time, schema_version)
SELECT %s, gen_random_uuid(), kind, '{}', now(), 1 FROM unnest(%s ::smallint[]) AS kind
"""


def test_an_owner_is_not_told_what_is_for_staff(customer: Customer, subscribe: Subscribe) -> None:
    for_staff = [event_pb2.EVENT_TYPE_ACCOUNT_FLAGGED, event_pb2.EVENT_TYPE_RECONCILED]
    last = event_pb2.EVENT_TYPE_PLAN_CHANGED
    with psycopg.connect(customer.service.config.database_url) as connection:
        connection.execute(_PUT_EACH, [customer.account_id, [*for_staff, last]])
    staffs, owners = subscribe(), subscribe(owner=True, types=[*for_staff, last])
    assert {next_event(staffs).type for _ in range(3)} == {*for_staff, last}
    assert next_event(owners).type == last
    scoped = customer.service.as_caller("listener", "SERVICE", scope="events.read")
    request = pb.SubscribeEventsRequest(account_id=customer.account_id, after_position=0, types=for_staff)
    assert next_event(scoped.event.SubscribeEvents(request, timeout=PATIENCE_SECONDS)).type in for_staff


def test_a_stream_that_takes_nothing_holds_up_no_other(customer: Customer, subscribe: Subscribe) -> None:
    """What it has not taken waits in the table, for as long as it likes."""
    slow = subscribe()
    with psycopg.connect(customer.service.config.database_url) as connection:
        connection.execute(_PUT_MANY, [customer.account_id, MANY])
    quick = subscribe()
    assert [_number(next_event(quick)) for _ in range(MANY)] == [*range(1, MANY + 1)]
    customer.top_up(2)
    customer.deduct(1)
    had: list[int] = []
    position = 0
    while len(had) < MANY:
        try:
            event = next_event(slow)
        except grpc.RpcError:
            # On a slow machine it was not taken for so long that the server has ended it.
            slow = subscribe(after_position=position)
        else:
            position = event.position
            had.append(_number(event))
    assert had == [*range(1, MANY + 1)]


def _number(event: event_pb2.Event) -> int:
    number: int = json.loads(event.data)["number"]
    return number


def test_notice_of_expiry_is_given_as_configured(customer: Customer, subscribe: Subscribe) -> None:
    """Once, a day ahead, and only of what was made before that."""
    stream = subscribe(credit_type="chat")
    hours = 3_600
    customer.top_up(10, seconds=40 * hours)
    customer.top_up(7, seconds=2 * hours)
    customer.service.clock.advance(17 * hours)
    event = next_event(stream)
    if event.type == event_pb2.EVENT_TYPE_GRANT_EXPIRED:
        event = next_event(stream)
    said = json.loads(event.data)
    require_schema("GRANT_EXPIRING", 1, said)
    assert (event.type, said["amount"]) == (event_pb2.EVENT_TYPE_GRANT_EXPIRING, 10)


def _refusal_of(stream: Any) -> RefusedCall:
    """Return how a stream ends, after its signs of life."""
    with pytest.raises(grpc.RpcError) as error:
        next_event(stream)
    return read_refusal(error.value)


def test_what_is_kept_no_more_is_told_and_what_a_restored_database_has_not(tmp_path: Path) -> None:
    with running_service(tmp_path, event_interval_seconds=0.05, event_retention_days=1.0) as service:
        app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin")
        customer = Customer(service, app, service.as_caller("staff", "ADMIN"), "kept")
        customer.go_unlimited()
        customer.go_standard()

        def positions() -> tuple[int, int]:
            with psycopg.connect(service.config.database_url) as connection:
                row = connection.execute("SELECT position, removed_position FROM event_publishing").fetchone()
            assert row is not None
            return row

        eventually(lambda: positions()[0] == 2)
        service.clock.advance(86_401)
        service.server.credit.events.publisher.prune_once()
        assert positions() == (2, 2)
        request = pb.SubscribeEventsRequest(after_position=1)
        refusal = _refusal_of(customer.staff.event.SubscribeEvents(request, timeout=PATIENCE_SECONDS))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.OUT_OF_RANGE, "EVENTS_REMOVED")
        assert refusal.metadata["removed_position"] == "2"
        stream = customer.staff.event.SubscribeEvents(pb.SubscribeEventsRequest(), timeout=PATIENCE_SECONDS)
        assert next(stream).position == 2
        with psycopg.connect(service.config.database_url) as connection:
            connection.execute("UPDATE event_publishing SET position = 1, removed_position = 1")
        assert _refusal_of(stream).reason == "POSITION_AHEAD"


def test_what_a_rolled_back_change_would_have_told_is_told_by_nobody(customer: Customer, subscribe: Subscribe) -> None:
    request = customer.planning(account_pb2.PLAN_KIND_UNLIMITED)
    request.validate_only = True
    answer: admin.SetPlanResponse = customer.staff.admin.SetPlan(request)
    assert answer.account.plan.kind == account_pb2.PLAN_KIND_UNLIMITED
    customer.become(account_pb2.ACCOUNT_STATUS_SUSPENDED)
    assert told(subscribe(), 1) == [("ACCOUNT_STATUS_CHANGED", "")]
