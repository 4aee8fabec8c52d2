"""Short lists come in pages too: each item once, in order, by a token of its query alone."""

from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg
import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import payment_service_pb2 as payment
from tests.contract.payments.shopper import Shopper
from tests.support.refusals import refused

ROWS = 7
PAGE = 3

FILL = """
INSERT INTO credit_types SELECT 'paged_' || n, '', 0, now() FROM generate_series(1, %(rows)s) AS n
ON CONFLICT DO NOTHING;
INSERT INTO packages
SELECT 'paged_' || n, 'Paged', 2000, 'THB', 'chat', 1, 0, now(), NULL FROM generate_series(1, %(rows)s) AS n
ON CONFLICT DO NOTHING;
INSERT INTO rejected_webhooks
SELECT 1 + n %% 3, 'too_old', hour, n, hour, ''
FROM generate_series(1, %(rows)s) AS n,
     LATERAL (SELECT date_trunc('hour', now()) - (n / 3) * interval '1 hour') AS t(hour)
ON CONFLICT DO NOTHING;
INSERT INTO subscriptions
SELECT %(account)s, 1 + n %% 3, n %% 2 = 0, 'sub_' || n, 2, true, NULL, now(), now(), now()
FROM generate_series(1, %(rows)s) AS n;
"""


class List(NamedTuple):
    """A list: how it is asked for, what its items are called, and what tells two of them apart, in the list's order."""

    call: Callable[[Shopper], Any]
    request: Callable[[Shopper], Any]
    items: str
    place: Callable[[Any], Any]


LISTS = {
    "credit types": List(
        lambda shopper: shopper.staff.credit.ListCreditTypes,
        lambda _: credit.ListCreditTypesRequest(),
        "credit_types",
        lambda item: item.code,
    ),
    "packages": List(
        lambda shopper: shopper.staff.payment.ListPackages,
        lambda _: payment.ListPackagesRequest(),
        "packages",
        lambda item: item.package_id,
    ),
    "rejected webhooks": List(
        lambda shopper: shopper.staff.payment_admin.ListRejectedWebhooks,
        lambda _: payment_admin.ListRejectedWebhooksRequest(),
        "rejected_webhooks",
        lambda item: (-item.hour.seconds, item.provider, _word(item)),
    ),
    "subscriptions": List(
        lambda shopper: shopper.staff.payment_admin.ListSubscriptions,
        lambda shopper: payment_admin.ListSubscriptionsRequest(account_id=shopper.account_id),
        "subscriptions",
        lambda item: (item.provider, item.live, item.subscription_id),
    ),
}


def _word(item: Any) -> str:
    """Return a rejection's reason as it is stored."""
    descriptor = item.DESCRIPTOR.fields_by_name["reason"].enum_type
    return str(descriptor.values_by_number[item.reason].name.removeprefix("REJECTION_REASON_").lower())


@pytest.fixture
def filled(shopper: Shopper) -> Shopper:
    """Return a shopper whose service has something to list."""
    with psycopg.connect(shopper.market.service.config.database_url, autocommit=True) as connection:
        for statement in filter(str.strip, FILL.split(";")):
            connection.execute(statement, {"account": shopper.account_id, "rows": ROWS})
    return shopper


@pytest.mark.parametrize("name", LISTS)
def test_pages_show_each_item_once_and_in_order(filled: Shopper, name: str) -> None:
    listed, request = LISTS[name], LISTS[name].request(filled)
    request.page_size = PAGE
    places: list[Any] = []
    while True:
        page = listed.call(filled)(request)
        items = getattr(page, listed.items)
        assert len(items) <= PAGE
        places += map(listed.place, items)
        assert len(places) == len(set(places))
        request.page_token = page.next_page_token
        if not request.page_token:
            break
    assert len(places) >= ROWS
    assert places == sorted(places)


@pytest.mark.parametrize("name", LISTS)
def test_who_states_no_size_gets_a_page_too(filled: Shopper, name: str) -> None:
    page = LISTS[name].call(filled)(LISTS[name].request(filled))
    assert ROWS <= len(getattr(page, LISTS[name].items)) <= 20


@pytest.mark.parametrize("name", LISTS)
def test_a_token_of_another_list_and_a_size_beyond_the_largest_are_refused(filled: Shopper, name: str) -> None:
    for other in LISTS.keys() - {name}:
        asked = LISTS[other].request(filled)
        asked.page_size = PAGE
        request = LISTS[name].request(filled)
        request.page_token = LISTS[other].call(filled)(asked).next_page_token
        assert request.page_token
        assert refused(LISTS[name].call(filled), request).reason == "PAGE_TOKEN_INVALID"
    for size in (-1, 101):
        request = LISTS[name].request(filled)
        request.page_size = size
        assert refused(LISTS[name].call(filled), request).violations == ["page_size"]
