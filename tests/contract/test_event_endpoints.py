"""Events are delivered to endpoints: signed, at least once, of each account in order; none waits for another (H6)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from credit.v1 import account_pb2, event_pb2
from credit.v1 import event_endpoint_service_pb2 as pb
from credit.v1.event_endpoint_pb2 import EventEndpoint
from creditd.service.deliveries import worker
from tests.support.customer import Customer
from tests.support.patience import eventually
from tests.support.receiver import Received, Receiver, receiver
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("H6")

KEY = "of the tests, and of nothing else"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service that delivers to this machine, and is impatient."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "LOOK_SECONDS", 0.05)
        patch.setattr(worker, "FIRST_PAUSE", 50_000)
        patch.setattr(worker, "LONGEST_PAUSE", 50_000)
        settings: dict[str, Any] = {"event_interval_seconds": 0.05, "event_key_encryption_key": KEY}
        settings["event_targets_private"] = True
        with running_service(tmp_path_factory.mktemp("service"), **settings) as running:
            yield running


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    """Run a receiver."""
    with receiver() as one:
        yield one


class Shop:
    """One endpoint of a customer's events, and the acts on it."""

    def __init__(self, customer: Customer, url: str, suffix: str = "") -> None:
        """Create it."""
        self.by = customer.staff.endpoints
        self.customer = customer
        digits = "".join(character if character.isalnum() else "-" for character in customer.account_id.lower())
        self.name = f"eventEndpoints/{(suffix + digits)[-60:].lstrip('-0123456789')}"
        self.created: pb.CreateEventEndpointResponse = self.by.CreateEventEndpoint(self.creating(url))

    def creating(self, url: str, **fields: Any) -> pb.CreateEventEndpointRequest:
        """Return the request to create it."""
        endpoint = EventEndpoint(name=self.name, url=url, account_id=self.customer.account_id, **fields)
        return pb.CreateEventEndpointRequest(
            event_endpoint=endpoint, reason="test", request_id=self.customer.request_id()
        )

    def do(self, rpc: str, **fields: Any) -> Any:
        """Do an act on it."""
        request = getattr(pb, f"{rpc}Request")(
            name=self.name, reason="test", request_id=self.customer.request_id(), **fields
        )
        return getattr(self.by, rpc)(request)

    def attempts(self, **fields: Any) -> pb.ListDeliveryAttemptsResponse:
        """Return what was attempted."""
        answer: pb.ListDeliveryAttemptsResponse = self.by.ListDeliveryAttempts(
            pb.ListDeliveryAttemptsRequest(name=self.name, **fields)
        )
        return answer


def plans(customer: Customer, count: int) -> None:
    """Have so many events told."""
    for number in range(count):
        if number % 2:
            customer.go_standard()
        else:
            customer.go_unlimited()


def test_an_event_is_delivered_signed_and_by_the_convention(customer: Customer, inbox: Receiver) -> None:
    shop = Shop(customer, inbox.url)
    customer.go_unlimited()
    (received,) = eventually(lambda: list(inbox.received))
    assert received.is_signed_with(shop.created.secret)
    assert received.headers["content-type"] == "application/json"
    assert received.document["type"] == "PLAN_CHANGED"
    assert received.document["data"] == {"plan": "unlimited", "end_time": None}
    (attempt,) = eventually(lambda: list(shop.attempts().delivery_attempts))
    assert attempt.event == f"accounts/{customer.account_id}/events/{received.headers['webhook-id']}"
    assert (attempt.number, attempt.status, attempt.problem) == (1, 200, "")


def test_what_fails_is_repeated_in_order_and_under_the_same_id(customer: Customer, inbox: Receiver) -> None:
    failures = iter([500, 429, 302])
    inbox.location = inbox.url
    inbox.answer = lambda _: next(failures, 200)
    shop = Shop(customer, inbox.url)
    plans(customer, 3)
    eventually(lambda: len(inbox.received) == 6)
    ids = [one.headers["webhook-id"] for one in inbox.received]
    assert len(set(ids[:4])) == 1
    assert len(set(ids)) == 3
    assert [one.document["data"]["plan"] for one in inbox.received[3:]] == ["unlimited", "standard", "unlimited"]
    attempts = eventually(lambda: len(shop.attempts().delivery_attempts) == 6 and shop.attempts().delivery_attempts)
    assert [attempt.status for attempt in reversed(attempts)] == [500, 429, 302, 200, 200, 200]
    assert [attempt.number for attempt in reversed(attempts)] == [1, 2, 3, 4, 1, 1]
    first = shop.attempts(page_size=4)
    rest = shop.attempts(page_size=4, page_token=first.next_page_token)
    assert [*first.delivery_attempts, *rest.delivery_attempts] == list(attempts)


