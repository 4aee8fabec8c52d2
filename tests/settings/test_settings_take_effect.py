"""Settings of a service that differ from the defaults, each by what is seen of it over the wire or at the database."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import jwt
import pytest
from sqlalchemy import text

from credit.v1 import account_pb2, limits_pb2, source_pb2
from credit.v1 import credit_service_pb2 as credit
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from creditd.domain.instant import SECOND
from creditd.domain.limits import DAY
from creditd.service.kinds import LEDGER_CONNECTIONS
from tests.support.customer import Customer, source_of
from tests.support.refusals import read_refusal, refused
from tests.support.service import RunningService, running_service
from tests.support.tokens import KEY, KEY_ID

UNUSUAL: dict[str, Any] = {
    "database_pool_size": 19,
    "database_prepare_threshold": 0,
    "sweep_interval_seconds": 3_600.0,
    "reservation_ttl_seconds": 77,
    "reservation_max_ttl_seconds": 100,
    "refund_grace_seconds": 50,
    "spend_order": ("purchased", "admin", "promo", "free"),
    "sign_up_credits": {"chat": 7, "gems": 2},
    "credit_types": {"chat": 0, "gems": 3},
    "least_per_movement": {"gems": 2, "gems/*": 3},
    "most_per_movement": {"gems": 20},
    "most_per_hour": {"gems": 30},
    "most_per_day": {"gems": 40, "gems/*": 8},
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service with settings that are none of the defaults."""
    with running_service(tmp_path_factory.mktemp("unusual"), **UNUSUAL) as running:
        yield running


@pytest.fixture
def customer(service: RunningService, app: SimpleNamespace, staff: SimpleNamespace, account: str) -> Customer:
    """Return a customer that nobody has seen yet."""
    return Customer(service, app, staff, account)


@pytest.mark.requirement("A11")
def test_an_account_starts_with_what_is_configured(customer: Customer) -> None:
    assert (customer.figures("chat"), customer.figures("gems")) == ((7, 0), (2, 0))


