"""What a service with the layout promises, each tried on a database that is given, which may be a cluster of Citus.

It leaves accounts of its own behind: the ledger forgets nothing. It is for a database that is there to be tried.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple
from uuid import uuid4

import grpc
import psycopg
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import account_pb2, limits_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from creditd.domain.resource_names import account_name
from tests.layouts.recorder import Recorder
from tests.layouts.routing import Route, verdict
from tests.support.customer import CHAT, Customer
from tests.support.promos import make_code, redeeming
from tests.support.refusals import refused
from tests.support.service import RunningService

AT_ONCE: Final = 32
"""Callers, on as many accounts: more than there are lanes."""


class Desks(NamedTuple):
    """Two servers on the database, and a customer of the check's own at each."""

    here: Customer
    there: Customer
    url: str


Check = Callable[[Desks], object]


def hold_and_confirm(desks: Desks) -> None:
    """Reserve, and confirm less: what is left comes back."""
    desks.here.top_up(100)
    desks.here.confirm(desks.here.hold(30), 20)
    assert desks.here.figures() == (80, 0)


def hold_and_refund(desks: Desks) -> None:
    """Reserve, extend, and refund."""
    desks.here.top_up(100)
    held = desks.here.hold(30)
    desks.here.extend(held, 600)
    desks.here.refund(held)
    assert desks.here.figures() == (100, 0)


def refund_of_what_was_spent(desks: Desks) -> None:
    """Confirm, and give a part back."""
    desks.here.top_up(100)
    held = desks.here.hold(30)
    desks.here.confirm(held)
    desks.here.refund(held, 10)
    assert desks.here.figures() == (80, 0)


def spend_no_more_than_there_is(desks: Desks) -> None:
    """Deduct more than there is: refused, and nothing moved."""
    desks.here.top_up(10)
    assert refused(desks.here.app.credit.Deduct, desks.here.deducting(11)).reason == "INSUFFICIENT_CREDIT"
    assert desks.here.figures() == (10, 0)


def one_request_one_effect(desks: Desks) -> None:
    """Send a request ten times to two servers at once, and another one by its id."""
    desks.here.top_up(100)
    request = desks.here.deducting(7)
    callers = [desk.app.credit.Deduct for desk in (desks.here, desks.there) for _ in range(5)]
    with ThreadPoolExecutor(len(callers)) as pool:
        answers = [call.result() for call in [pool.submit(caller, request) for caller in callers]]
    assert len({answer.entry.version for answer in answers}) == 1
    request.amount = 8
    assert refused(desks.there.app.credit.Deduct, request).reason == "REQUEST_ID_REUSED"
    assert desks.here.figures() == (93, 0)


def two_servers_on_one_account(desks: Desks) -> None:
    """Spend from two servers at once, until nothing is left."""
    desks.here.top_up(20)

    def spend(number: int) -> bool:
        desk = (desks.here, desks.there)[number % 2]
        try:
            desk.app.credit.Deduct(desk.deducting(1, request_id=f"spend-{number}"))
        except grpc.RpcError as error:
            assert error.code() in {grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ABORTED}  # noqa: PT017
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        done = sum(pool.map(spend, range(60)))
    assert desks.here.figures() == (20 - done, 0)
    assert len([kind for kind in desks.here.kinds() if kind == "DEDUCT"]) == done > 0


def many_accounts_at_once(desks: Desks) -> None:
    """Open many accounts at once, and spend of each."""
    customers = [desks.here.another(str(number)) for number in range(AT_ONCE)]

    def live(customer: Customer) -> tuple[int, int]:
        customer.top_up(10)
        customer.confirm(customer.hold(3))
        return customer.figures()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert set(pool.map(live, customers)) == {(7, 0)}
    request = credit.BatchGetBalancesRequest(account_ids=[customer.account_id for customer in customers])
    found = desks.here.app.credit.BatchGetBalances(request).account_balances
    assert [each.wallets[0].balance.available for each in found] == [7] * AT_ONCE


def batch_of_one_call(desks: Desks) -> None:
    """BatchReserve, one of which is too much: it fails alone."""
    desks.here.top_up(10)
    requests = [desks.here.reserving(amount) for amount in (4, 11, 5)]
    results = desks.here.app.credit.BatchReserve(credit.BatchReserveRequest(requests=requests)).results
    assert [result.HasField("error") for result in results] == [False, True, False]
    assert desks.here.figures() == (1, 9)


def several_credit_types(desks: Desks) -> None:
    """Move credits of two types by one act."""
    amounts = [admin.CreditAmount(credit_type=name, amount=5) for name in ("chat", "quiz_gen")]
    request = desks.here.adding(1)
    request.ClearField("amounts")
    request.amounts.extend(amounts)
    desks.here.staff.admin.AddCredits(request)
    assert [desks.here.figures(name) for name in ("chat", "quiz_gen")] == [(5, 0), (5, 0)]


def expiry(desks: Desks) -> None:
    """Let a hold and a grant end: by the clock at once, and by the sweep for good."""
    desks.here.top_up(10)
    desks.here.top_up(10, seconds=120)
    desks.here.hold(5, seconds=60)
    desks.here.service.clock.advance(180)
    assert desks.here.figures() == (10, 0)
    while desks.here.service.core.sweep.sweep_once():
        pass
    assert desks.here.kinds()[0] in {"EXPIRE", "RELEASE"}


def suspended_elsewhere(desks: Desks) -> None:
    """Suspend an account at one server: the other one's copy of it does not count."""
    desks.here.top_up(10)
    desks.there.become(account_pb2.ACCOUNT_STATUS_SUSPENDED)
    assert refused(desks.here.app.credit.Deduct, desks.here.deducting(1)).reason == "ACCOUNT_SUSPENDED"
    assert desks.here.figures() == (10, 0)


