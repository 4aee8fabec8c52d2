"""A promo code that many want at once, on two servers, is never used once too often (F2)."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.contract.at_once import at_once, reasons
from tests.support.customer import Customer
from tests.support.promos import code_now, counted, make_code, redeeming, terms
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("F2")


@pytest.fixture(scope="module")
def second(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run another server on the same database."""
    folder, url = tmp_path_factory.mktemp("second"), service.config.database_url
    with running_service(folder, database_url=url, migrated=False) as running:
        running.clock.advance(service.seconds - running.seconds)
        yield running


def test_of_sixty_at_once_on_two_servers_ten_have_it(customer: Customer, second: RunningService) -> None:
    code = make_code(customer.staff, terms(total_limit=10))
    other = second.as_caller("staff", "ADMIN")
    calls = [
        (by.promo.RedeemPromoCode, redeeming(customer.another(f"{name}{number}").account_id, code.display_code))
        for number in range(30)
        for name, by in (("a", customer.staff), ("b", other))
    ]
    outcomes = at_once(lambda one: one[0](one[1]), calls)
    assert Counter(reasons(outcomes)) == {"OK": 10, "PROMO_EXHAUSTED": 50}
    found = counted(customer.service.config.database_url, code)
    assert found == {
        "used": 10,
        "given": 500,
        "claims": 10,
        "claimed": 500,
        "finished": 10,
        "grants": 10,
        "granted": 500,
        "accounts": 10,
    }


def test_an_account_that_asks_often_at_once_has_what_it_may(customer: Customer, second: RunningService) -> None:
    code = make_code(customer.staff, terms(account_limit=3))
    other = second.as_caller("staff", "ADMIN")
    calls = [
        (by.promo.RedeemPromoCode, redeeming(customer.account_id, code.display_code))
        for by in (customer.staff, other)
        for _ in range(6)
    ]
    outcomes = at_once(lambda one: one[0](one[1]), calls)
    assert Counter(reasons(outcomes)) == {"OK": 3, "PROMO_ALREADY_USED": 9}
    assert customer.balance().available == 150
    assert code_now(customer.staff, code).used_count == 3


@pytest.mark.requirement("A7")
def test_one_request_sent_many_times_at_once_takes_one_use(customer: Customer, second: RunningService) -> None:
    code = make_code(customer.staff, terms(account_limit=5))
    request = redeeming(customer.account_id, code.display_code)
    calls = [by.promo.RedeemPromoCode for by in (customer.staff, second.as_caller("staff", "ADMIN"))] * 4
    outcomes = at_once(lambda call: call(request), calls)
    assert reasons(outcomes) == ["OK"] * 8
    assert len({outcome.SerializeToString(deterministic=True) for outcome in outcomes}) == 1
    assert customer.balance().available == 50
    assert code_now(customer.staff, code).used_count == 1