@pytest.mark.requirement("C7")
def test_limits_are_those_configured_where_an_account_has_none_of_its_own(customer: Customer) -> None:
    def refusal(amount: int, spender_id: str = "") -> tuple[str, str]:
        request = customer.deducting(amount, credit_type="gems", spender_id=spender_id)
        metadata = refused(customer.app.credit.Deduct, request).metadata
        return metadata["which"], metadata["limit"]

    # In the last hour of a day both windows would end at once; a minute past noon neither ends meanwhile.
    customer.service.clock.advance((DAY - customer.service.clock.now() % DAY) // SECOND + 12 * 3_600 + 60)
    # The very first use counts too, of an account that nobody has seen before.
    customer.deduct(2, credit_type="gems")
    customer.top_up(100, credit_type="gems")
    assert refusal(1) == ("LEAST_PER_MOVEMENT", "2")
    assert refusal(2, "ann") == ("LEAST_PER_MOVEMENT", "3")
    assert refusal(21) == ("MOST_PER_MOVEMENT", "20")
    customer.deduct(8, credit_type="gems", spender_id="ann")
    assert refusal(3, "ann") == ("MOST_PER_DAY", "8")
    customer.deduct(20, credit_type="gems")
    assert refusal(2) == ("MOST_PER_HOUR", "30")
    assert refusal(20) == ("MOST_PER_DAY", "40")
    own = limits_pb2.Limit(credit_type="gems", most_per_movement=70)
    name = f"accounts/{customer.account_id}"
    customer.staff.admin.SetLimits(
        limits_pb2.SetLimitsRequest(name=name, limits=[own], reason="test", request_id=customer.request_id())
    )
    customer.deduct(70, credit_type="gems")
    assert refusal(3, "ann") == ("MOST_PER_DAY", "8")
    shown = customer.staff.admin.GetLimits(limits_pb2.GetLimitsRequest(name=name))
    assert [(limit.spender, limit.most_per_day) for limit in shown.defaults] == [("", 40), ("*", 8)]


@pytest.mark.requirement("A12")
def test_credit_types_are_there_with_their_decimals(customer: Customer) -> None:
    answer = customer.staff.credit.ListCreditTypes(credit.ListCreditTypesRequest())
    assert {one.code: one.decimals for one in answer.credit_types} == UNUSUAL["credit_types"]


@pytest.mark.requirement("A9")
def test_sources_are_spent_in_the_order_configured(customer: Customer) -> None:
    for source in (source_pb2.SOURCE_PROMO, source_pb2.SOURCE_ADMIN, source_pb2.SOURCE_PURCHASED):
        customer.top_up(1, source)
    assert [source_of(grant) for grant in customer.wallet().grants] == ["PURCHASED", "ADMIN", "PROMO", "FREE"]


@pytest.mark.requirement("A2")
def test_a_hold_lives_as_long_as_configured_and_no_longer_than_allowed(customer: Customer) -> None:
    held = customer.reserve(1).reservation
    assert held.expire_time.seconds - held.create_time.seconds == 77
    customer.reserve(1, seconds=100)
    assert refused(customer.app.credit.Reserve, customer.reserving(1, seconds=101)).reason == "EXPIRY_OUT_OF_RANGE"


@pytest.mark.requirement("A4")
def test_what_comes_back_late_is_kept_for_its_grace(customer: Customer) -> None:
    customer.top_up(10, seconds=60)
    held = customer.hold(10, seconds=90)
    customer.service.clock.advance(70)
    customer.refund(held)
    assert customer.figures() == (17, 0)
    customer.service.clock.advance(49)
    assert customer.figures() == (17, 0)
    customer.service.clock.advance(2)
    assert customer.figures() == (7, 0)


def test_a_sweep_that_is_far_away_writes_nothing(customer: Customer) -> None:
    customer.hold(1, seconds=1)
    customer.service.clock.advance(5)
    assert customer.figures() == (7, 0)
    assert customer.kinds() == ["RESERVE", "GRANT"]


def test_the_connections_are_shared_out_to_the_last(service: RunningService) -> None:
    threads = sum(occupancy.threads for occupancy in service.server.occupancies.values())
    assert threads + LEDGER_CONNECTIONS == UNUSUAL["database_pool_size"]


def test_with_0_nothing_is_prepared(service: RunningService) -> None:
    with service.core.database.autocommit() as connection:
        for _ in range(8):
            connection.execute(text("SELECT 1 AS one"))
        prepared = connection.execute(text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%one'"))
        assert prepared.scalar_one() == 0


@pytest.mark.requirement("I7")
def test_a_session_is_what_it_is_told_to_be(service: RunningService) -> None:
    with service.core.database.autocommit() as connection:
        found = connection.execute(text("SELECT current_user, session_user")).one()
    assert found[0] == service.config.database_role != found[1]


def test_a_page_token_of_another_secret_is_refused(customer: Customer, tmp_path: Path) -> None:
    customer.top_up(1)
    token = customer.page(page_size=1).next_page_token
    request = credit.ListTransactionsRequest(account_id=customer.account_id, page_size=1, page_token=token)
    url = customer.service.config.database_url
    for secret, reason in ((customer.service.config.page_token_secret, ""), ("another", "PAGE_TOKEN_INVALID")):
        with running_service(tmp_path, **UNUSUAL | {"database_url": url, "page_token_secret": secret}) as other:
            reader = other.as_caller("reader", "SERVICE", scope="credits.read").credit
            if reason:
                assert refused(reader.ListTransactions, request).reason == reason
            else:
                assert reader.ListTransactions(request).entries


@pytest.mark.requirement("G4")
def test_a_token_has_to_be_for_us(tmp_path: Path) -> None:
    with running_service(tmp_path, jwt_issuer="https://login.example", jwt_audience="credits") as service:
        stub = CreditServiceStub(service.channel())
        request = credit.GetBalanceRequest(account_id="ann")

        def answer(**claims: str) -> str:
            stated = {"sub": "ann", "roles": ["USER"], "exp": int(time.time()) + 600} | claims
            token = jwt.encode(stated, KEY, algorithm="EdDSA", headers={"kid": KEY_ID})
            try:
                found = stub.GetBalance(request, metadata=(("authorization", f"Bearer {token}"),))
            except grpc.RpcError as error:
                return read_refusal(error).reason
            return account_pb2.AccountStatus.Name(found.account_balance.status)

        ours = {"iss": "https://login.example", "aud": "credits"}
        assert answer(**ours) == "ACCOUNT_STATUS_ACTIVE"
        assert answer(**ours | {"iss": "https://other.example"}) == "TOKEN_INVALID"
        assert answer(**ours | {"aud": "other"}) == "TOKEN_INVALID"
        assert answer() == "TOKEN_INVALID"
