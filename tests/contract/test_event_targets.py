"""Events go to no address that only we can reach, neither when an endpoint is made nor when it is connected to (H6)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from creditd.service.deliveries import deliverer, names
from tests.support.customer import Customer
from tests.support.event_receiver import receiver
from tests.support.event_shop import KEY, EventShop, have_told
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("H6")

ADDRESSES: dict[str, Sequence[str]] = {}
"""What names resolve to, which may change."""


def addresses_of(host: str, port: int) -> Sequence[str]:
    """Resolve a name by ADDRESSES, and an address to itself."""
    del port
    return ADDRESSES.get(host, [host])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service that has a key for secrets, and delivers to public addresses alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliverer, "LOOK_SECONDS", 0.05)
        patch.setattr(names, "addresses_of", addresses_of)
        settings: dict[str, Any] = {"event_interval_seconds": 0.05, "event_key_encryption_key": KEY}
        with running_service(tmp_path_factory.mktemp("service"), **settings) as running:
            yield running


def test_private_targets_are_refused_unless_it_is_said(customer: Customer) -> None:
    ADDRESSES["inside.example"] = ["1.1.1.1", "10.0.0.1"]
    shop = EventShop(customer, "https://1.1.1.1/x")
    urls = ["http://shop.example/x", "https://127.0.0.1/x", "https://[::1]/x", "https://169.254.169.254/"]
    for url in [*urls, "https://inside.example/x"]:
        refusal = refused(shop.by.CreateEventEndpoint, shop.creating(url))
        assert (refusal.reason, refusal.metadata["field"]) == ("INVALID_FIELD", "event_endpoint.url")
        updating = shop.updating(url=url)
        assert refused(shop.by.UpdateEventEndpoint, updating).reason == "INVALID_FIELD"


def test_a_name_that_is_private_later_is_not_connected_to(customer: Customer) -> None:
    with receiver() as inside:
        port = inside.url.rpartition(":")[2].partition("/")[0]
        ADDRESSES["changes.example"] = ["1.1.1.1"]
        shop = EventShop(customer, f"https://changes.example:{port}/x")
        ADDRESSES["changes.example"] = ["127.0.0.1"]
        have_told(customer, 1)
        attempts = eventually(lambda: shop.attempts().delivery_attempts)
        assert (attempts[0].status, attempts[0].problem) == (0, "the name has an address that is not public")
        assert not inside.received


def test_without_a_key_there_are_none(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin")
        customer = Customer(service, app, service.as_caller("staff", "ADMIN"), "keyless")
        shop = EventShop.__new__(EventShop)
        shop.customer, shop.name = customer, "eventEndpoints/shop"
        assert refused(shop.by.CreateEventEndpoint, shop.creating("https://1.1.1.1/x")).reason == "EVENT_ENDPOINTS_OFF"
        assert service.server.credit.events.deliverer is None
