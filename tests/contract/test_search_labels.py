"""Staff find by what callers state: a label that the deployment names, a promo code, a correlation id (J6)."""

from collections.abc import Iterator

import psycopg
import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import support_service_pb2 as pb
from creditd.domain.resource_names import account_name
from creditd.ledger.ids import uuid7
from creditd.storage.account_labels import MOST_OF_ACCOUNT
from tests.support.answers import lasting
from tests.support.customer import Customer
from tests.support.patience import eventually
from tests.support.promos import make_code, redeeming
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("J6")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service whose staff search by e-mail addresses."""
    settings = {"search_label": "email", "usage_rollup_interval_seconds": 0.05}
    with running_service(tmp_path_factory.mktemp("service"), **settings) as service:
        yield service


def found(customer: Customer, query: str, account_id: str = "") -> list[tuple[str, str]]:
    """Return what a query finds: its kind in a word, and its name."""
    answer = customer.staff.support.Search(pb.SearchRequest(query=query, account_id=account_id))
    return [(pb.SearchHitKind.Name(hit.kind).removeprefix("SEARCH_HIT_KIND_"), hit.name) for hit in answer.hits]


def of(customer: Customer) -> tuple[str, str]:
    """Return the hit that an account is."""
    return "ACCOUNT", account_name(customer.account_id)


def labelled(customer: Customer, email: str) -> None:
    """Have credits added with an address."""
    amounts = [admin.CreditAmount(credit_type="chat", amount=1)]
    request = admin.AddCreditsRequest(account_id=customer.account_id, amounts=amounts, metadata={"email": email})
    request.MergeFrom(admin.AddCreditsRequest(reason="a gift", request_id=uuid7()))
    customer.staff.admin.AddCredits(request)


def test_a_value_of_the_label_leads_to_the_accounts_that_had_it(customer: Customer) -> None:
    """Of whatever moved with it, and however it is written."""
    other = customer.another("other")
    address = f"Ann.{uuid7()[-12:]}@Example.com"
    labelled(customer, address)
    other.top_up(5)
    other.reserve(1, metadata={"email": address.lower(), "model": "large"})
    eventually(lambda: len(found(customer, address)) == 2)
    assert found(customer, address.upper()) == [of(customer), of(other)]
    assert found(customer, address, other.account_id) == [of(other)]
    assert found(customer, "large") == []
    assert found(customer, address[:-1]) == []


def test_what_is_another_value_each_time_is_not_kept_without_end(customer: Customer) -> None:
    for number in range(MOST_OF_ACCOUNT + 10):
        labelled(customer, f"{number}@{customer.account_id}.example")
        if number == 0:
            eventually(lambda: found(customer, f"0@{customer.account_id}.example"))
    query = "SELECT version FROM usage_positions WHERE account_id = %s AND credit_type = 'chat'"
    count = "SELECT count(*) FROM account_labels WHERE account_id = %s"
    with psycopg.connect(customer.service.config.database_url, autocommit=True) as connection:

        def is_added_up() -> bool:
            return connection.execute(query, [customer.account_id]).fetchall() == [(MOST_OF_ACCOUNT + 10,)]

        eventually(is_added_up)
        row = connection.execute(count, [customer.account_id]).fetchone()
    # What one round comes by is counted once, so that it may be a few more.
    assert row is not None
    assert 1 <= row[0] <= MOST_OF_ACCOUNT + 10
    assert found(customer, f"0@{customer.account_id}.example") == [of(customer)]


def test_a_promo_code_leads_to_itself_and_to_who_used_it(customer: Customer) -> None:
    code = make_code(customer.staff)
    assert found(customer, code.display_code.lower()) == [("PROMO_CODE", code.name)]
    customer.staff.promo.RedeemPromoCode(redeeming(customer.account_id, code.display_code))
    assert found(customer, f"  {code.display_code} ") == [("PROMO_CODE", code.name), of(customer)]
    assert found(customer, code.name) == [("PROMO_CODE", code.name), of(customer)]
    assert found(customer, code.display_code, customer.account_id) == [of(customer)]


def test_a_correlation_id_leads_to_the_movements_of_the_call_that_stated_it(customer: Customer) -> None:
    customer.top_up(10)
    correlation_id = f"job-{uuid7()}"
    request = customer.reserving(4, spender_id="ben")
    answer = customer.app.credit.Reserve(request, metadata=[("x-correlation-id", correlation_id)])
    customer.app.credit.Reserve(customer.reserving(1))
    version = answer.balance.version
    assert answer.entry.correlation_id == correlation_id
    assert found(customer, correlation_id) == [
        ("ENTRY", f"accounts/{customer.account_id}/wallets/chat/entries/{version}")
    ]
    assert found(customer, correlation_id, "somebody-else") == []
    query = "SELECT version FROM entries WHERE account_id = %s AND correlation_id IS NOT NULL"
    with psycopg.connect(customer.service.config.database_url) as connection:
        assert connection.execute(query, [customer.account_id]).fetchall() == [(version,)]
    listed = customer.app.credit.ListTransactions(credit.ListTransactionsRequest(account_id=customer.account_id))
    assert [one.correlation_id for one in listed.entries if one.correlation_id] == [correlation_id]


def test_a_call_that_is_repeated_with_another_correlation_id_did_what_it_did(customer: Customer) -> None:
    """The id says which call made a movement, and is no part of what is asked for."""
    customer.top_up(10)
    request = customer.reserving(4)
    first, second = f"first-{uuid7()}", f"second-{uuid7()}"
    answers = [
        customer.app.credit.Reserve(request, metadata=[("x-correlation-id", stated)]) for stated in (first, second)
    ]
    assert lasting(answers[0]) == lasting(answers[1])
    assert len(found(customer, first)) == 1
    assert found(customer, second) == []


def test_a_correlation_id_leads_to_what_an_act_of_staff_was_about(customer: Customer) -> None:
    customer.balance()
    correlation_id = f"console-{uuid7()}"
    request = admin.SetAccountStatusRequest(
        name=account_name(customer.account_id),
        status="ACCOUNT_STATUS_SUSPENDED",
        reason="a test",
        request_id=uuid7(),
    )
    customer.staff.admin.SetAccountStatus(request, metadata=[("x-correlation-id", correlation_id)])
    assert found(customer, correlation_id) == [of(customer)]
