"""An endpoint of one customer's events, and the acts of administrators on it."""

from types import SimpleNamespace
from typing import Any, Final

from credit.v1 import event_endpoint_service_pb2 as pb
from credit.v1.event_endpoint_pb2 import EventEndpoint
from creditd.domain.events.event_endpoint import EventEndpoint as EventEndpointRow
from creditd.ledger.ids import uuid7
from creditd.storage.events import event_endpoints
from tests.support.customer import Customer
from tests.support.service import RunningService

KEY: Final = "of the tests, and of nothing else in the world"


def have_told(customer: Customer, count: int) -> None:
    """Have so many events told of a customer: its plan is changed."""
    for number in range(count):
        if number % 2:
            customer.go_standard()
        else:
            customer.go_unlimited()


class EventShop:
    """One endpoint of a customer's events, and the acts on it."""

    def __init__(self, customer: Customer, url: str, suffix: str = "", **fields: Any) -> None:
        """Create it; ``fields`` say more of it."""
        self.customer = customer
        digits = "".join(character if character.isalnum() else "-" for character in customer.account_id.lower())
        self.name = f"eventEndpoints/e{suffix}{digits[-55:]}"
        self.created: pb.CreateEventEndpointResponse = self.by.CreateEventEndpoint(self.creating(url, **fields))

    @property
    def by(self) -> Any:
        """The service of endpoints, for an administrator who has just shown a second factor."""
        return administrator(self.customer).endpoints

    def creating(self, url: str, **fields: Any) -> pb.CreateEventEndpointRequest:
        """Return the request to create it."""
        stated = {"name": self.name, "url": url, "account_id": self.customer.account_id} | fields
        return pb.CreateEventEndpointRequest(
            event_endpoint=EventEndpoint(**stated), reason="test", request_id=self.customer.request_id()
        )

    def do(self, rpc: str, **fields: Any) -> Any:
        """Do an act on it."""
        return getattr(self.by, rpc)(self.doing(rpc, **fields))

    def doing(self, rpc: str, **fields: Any) -> Any:
        """Return the request of an act on it."""
        stated = {"name": self.name, "reason": "test", "request_id": self.customer.request_id()} | fields
        return getattr(pb, f"{rpc}Request")(**stated)

    def updating(self, **fields: Any) -> pb.UpdateEventEndpointRequest:
        """Return the request to put another description in the place of its own."""
        endpoint = EventEndpoint(**{"name": self.name} | fields)
        return pb.UpdateEventEndpointRequest(
            event_endpoint=endpoint, reason="test", request_id=self.customer.request_id()
        )

    def attempts(self, **fields: Any) -> pb.ListDeliveryAttemptsResponse:
        """Return what was attempted."""
        answer: pb.ListDeliveryAttemptsResponse = self.by.ListDeliveryAttempts(
            pb.ListDeliveryAttemptsRequest(name=self.name, **fields)
        )
        return answer

    def dead_letters(self, **fields: Any) -> pb.ListDeadLettersResponse:
        """Return what could not be delivered."""
        answer: pb.ListDeadLettersResponse = self.by.ListDeadLetters(
            pb.ListDeadLettersRequest(name=self.name, **fields)
        )
        return answer


def stored_endpoint(service: RunningService) -> str:
    """Store an endpoint by itself, where the service has no key for secrets; return its name."""
    key, now = uuid7(), service.clock.now()
    endpoint = EventEndpointRow(
        *(key, f"e{key[-12:]}", "https://1.1.1.1", "", (), "", ""), paused=True, position=0, version=1,
        create_time=now, update_time=now, active_time=now
    )  # fmt: skip
    with service.core.database.transaction() as connection:
        event_endpoints.add(connection, endpoint, b"encrypted")
    return endpoint.name


def administrator(customer: Customer) -> SimpleNamespace:
    """Return an administrator who has shown a second factor within the last minutes."""
    service = customer.service
    return service.as_caller("shopkeeper", "ADMIN", mfa_time=service.seconds // 300 * 300)