def test_a_failing_event_holds_up_its_account_and_no_other(customer: Customer, inbox: Receiver) -> None:
    other = Customer(customer.service, customer.app, customer.staff, f"{customer.account_id}-b")
    inbox.answer = lambda one: 500 if one.document["account_id"] == customer.account_id else 200
    shop = Shop(customer, inbox.url)
    update = pb.UpdateEventEndpointRequest(
        event_endpoint=EventEndpoint(name=shop.name, url=inbox.url), reason="all", request_id=customer.request_id()
    )
    shop.by.UpdateEventEndpoint(update)
    plans(customer, 2)
    plans(other, 3)
    eventually(lambda: len(inbox.taken) == 3)
    assert {one["account_id"] for one in inbox.taken} == {other.account_id}
    assert len({one.headers["webhook-id"] for one in inbox.received}) == 4
    inbox.answer = lambda _: 200
    eventually(lambda: len({one.headers["webhook-id"] for one in inbox.received}) == 5)


def test_a_receiver_that_hangs_delays_no_other(customer: Customer, inbox: Receiver) -> None:
    other = Customer(customer.service, customer.app, customer.staff, f"{customer.account_id}-b")
    with receiver() as hanging:
        hanging.answer = hanging.hang
        Shop(customer, hanging.url, "h")
        Shop(other, inbox.url, "g")
        for _ in range(4):
            customer.go_unlimited()
            other.go_unlimited()
        eventually(lambda: len(inbox.received) == 4)
        assert len(hanging.received) == 1
        hanging.let_go.set()


def test_a_secret_is_rotated_with_an_overlap(customer: Customer, inbox: Receiver) -> None:
    shop = Shop(customer, inbox.url)
    rotated = shop.do("RotateEventEndpointSecret")
    customer.go_unlimited()
    (received,) = eventually(lambda: list(inbox.received))
    assert rotated.secret != shop.created.secret
    assert received.is_signed_with(shop.created.secret)
    assert received.is_signed_with(rotated.secret)
    customer.service.clock.advance(24 * 3_600 + 1)
    customer.go_standard()
    received = eventually(lambda: len(inbox.received) > 1 and inbox.received[-1])
    assert received.is_signed_with(rotated.secret)
    assert not received.is_signed_with(shop.created.secret)


def test_what_cannot_be_delivered_for_a_day_is_given_up_and_can_be_replayed(
    customer: Customer, inbox: Receiver
) -> None:
    inbox.answer = lambda _: 500
    shop = Shop(customer, inbox.url)
    begun = shop.created.event_endpoint.position
    plans(customer, 2)
    eventually(lambda: inbox.received)
    for _ in range(2):
        customer.service.clock.advance(24 * 3_600 + 1)
        count = len(inbox.received)
        eventually(lambda count=count: len(inbox.received) > count)  # type: ignore[misc]
    eventually(lambda: len({one.headers["webhook-id"] for one in inbox.received}) == 2)
    customer.service.clock.advance(24 * 3_600 + 1)
    eventually(lambda: _are_given_up(customer.service, shop.name))
    inbox.received.clear()
    inbox.answer = lambda _: 200
    shop.do("ReplayEvents", after_position=begun)
    eventually(lambda: len(inbox.received) == 2)
    assert [one.document["data"]["plan"] for one in inbox.received] == ["unlimited", "standard"]
    ahead = pb.ReplayEventsRequest(
        name=shop.name, after_position=10**12, reason="test", request_id=customer.request_id()
    )
    assert refused(shop.by.ReplayEvents, ahead).reason == "POSITION_AHEAD"


def _are_given_up(service: RunningService, name: str) -> bool:
    import psycopg  # noqa: PLC0415

    query = "SELECT count(*) FROM event_deliveries WHERE endpoint_id = %s AND state = 2"
    with psycopg.connect(service.config.database_url) as connection:
        return connection.execute(query, [name.partition("/")[2]]).fetchone() == (2,)


