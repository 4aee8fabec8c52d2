"""Events are delivered to endpoints: signed, at least once, of each account in order; none waits for another (H6)."""

import base64
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from credit.v1 import event_endpoint_service_pb2 as pb
from credit.v1 import event_pb2
from creditd.domain.instant import SECOND
from creditd.service.deliveries import deliverer, message
from tests.support.customer import Customer
from tests.support.event_receiver import Receiver, receiver
from tests.support.event_shop import KEY, EventShop, have_told
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("H6")

DAY_SECONDS = 24 * 3_600


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service that delivers to this machine, and is impatient."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliverer, "LOOK_SECONDS", 0.05)
        patch.setattr(deliverer, "TIDYING_SECONDS", 0.1)
        patch.setattr(deliverer, "MEASURING_SECONDS", 0.1)
        patch.setattr(message, "FIRST_PAUSE", SECOND // 20)
        patch.setattr(message, "LONGEST_PAUSE", SECOND // 20)
        settings: dict[str, Any] = {"event_interval_seconds": 0.05, "event_key_encryption_key": KEY}
        settings["event_targets_private"] = True
        with running_service(tmp_path_factory.mktemp("service"), **settings) as running:
            yield running


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    """Run a receiver."""
    with receiver() as one:
        yield one


def other_than(customer: Customer) -> Customer:
    """Return another customer."""
    return Customer(customer.service, customer.app, customer.staff, f"{customer.account_id}-b")


def test_an_event_is_delivered_and_verified_by_the_library_of_the_convention(
    customer: Customer, inbox: Receiver
) -> None:
    shop = EventShop(customer, inbox.url)
    customer.go_unlimited()
    (received,) = eventually(lambda: list(inbox.received))
    document = received.verify(shop.created.secret)
    assert received.headers["content-type"] == "application/json"
    assert document["type"] == "PLAN_CHANGED"
    assert document["account_id"] == customer.account_id
    assert document["data"] == {"plan": "unlimited", "end_time": None}
    (attempt,) = eventually(lambda: list(shop.attempts().delivery_attempts))
    assert attempt.event == f"accounts/{customer.account_id}/events/{received.event_id}"
    assert attempt.position == document["position"]
    assert (attempt.number, attempt.status, attempt.problem) == (1, 200, "")


def test_what_fails_is_repeated_in_order_and_under_the_same_id(customer: Customer, inbox: Receiver) -> None:
    """A redirection is a failure too: it is not followed."""
    failures = iter([500, 429, 302])
    with receiver() as elsewhere:
        inbox.location = elsewhere.url
        inbox.answer = lambda _: next(failures, 200)
        shop = EventShop(customer, inbox.url)
        have_told(customer, 3)
        eventually(lambda: len(inbox.received) == 6)
        assert not elsewhere.received
    ids = [one.event_id for one in inbox.received]
    assert len(set(ids[:4])) == 1
    assert len(set(ids)) == 3
    assert [one.document["data"]["plan"] for one in inbox.received[3:]] == ["unlimited", "standard", "unlimited"]
    attempts = eventually(lambda: len(shop.attempts().delivery_attempts) == 6 and shop.attempts().delivery_attempts)
    assert [attempt.status for attempt in reversed(attempts)] == [500, 429, 302, 200, 200, 200]
    assert [attempt.number for attempt in reversed(attempts)] == [1, 2, 3, 4, 1, 1]
    assert attempts[-1].problem == "HTTP 500"
    first = shop.attempts(page_size=4)
    rest = shop.attempts(page_size=4, page_token=first.next_page_token)
    assert [*first.delivery_attempts, *rest.delivery_attempts] == list(attempts)


def test_a_failing_event_holds_up_its_account_and_no_other(customer: Customer, inbox: Receiver) -> None:
    other = other_than(customer)
    inbox.answer = lambda one: 500 if one.document["account_id"] == customer.account_id else 200
    EventShop(customer, inbox.url, account_id="")
    have_told(customer, 2)
    have_told(other, 3)
    eventually(lambda: len(inbox.taken) == 3)
    assert {one["account_id"] for one in inbox.taken} == {other.account_id}
    assert len({one.event_id for one in inbox.received}) == 4
    inbox.answer = lambda _: 200
    eventually(lambda: len({one.event_id for one in inbox.received}) == 5)


def test_a_receiver_that_hangs_delays_neither_another_nor_a_reserve(customer: Customer, inbox: Receiver) -> None:
    """All that the other one is due comes, and credits are held, while the first has not answered anything."""
    other = other_than(customer)
    with receiver() as hanging:
        hanging.answer = hanging.hang
        EventShop(customer, hanging.url, "h")
        EventShop(other, inbox.url, "g")
        for _ in range(4):
            customer.go_unlimited()
            other.go_unlimited()
        eventually(lambda: len(inbox.received) == 4)
        customer.go_standard()
        customer.top_up(10)
        assert customer.reserve(10).entry.amount == 10
        assert len(hanging.received) == 1
        assert not hanging.let_go.is_set()


def test_a_secret_is_rotated_with_an_overlap(customer: Customer, inbox: Receiver) -> None:
    shop = EventShop(customer, inbox.url)
    rotated = shop.do("RotateEventEndpointSecret")
    customer.go_unlimited()
    (received,) = eventually(lambda: list(inbox.received))
    assert rotated.secret != shop.created.secret
    assert received.verify(shop.created.secret) == received.verify(rotated.secret)
    customer.service.clock.advance(DAY_SECONDS + 1)
    customer.go_standard()
    received = eventually(lambda: len(inbox.received) > 1 and inbox.received[-1])
    assert received.is_signed_with(rotated.secret)
    assert not received.is_signed_with(shop.created.secret)


def test_what_cannot_be_delivered_for_a_day_is_a_dead_letter_and_can_be_replayed(
    customer: Customer, inbox: Receiver
) -> None:
    inbox.answer = lambda _: 500
    shop = EventShop(customer, inbox.url)
    begun = shop.created.event_endpoint.position
    have_told(customer, 3)
    eventually(lambda: shown_of(shop).position >= begun + 3 and shop.attempts().delivery_attempts)
    assert not shop.dead_letters().dead_letters
    customer.service.clock.advance(DAY_SECONDS + 1)
    # The next one of the account follows, and the day of each of them is over, too.
    letters = eventually(lambda: len(shop.dead_letters().dead_letters) == 3 and shop.dead_letters().dead_letters)
    assert [letter.problem for letter in letters] == ["HTTP 500"] * 3
    assert letters[0].attempts > 1
    first = shop.dead_letters(page_size=2)
    rest = shop.dead_letters(page_size=2, page_token=first.next_page_token)
    assert [*first.dead_letters, *rest.dead_letters] == list(letters)
    inbox.received.clear()
    inbox.answer = lambda _: 200
    # One of them, then all that was told since the beginning.
    shop.do("ReplayEvents", positions=[letters[1].position])
    eventually(lambda: len(inbox.received) == 1)
    assert inbox.received[0].document["position"] == letters[1].position
    assert [one.position for one in eventually_two(shop)] == [letters[0].position, letters[2].position]
    shop.do("ReplayEvents", after_position=begun)
    eventually(lambda: len(inbox.received) == 4)
    assert [one.document["position"] for one in inbox.received[1:]] == [letter.position for letter in letters]
    eventually(lambda: not shop.dead_letters().dead_letters)


def eventually_two(shop: EventShop) -> Any:
    """Return the dead letters once there are two of them."""
    return eventually(lambda: len(shop.dead_letters().dead_letters) == 2 and shop.dead_letters().dead_letters)


def test_a_replay_says_what_is_to_be_replayed(customer: Customer, inbox: Receiver) -> None:
    shop = EventShop(customer, inbox.url)
    ahead: list[dict[str, Any]] = [{"after_position": 10**12}, {"positions": [10**12]}]
    for fields in ahead:
        assert refused(shop.by.ReplayEvents, shop.doing("ReplayEvents", **fields)).reason == "POSITION_AHEAD"
    unclear: list[dict[str, Any]] = [{}, {"after_position": 0, "positions": [1]}]
    for fields in unclear:
        refusal = refused(shop.by.ReplayEvents, shop.doing("ReplayEvents", **fields))
        assert (refusal.reason, refusal.metadata["field"]) == ("INVALID_FIELD", "positions")


def test_a_paused_endpoint_gets_nothing_and_later_all(customer: Customer, inbox: Receiver) -> None:
    """What waits when it is resumed has a day from then on, however long it was paused."""
    with receiver() as second:
        shop = EventShop(customer, inbox.url, "p")
        EventShop(customer, second.url, "q")
        inbox.answer = lambda _: 500
        have_told(customer, 1)
        eventually(lambda: inbox.received)
        assert shop.do("PauseEventEndpoint").event_endpoint.paused
        have_told(customer, 2)
        eventually(lambda: len(second.received) == 3)
        customer.service.clock.advance(2 * DAY_SECONDS)
        have_told(customer, 1)
        eventually(lambda: len(second.received) == 4)
        before = len(inbox.received)
        failures = iter([500])
        inbox.answer = lambda _: next(failures, 200)
        assert not shop.do("ResumeEventEndpoint").event_endpoint.paused
        eventually(lambda: len(inbox.received) == before + 5)
        assert not shop.dead_letters().dead_letters


def test_an_endpoint_is_changed_shown_and_listed(customer: Customer, inbox: Receiver) -> None:
    shop = EventShop(customer, inbox.url)
    wanted = {"url": inbox.url, "types": [event_pb2.EVENT_TYPE_LOW_BALANCE]}
    update = shop.updating(**wanted)
    update.expected_version = 9
    assert refused(shop.by.UpdateEventEndpoint, update).reason == "VERSION_MISMATCH"
    update.expected_version, update.validate_only = 1, True
    tried = shop.by.UpdateEventEndpoint(update).event_endpoint
    assert shop.by.GetEventEndpoint(pb.GetEventEndpointRequest(name=shop.name)).event_endpoint.version == 1
    update.validate_only = False
    changed = shop.by.UpdateEventEndpoint(update).event_endpoint
    assert (list(changed.types), changed.version, changed.account_id) == (wanted["types"], 2, "")
    assert (tried.version, tried.types, tried.account_id) == (changed.version, changed.types, changed.account_id)
    have_told(customer, 1)
    shown = shop.by.GetEventEndpoint(pb.GetEventEndpointRequest(name=shop.name)).event_endpoint
    assert shown.types == changed.types
    listed = shop.by.ListEventEndpoints(pb.ListEventEndpointsRequest(page_size=100)).event_endpoints
    assert shop.name in {endpoint.name for endpoint in listed}
    assert refused(shop.by.CreateEventEndpoint, shop.creating(inbox.url)).reason == "EVENT_ENDPOINT_EXISTS"
    # What it does not ask for is passed over.
    eventually(lambda: shown_of(shop).position > shop.created.event_endpoint.position)
    assert not inbox.received


def shown_of(shop: EventShop) -> Any:
    """Return an endpoint as it is now."""
    return shop.by.GetEventEndpoint(pb.GetEventEndpointRequest(name=shop.name)).event_endpoint


def test_a_deleted_endpoint_is_gone_and_another_may_have_its_name(customer: Customer, inbox: Receiver) -> None:
    """A repeated request changes nothing: it does not take away what belongs to the one that came after."""
    inbox.answer = lambda _: 500
    shop = EventShop(customer, inbox.url)
    have_told(customer, 2)
    eventually(lambda: shop.attempts().delivery_attempts)
    deleting = shop.doing("DeleteEventEndpoint")
    answer = shop.by.DeleteEventEndpoint(deleting)
    missing = pb.GetEventEndpointRequest(name=shop.name)
    assert refused(shop.by.GetEventEndpoint, missing).reason == "EVENT_ENDPOINT_NOT_FOUND"
    inbox.answer = lambda _: 200
    second = EventShop(customer, inbox.url)
    assert shop.by.DeleteEventEndpoint(deleting) == answer
    inbox.received.clear()
    have_told(customer, 1)
    (received,) = eventually(lambda: list(inbox.received))
    assert received.is_signed_with(second.created.secret)
    assert len(eventually(lambda: list(second.attempts().delivery_attempts))) == 1
    # What belonged to the first goes by itself.
    eventually(lambda: stored_endpoints(customer.service, shop.name) == 1)


def stored_endpoints(service: RunningService, name: str) -> int:
    """Return how many endpoints of a name are stored, deleted ones too."""
    with psycopg.connect(service.config.database_url) as connection:
        query = "SELECT count(*) FROM event_endpoints WHERE endpoint_id = %s"
        row = connection.execute(query, [name.partition("/")[2]]).fetchone()
    return int(row[0]) if row else 0


def test_a_secret_is_shown_once_and_stored_encrypted(customer: Customer, inbox: Receiver) -> None:
    shop = EventShop(customer, inbox.url)
    assert shop.created.secret.startswith("whsec_")
    rotating = shop.doing("RotateEventEndpointSecret")
    answers = [shop.by.RotateEventEndpointSecret(rotating) for _ in range(2)]
    assert [bool(answer.secret) for answer in answers] == [True, False]
    assert answers[0].event_endpoint == answers[1].event_endpoint
    creating = shop.creating(inbox.url)
    creating.event_endpoint.name += "-2"
    creating.validate_only = True
    assert not shop.by.CreateEventEndpoint(creating).secret
    creating.validate_only = False
    created = [shop.by.CreateEventEndpoint(creating) for _ in range(2)]
    assert [bool(answer.secret) for answer in created] == [True, False]
    assert created[0].event_endpoint == created[1].event_endpoint
    with psycopg.connect(customer.service.config.database_url) as connection:
        stored = connection.execute("SELECT event_endpoints::text FROM event_endpoints").fetchall()
        claims = connection.execute("SELECT answer::text FROM request_claims").fetchall()
    for secret in (shop.created.secret, answers[0].secret, created[0].secret):
        raw = base64.b64decode(secret.removeprefix("whsec_"))
        assert not any(secret in str(row) or raw.hex() in str(row) for row in [*stored, *claims])


def test_how_long_events_wait_is_a_metric(customer: Customer, inbox: Receiver) -> None:
    inbox.answer = lambda _: 500
    shop = EventShop(customer, inbox.url)
    statistics, endpoint_id = customer.service.core.event_statistics, shop.name.partition("/")[2]
    eventually(lambda: statistics.delivery_lags.get(endpoint_id) == 0.0)
    have_told(customer, 1)
    # It is the endpoint's own by then: one that is taken over later waits from then on.
    eventually(lambda: list(inbox.received))
    eventually(lambda: statistics.delivery_lags.get(endpoint_id, 0.0) > 0.0)
    customer.service.clock.advance(1_000)
    eventually(lambda: statistics.delivery_lags.get(endpoint_id, 0.0) > 1_000)
    inbox.answer = lambda _: 200
    eventually(lambda: statistics.delivery_lags.get(endpoint_id) == 0.0)
