"""Each statement of a service with the layout goes to one server, or reads a bounded number of rows of all.

They are heard on a plain PostgreSQL and judged by their text (tests/layouts/routing.py).
"""

from collections.abc import Iterator

import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import support_service_pb2 as support
from tests.layouts.recorder import Recorder
from tests.layouts.routing import Route, verdict
from tests.support.customer import Customer
from tests.support.databases import migrated_database
from tests.support.service import RunningService, running_service

READ_OF_ALL = (
    # What has expired, the longest overdue first, a bounded number of rows.
    "WHERE next_expire_time <= ",
    # Accounts with counts of days that are over, a bounded number of them.
    "SELECT DISTINCT account_id FROM spending_counts",
    # Grants about to expire, a page of them.
    "FROM grants\nWHERE live AND expire_time IS NOT NULL",
    # Seals of ledgers, a page of them.
    "FROM entry_seals s\nWHERE (s.account_id, s.credit_type, s.last_version) > ",
    # A page of accounts in debt, and the accounts of a page.
    "SELECT DISTINCT account_id FROM wallets WHERE debt > 0",
    "FROM accounts a WHERE a.account_id = ANY (",
    # Pages of accounts by their ids.
    "SELECT account_id FROM accounts WHERE account_id > ",
    "FROM accounts a\nWHERE  a.account_id > ",
    "FROM accounts a\nWHERE a.status = ",
)
"""Of each statement that all servers are asked, what tells it apart."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Provide a database with the schema, whose migrations nobody hears."""
    with migrated_database() as url:
        yield url


@pytest.fixture(scope="module")
def recorder(url: str) -> Iterator[Recorder]:
    """Hear all that the service of this file says to its database."""
    del url
    with Recorder().hearing() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def service(url: str, recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service with the layout."""
    del recorder
    folder = tmp_path_factory.mktemp("service")
    with running_service(folder, database_url=url, database_layout="citus", database_lanes=2) as running:
        yield running


@pytest.fixture
def customer(service: RunningService, account: str) -> Customer:
    """Provide a customer with 100 credits, and 100 more for a while."""
    app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin")
    customer = Customer(service, app, service.as_caller("staff", "ADMIN"), account)
    customer.top_up(100)
    customer.top_up(100, seconds=3_600)
    return customer


def refused(recorder: Recorder) -> list[tuple[str, str]]:
    """Return what Citus would not take of what was heard, and what reads of all servers without being listed."""
    found = []
    for statement in recorder.heard:
        route, why = verdict(statement)
        is_listed = any(part in statement for part in READ_OF_ALL)
        if route is Route.REFUSED or (route is Route.FAN_OUT and not is_listed):
            found.append((why or route.value, statement))
    return sorted(set(found))


@pytest.mark.requirement("I6")
def test_each_statement_on_account_data_goes_to_one_server(customer: Customer, recorder: Recorder) -> None:
    customer.confirm(customer.hold(10), 4)
    customer.refund(customer.hold(10))
    customer.extend(customer.hold(5), 600)
    customer.deduct(1, request_id="once")
    customer.deduct(1, request_id="once")
    customer.remove(1)
    reservations = [customer.reserving(1) for _ in range(5)]
    customer.app.credit.BatchReserve(credit.BatchReserveRequest(requests=reservations))
    customer.app.credit.GetBalance(credit.GetBalanceRequest(account_id=customer.account_id))
    customer.app.credit.ListTransactions(credit.ListTransactionsRequest(account_id=customer.account_id))
    customer.app.credit.ListReservations(credit.ListReservationsRequest(account_id=customer.account_id))
    assert refused(recorder) == []


@pytest.mark.requirement("I6")
def test_so_does_each_of_the_sweep_and_of_what_is_counted(customer: Customer, recorder: Recorder) -> None:
    customer.hold(10, seconds=60)
    customer.service.clock.advance(4_000)
    customer.service.core.sweep.sweep_once()
    assert customer.service.core.sweep.prune_once() == 0
    assert customer.figures()[1] == 0
    assert refused(recorder) == []


@pytest.mark.requirement("I6")
def test_so_does_each_of_staff_on_one_account_and_of_verification(customer: Customer, recorder: Recorder) -> None:
    answers = list(customer.staff.admin.VerifyLedger(admin.VerifyLedgerRequest()))
    assert answers[-1].summary.differences == 0
    customer.staff.admin.ListAccounts(admin.ListAccountsRequest())
    for concern in admin.AccountConcern.keys()[1:]:
        customer.staff.admin.ListAccounts(admin.ListAccountsRequest(concern=concern))
    customer.limit()
    history = support.ListAccountHistoryRequest(account_id=customer.account_id)
    assert customer.staff.support.ListAccountHistory(history)
    assert customer.page().entries
    assert refused(recorder) == []