def limited_spending(desks: Desks) -> None:
    """Limit what may be spent in an hour: counted over both servers."""
    desks.here.top_up(100)
    desks.here.limit(limits_pb2.Limit(credit_type=CHAT, most_per_hour=10))
    desks.here.deduct(6)
    assert refused(desks.there.app.credit.Deduct, desks.there.deducting(5)).reason == "LIMIT_EXCEEDED"
    desks.there.deduct(4)
    desks.here.service.core.sweep.prune_once()


def unlimited_plan(desks: Desks) -> None:
    """Spend under an unlimited plan."""
    desks.here.top_up(1)
    desks.here.go_unlimited()
    desks.there.confirm(desks.there.hold(50))
    assert desks.here.figures() == (1, 0)


def balance_of_the_past(desks: Desks) -> None:
    """Ask for the balance as of an instant."""
    desks.here.top_up(10)
    instant: Timestamp = desks.here.after(0)
    desks.here.service.clock.advance(1)
    desks.here.deduct(3)
    request = credit.GetHistoricalBalanceRequest(account_id=desks.here.account_id, credit_type=CHAT, as_of_time=instant)
    (found,) = desks.here.app.credit.GetHistoricalBalance(request).balances
    assert found.available == 10


def lists_of_an_account(desks: Desks) -> None:
    """List movements and reservations, page by page and by kind."""
    desks.here.top_up(100)
    for _ in range(5):
        desks.here.hold(1)
    first = desks.here.page(page_size=2)
    second = desks.here.page(page_size=2, page_token=first.next_page_token)
    versions = [entry.version for entry in (*first.entries, *second.entries)]
    assert versions == [6, 5, 4, 3]
    assert len(desks.here.entries()) == 6
    request = credit.ListReservationsRequest(account_id=desks.here.account_id, page_size=3)
    assert len(desks.here.app.credit.ListReservations(request).reservations) == 3


def list_of_accounts(desks: Desks) -> None:
    """List the accounts of all servers, by their ids."""
    desks.here.top_up(1)
    request = admin.ListAccountsRequest(account_id_prefix=desks.here.account_id)
    (found,) = desks.here.staff.admin.ListAccounts(request).account_overviews
    assert found.account.name == account_name(desks.here.account_id)


def verification(desks: Desks) -> None:
    """Verify the whole ledger."""
    desks.here.top_up(10)
    answers = list(desks.here.staff.admin.VerifyLedger(admin.VerifyLedgerRequest()))
    assert [answer.WhichOneof("outcome") for answer in answers] == ["summary"], answers[0]


def promo_codes(desks: Desks) -> None:
    """Redeem a promo code, whose rows lie with the coordinator."""
    code = make_code(desks.here.staff)
    desks.here.app.promo.RedeemPromoCode(redeeming(desks.here.account_id, code.display_code))
    assert desks.here.figures()[0] > 0


def told_of(desks: Desks) -> None:
    """Have others told of what fell below a figure, in the transaction that made it fall."""
    desks.here.top_up(10)
    desks.here.staff.admin.SetBalanceAlerts(desks.here.alerting(chat=5))
    desks.here.deduct(8)
    with psycopg.connect(desks.url) as connection:
        told = connection.execute("SELECT kind FROM outbox_events WHERE account_id = %s", [desks.here.account_id])
        assert told.fetchall()


CHECKS: Final[tuple[Check, ...]] = (
    hold_and_confirm,
    hold_and_refund,
    refund_of_what_was_spent,
    spend_no_more_than_there_is,
    one_request_one_effect,
    two_servers_on_one_account,
    many_accounts_at_once,
    batch_of_one_call,
    several_credit_types,
    expiry,
    suspended_elsewhere,
    limited_spending,
    unlimited_plan,
    balance_of_the_past,
    lists_of_an_account,
    list_of_accounts,
    promo_codes,
    told_of,
    verification,
)


class Finding(NamedTuple):
    """What a check has found: it works, or why it does not."""

    name: str
    works: bool
    remark: str


def findings(here: RunningService, there: RunningService, url: str, recorder: Recorder) -> Iterator[Finding]:
    """Make each check on accounts of its own, and judge what was said to the database."""
    run = uuid4().hex[:8]
    for check in CHECKS:
        account_id = f"layouts-{run}-{check.__name__}"
        desks = Desks(_customer(here, account_id), _customer(there, account_id), url)
        desks = desks._replace(
            there=Customer(there, desks.there.app, desks.there.staff, account_id, desks.here.numbers)
        )
        name = (check.__doc__ or "").partition("\n")[0]
        try:
            check(desks)
        except grpc.RpcError as error:
            yield Finding(name, works=False, remark=f"{error.code().name}: {error.details()}")
        except Exception as error:  # noqa: BLE001 - whatever it is, the other checks are made.
            yield Finding(name, works=False, remark=f"{type(error).__name__}: {error}".partition("\n")[0])
        else:
            yield Finding(name, works=True, remark="")
    judged = [statement for statement in recorder.heard if verdict(statement).route is Route.REFUSED]
    remark = "; ".join(" ".join(statement.split())[:80] for statement in judged)
    yield Finding(f"{len(recorder.heard)} statements keep to the rules of routing", works=not judged, remark=remark)


def _customer(service: RunningService, account_id: str) -> Customer:
    app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin payments.write")
    return Customer(service, app, service.as_caller("staff", "ADMIN"), account_id)
