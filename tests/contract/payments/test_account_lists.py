"""Staff list accounts by why they should look at them, and by when credits of them last moved (J6)."""

from typing import Any

import psycopg
import pytest

from credit.v1 import account_pb2
from credit.v1 import admin_service_pb2 as pb
from tests.contract.payments.shopper import Shopper
from tests.support.customer import Customer
from tests.support.flags import raise_flag
from tests.support.refusals import refused
from tests.support.usage_rolling import add_up

pytestmark = pytest.mark.requirement("J6")

FLAGGED, IN_DEBT, DISPUTED = pb.ACCOUNT_CONCERN_FLAGGED, pb.ACCOUNT_CONCERN_IN_DEBT, pb.ACCOUNT_CONCERN_DISPUTED
MOST_PAGES = 10
"""More than the accounts of a test need."""

LAST_MOVEMENT = pb.ACCOUNT_ORDER_LAST_MOVEMENT


def page(of: Customer | Shopper, **fields: Any) -> pb.ListAccountsResponse:
    """Return a page of accounts."""
    answer: pb.ListAccountsResponse = of.staff.admin.ListAccounts(pb.ListAccountsRequest(**fields))
    return answer


def listed(of: Customer | Shopper, concern: pb.AccountConcern, **fields: Any) -> list[str]:
    """Return the accounts of a test that have a concern, page by page."""
    found: list[str] = []
    token = ""
    for _ in range(MOST_PAGES):
        stated = {"account_id_prefix": of.account_id, "concern": concern, "page_token": token} | fields
        answer = page(of, **stated)
        found += [one.account.account_id for one in answer.account_overviews]
        token = answer.next_page_token
        if not token:
            break
    return found


def test_accounts_with_a_flag_are_listed_once_each_however_many_they_have(customer: Customer) -> None:
    others = [customer.another(str(number)) for number in range(5)]
    for other in others:
        other.balance()
    for other in (others[3], others[1], others[1], others[4]):
        raise_flag(customer.service.config.database_url, other.account_id)
    expected = [others[number].account_id for number in (1, 3, 4)]
    assert listed(customer, FLAGGED) == expected
    assert listed(customer, FLAGGED, page_size=1) == expected
    assert listed(others[3], FLAGGED) == [others[3].account_id]
    assert listed(customer, DISPUTED) == []


def test_who_owes_credits_is_listed_until_nothing_is_owed(shopper: Shopper) -> None:
    for one in (shopper, shopper.another("paid")):
        one.bought()
    purchase = shopper.purchases()[0]
    shopper.spend(60)
    assert listed(shopper, IN_DEBT) == []
    shopper.staff.payment_admin.ReversePurchase(shopper.reverse(purchase))
    assert shopper.figures() == (0, 60)
    assert listed(shopper, IN_DEBT) == [shopper.account_id]
    shopper.bought()
    assert listed(shopper, IN_DEBT) == []


def test_who_disputes_is_listed_while_the_dispute_is_open(shopper: Shopper) -> None:
    purchase = shopper.bought()
    assert listed(shopper, DISPUTED) == []
    market = shopper.market
    dispute = market.act(market.fakes.stripe.open_dispute, purchase.payment_id)
    shopper.when(purchase.name, lambda seen: seen.open_disputes == 1)
    assert listed(shopper, DISPUTED) == [shopper.account_id]
    market.act(market.fakes.stripe.close_dispute, dispute)
    shopper.when(purchase.name, lambda seen: seen.open_disputes == 0)
    assert listed(shopper, DISPUTED) == []


def test_an_account_says_when_credits_of_it_last_moved(customer: Customer) -> None:
    customer.balance()
    (opened,) = page(customer, account_id_prefix=customer.account_id).account_overviews
    # By the sign-up credits.
    assert opened.last_movement_time == opened.account.create_time
    entry = customer.top_up(10)
    (moved,) = page(customer, account_id_prefix=customer.account_id).account_overviews
    assert moved.last_movement_time == entry.create_time


def test_accounts_are_listed_by_the_day_on_which_they_last_moved(customer: Customer) -> None:
    others = [customer.another(str(number)) for number in range(4)]
    for other in others:
        other.top_up(1)
    add_up(customer.service.core)
    with psycopg.connect(customer.service.config.database_url) as connection:
        query = """
        SELECT move_day = (
            SELECT date_trunc('day', max(create_time), 'UTC') FROM entries WHERE account_id = m.account_id
        )
        FROM account_movements AS m WHERE account_id = %s
        """
        assert connection.execute(query, [others[0].account_id]).fetchone() == (True,)
        # Days that nobody else moves on, two of them on the last.
        for other, day in zip(others, (3, 4, 2, 4), strict=True):
            moved = (
                "UPDATE account_movements SET move_day = make_timestamptz(2999, 1, %s, 0, 0, 0) WHERE account_id = %s"
            )
            connection.execute(moved, [day, other.account_id])
    found: list[str] = []
    token = ""
    for _ in others:
        answer = page(customer, order=LAST_MOVEMENT, page_size=1, page_token=token)
        found += [one.account.account_id for one in answer.account_overviews]
        token = answer.next_page_token
    assert found == [others[number].account_id for number in (3, 1, 0, 2)]


@pytest.mark.parametrize(
    "fields",
    [
        {"concern": FLAGGED, "status": account_pb2.ACCOUNT_STATUS_ACTIVE},
        {"order": LAST_MOVEMENT, "concern": FLAGGED},
        {"order": LAST_MOVEMENT, "status": account_pb2.ACCOUNT_STATUS_ACTIVE},
        {"order": LAST_MOVEMENT, "account_id_prefix": "ann"},
    ],
)
def test_what_no_index_has_together_is_refused(customer: Customer, fields: dict[str, Any]) -> None:
    refusal = refused(customer.staff.admin.ListAccounts, pb.ListAccountsRequest(**fields))
    assert refusal.reason == "INVALID_FIELD"
