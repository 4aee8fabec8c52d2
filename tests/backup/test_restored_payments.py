"""What providers have of the time that a restore lost: found there again, and applied once or left to a person."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from credit.v1.purchase_pb2 import Purchase
from creditd.cli.main import main
from tests.backup.archived_server import ArchivedServer, started
from tests.support.customer import Customer
from tests.support.market import CREDITS, OMISE, SECONDS, STRIPE, Market, open_front
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service
from tests.support.tokens import bearer

pytestmark = [pytest.mark.backups, pytest.mark.requirement("I3", "E8"), pytest.mark.timeout(600)]

PROVIDERS: Mapping[str, int] = {"stripe": STRIPE, "omise": OMISE}


def pay(market: Market, purchase: Purchase, provider: str) -> str:
    """Pay, and wait until the credits are there; return the provider's reference."""
    market.act(getattr(market.fakes, provider).pay, purchase.provider_reference)
    eventually(lambda: market.state(purchase.name) == "COMPLETED", SECONDS)
    market.settle()
    return purchase.provider_reference


def reconciled(
    service: RunningService, provider: str, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[list[str]], str]:
    """Run the command that the page says; return its exit code, the words of each find, and its last line."""
    token = bearer("tests", ["ADMIN"]).removeprefix("Bearer ")
    code = main(["reconcile", "--provider", provider, "--address", service.address, "--token", token])
    *finds, summary = capsys.readouterr().out.splitlines()
    return code, [line.split() for line in finds], summary


def test_payments_of_the_lost_time_are_found_at_their_provider_and_applied_once_or_left_to_a_person(
    archived: ArchivedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A purchase that was made before the instant is known again; one made after it is known to nobody here."""
    with open_front() as front:
        settings = front.fakes.settings
        with (
            running_service(
                tmp_path, database_url=archived.url, payment_poll_interval_seconds=0.05, **settings
            ) as service,
            front.adapter(service.address) as url,
        ):
            market = Market(service, front.fakes, url, front.run)
            market.sell()
            archived.backup()
            known = {provider: market.buy(f"buyer-{provider}", PROVIDERS[provider]) for provider in PROVIDERS}
            instant = archived.now()
            lost = {provider: market.buy(f"buyer-{provider}", PROVIDERS[provider]) for provider in PROVIDERS}
            for provider in PROVIDERS:
                for purchases in (known, lost):
                    pay(market, purchases[provider], provider)
                assert market.balance(f"buyer-{provider}") == (2 * CREDITS, 0)
            app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read")
            hold = Customer(service, app, market.staff, "buyer-stripe").hold(10)
        archived.archive_all()
        folder = archived.restored("bought", "--to", instant.isoformat())
        with (
            started(folder) as restored,
            running_service(
                tmp_path, database_url=restored, payment_poll_interval_seconds=3_600.0, **settings
            ) as service,
        ):
            market = Market(service, front.fakes, "", front.run)
            for provider in PROVIDERS:
                assert market.balance(f"buyer-{provider}") == (0, 0)
                code, finds, summary = reconciled(service, provider, capsys)
                assert code == 1, summary
                applied = {word for find in finds if find[0] == "applied" for word in find}
                assert known[provider].name in applied
                for_a_person = {word.strip(",") for find in finds if find[0] != "applied" for word in find}
                assert lost[provider].provider_reference in for_a_person
                assert market.balance(f"buyer-{provider}") == (CREDITS, 0)
                code, finds, _ = reconciled(service, provider, capsys)
                assert (code, [find for find in finds if find[0] == "applied"]) == (1, [])
                assert market.balance(f"buyer-{provider}") == (CREDITS, 0)
            app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read")
            buyer = Customer(service, app, market.staff, "buyer-stripe")
            assert refused(app.credit.Confirm, buyer.confirming(hold)).reason == "RESERVATION_NOT_FOUND"