def test_a_paused_endpoint_gets_nothing_and_later_all(customer: Customer, inbox: Receiver) -> None:
    with receiver() as second:
        shop = Shop(customer, inbox.url, "p")
        Shop(customer, second.url, "q")
        assert shop.do("PauseEventEndpoint").event_endpoint.paused
        plans(customer, 2)
        eventually(lambda: len(second.received) == 2)
        assert not inbox.received
        assert not shop.do("ResumeEventEndpoint").event_endpoint.paused
        eventually(lambda: len(inbox.received) == 2)


def test_an_endpoint_is_changed_shown_listed_and_deleted(customer: Customer, inbox: Receiver) -> None:
    shop = Shop(customer, inbox.url)
    plans(customer, 1)
    eventually(lambda: inbox.received)
    wanted = EventEndpoint(name=shop.name, url=inbox.url, types=[event_pb2.EVENT_TYPE_LOW_BALANCE])
    update = pb.UpdateEventEndpointRequest(
        event_endpoint=wanted, reason="test", request_id=customer.request_id(), expected_version=9
    )
    assert refused(shop.by.UpdateEventEndpoint, update).reason == "VERSION_MISMATCH"
    update.expected_version = 1
    changed = shop.by.UpdateEventEndpoint(update).event_endpoint
    assert (list(changed.types), changed.version, changed.account_id) == ([event_pb2.EVENT_TYPE_LOW_BALANCE], 2, "")
    shown = shop.by.GetEventEndpoint(pb.GetEventEndpointRequest(name=shop.name)).event_endpoint
    assert shown.types == changed.types
    listed = shop.by.ListEventEndpoints(pb.ListEventEndpointsRequest(page_size=100)).event_endpoints
    assert shop.name in {endpoint.name for endpoint in listed}
    again = shop.creating(inbox.url)
    assert refused(shop.by.CreateEventEndpoint, again).reason == "EVENT_ENDPOINT_EXISTS"
    shop.do("DeleteEventEndpoint")
    missing = pb.GetEventEndpointRequest(name=shop.name)
    assert refused(shop.by.GetEventEndpoint, missing).reason == "EVENT_ENDPOINT_NOT_FOUND"


def test_a_repeated_creation_has_the_same_answer_and_its_secret_is_stored_encrypted(
    customer: Customer, inbox: Receiver
) -> None:
    shop = Shop(customer, inbox.url)
    shop.do("DeleteEventEndpoint")
    request = shop.creating(inbox.url)
    answers = [shop.by.CreateEventEndpoint(request) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0].secret.startswith("whsec_")


def test_private_targets_are_refused_unless_it_is_said(tmp_path: Path) -> None:
    with running_service(tmp_path, event_key_encryption_key=KEY) as service:
        staff = service.as_caller("staff", "ADMIN")
        for url in ("http://shop.example/x", "https://127.0.0.1/x", "https://[::1]/x", "https://169.254.169.254/"):
            request = pb.CreateEventEndpointRequest(
                event_endpoint=EventEndpoint(name="eventEndpoints/shop", url=url), reason="test", request_id=url
            )
            refusal = refused(staff.endpoints.CreateEventEndpoint, request)
            assert (refusal.reason, refusal.metadata["field"]) == ("INVALID_FIELD", "event_endpoint.url")
        app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin")
        customer = Customer(service, app, staff, "private")
        # A name is judged by what it resolves to, when it is connected to.
        shop = Shop(customer, "https://localhost/x")
        customer.become(account_pb2.ACCOUNT_STATUS_SUSPENDED)
        service.server.credit.events.publisher.publish_once()
        (attempt,) = eventually(lambda: list(shop.attempts().delivery_attempts))
        assert (attempt.status, attempt.problem) == (0, "the name has an address that is not public")


def test_without_a_key_there_are_none(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        request = pb.CreateEventEndpointRequest(
            event_endpoint=EventEndpoint(name="eventEndpoints/shop", url="https://shop.example/x"),
            reason="test",
            request_id="1",
        )
        call = service.as_caller("staff", "ADMIN").endpoints.CreateEventEndpoint
        assert refused(call, request).reason == "EVENT_ENDPOINTS_OFF"


def test_what_is_received_says_who_it_is_about() -> None:
    """The receiver of these tests refuses what was changed on its way."""
    received = Received({"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,x v1,y"}, b"{}")
    assert not received.is_signed_with("whsec_AAAA")
