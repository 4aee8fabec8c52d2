"""The handlers of CreditService's unary RPCs await nothing but tickets: no event loop is needed to drive them."""

from asyncio import CancelledError
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final
from uuid import uuid4

import pytest
from google.protobuf.duration_pb2 import Duration

from credit.v1 import credit_service_pb2 as pb
from creditd.domain.commands import Add
from creditd.domain.credit_type import CreditType
from creditd.domain.entry import EntryKind
from creditd.domain.errors import CreditTypeNotFound, InsufficientCredit
from creditd.domain.grants import Source
from creditd.domain.wallet import Origin, Rules, WalletKey
from creditd.ledger.balances import BalanceReader
from creditd.ledger.batch import Terms
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.ids import uuid7
from creditd.ledger.ledger import Ledger
from creditd.ledger.work import Work
from creditd.server.handlers.admin_handlers import CreditTypeHandlers
from creditd.server.handlers.balance_handlers import BalanceHandlers, HistoryHandlers
from creditd.server.handlers.batch_handlers import BatchHandlers
from creditd.server.handlers.hold_handlers import HoldHandlers
from creditd.server.handlers.usage_handlers import UsageHandlers
from creditd.server.services import snake_case
from creditd.service.balances import Balances
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.credits import Credits
from creditd.service.historical_balances import HistoricalBalances
from creditd.service.history import History
from creditd.service.pages import PageTokens
from creditd.service.threads import Threads
from creditd.service.usage.usage import UsageReports
from creditd.service.usage.usage_rollup import UsageRoller
from creditd.storage.database import Database, DatabaseSettings
from tests.support.by_hand import SECONDS, HandSink, driven_by_hand
from tests.support.databases import clock_of, migrated_database
from tests.support.works import act

SERVICE: Final = pb.DESCRIPTOR.services_by_name["CreditService"]
UNARY: Final = tuple(method.name for method in SERVICE.methods if not method.server_streaming)


class Server:
    """All that answers CreditService's unary RPCs, on the thread of the test."""

    def __init__(self, url: str) -> None:
        """Serve the database of ``url``."""
        self.sink = HandSink()
        self._database = Database(DatabaseSettings(url, pool_size=8))
        self._batches = self._database.for_batches()
        clock = clock_of(self._database)
        self._ledger = Ledger(self._batches, Terms(Rules(), {}, uuid7), clock)
        self._reader = BalanceReader(self._database, clock, Rules())
        self._threads = Threads(lambda: self.sink)
        self.catalogue = Catalogue(self._database, clock, uuid7, self._threads, PageTokens(b"secret"))
        self.credits = Credits(self._ledger, self.catalogue, lambda: self.sink, lambda *_: None)
        balances = Balances(self._reader, self.credits, self._threads, lambda: self.sink)
        history = History(self._database, clock, self._threads, PageTokens(b"secret"))
        historical = HistoricalBalances(self._database, clock, Rules(), self._threads)
        self._handlers = (
            HoldHandlers(self.credits, uuid7, clock),
            BatchHandlers(self.credits, uuid7, clock, self.catalogue.decimals_of),
            BalanceHandlers(balances, self.catalogue, clock),
            HistoryHandlers(history, historical, self.catalogue, clock),
            CreditTypeHandlers(self.catalogue),
            UsageHandlers(self._reports(clock), self.catalogue, clock),
        )

    def _reports(self, clock: DatabaseClock) -> UsageReports:
        roller = UsageRoller(self._database, clock, self._threads.background, label="")
        return UsageReports(self._database, clock, self._threads, roller.roll_up_once)

    def begin(self, rpc: str, request: Any) -> Coroutine[Any, Any, Any]:
        """Return the coroutine of a call by a service, not begun yet."""
        name = snake_case(rpc)
        (handler,) = (getattr(each, name) for each in self._handlers if hasattr(each, name))
        begun: Coroutine[Any, Any, Any] = handler(request, Call("app", opens=True))
        return begun

    def answer(self, rpc: str, request: Any) -> Any:
        """Drive a call to its end, and return its answer."""
        return driven_by_hand(self.begin(rpc, request), self.sink)

    def close(self) -> None:
        """Let go of threads and connections."""
        self._ledger.close(SECONDS)
        self._reader.close(SECONDS)
        self._threads.close(SECONDS)
        self._batches.close()
        self._database.close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Provide a database with the schema."""
    with migrated_database() as url:
        yield url


@pytest.fixture(scope="module")
def bank(url: str) -> Iterator[Server]:
    """Provide a server that has declared a credit type."""
    server = Server(url)
    server.catalogue.declare_missing({"chat": 0})
    yield server
    server.close()


@pytest.fixture
def account(bank: Server) -> str:
    """Provide an account with 100 credits."""
    name = f"account-{uuid4().hex}"
    command = Add(Origin("tests"), EntryKind.TOP_UP, uuid7(), Source.PURCHASED, 100)
    driven_by_hand(bank.credits.perform(Call("tests", opens=True), WalletKey(name, "chat"), command), bank.sink)
    return name


@pytest.fixture
def server(url: str, bank: Server) -> Iterator[Server]:
    """Provide another server, which has loaded no credit type yet."""
    del bank
    server = Server(url)
    yield server
    server.close()


def reserving(account: str, amount: int = 10, credit_type: str = "chat") -> pb.ReserveRequest:
    """Return a request to hold credits."""
    return pb.ReserveRequest(account_id=account, credit_type=credit_type, amount=amount, request_id=uuid7())


def deducting(account: str, amount: int = 10) -> pb.DeductRequest:
    """Return a request to spend credits."""
    return pb.DeductRequest(account_id=account, credit_type="chat", amount=amount, request_id=uuid7())


def held(server: Server, account: str) -> str:
    """Hold 10 credits; return the reservation's name."""
    name: str = server.answer("Reserve", reserving(account)).reservation.name
    return name


def available(server: Server, account: str) -> int:
    """Return what an account has."""
    answer = server.answer("GetBalance", pb.GetBalanceRequest(account_id=account, credit_types=["chat"]))
    left: int = answer.account_balance.wallets[0].balance.available
    return left


def confirming(server: Server, account: str) -> pb.ConfirmRequest:
    """Return a request to spend what is held."""
    return pb.ConfirmRequest(name=held(server, account), request_id=uuid7())


Request = Callable[[Server, str], Any]

REQUESTS: Final[dict[str, tuple[Request, int]]] = {
    "Reserve": (lambda _, account: reserving(account), 90),
    "Confirm": (confirming, 90),
    "Refund": (lambda server, account: pb.RefundRequest(name=held(server, account), request_id=uuid7()), 100),
    "Deduct": (lambda _, account: deducting(account), 90),
    "ExtendReservation": (
        lambda server, account: pb.ExtendReservationRequest(
            name=held(server, account), ttl=Duration(seconds=600), request_id=uuid7()
        ),
        90,
    ),
    "BatchReserve": (lambda _, account: pb.BatchReserveRequest(requests=[reserving(account, 1)] * 50), 99),
    "BatchConfirm": (
        lambda server, account: pb.BatchConfirmRequest(requests=[confirming(server, account) for _ in range(3)]),
        70,
    ),
    "BatchDeduct": (lambda _, account: pb.BatchDeductRequest(requests=[deducting(account, 1) for _ in range(50)]), 50),
    "GetBalance": (lambda _, account: pb.GetBalanceRequest(account_id=account), 100),
    "BatchGetBalances": (
        lambda _, account: pb.BatchGetBalancesRequest(account_ids=[account, *(f"{account}-{n}" for n in range(50))]),
        100,
    ),
    "GetReservation": (lambda server, account: pb.GetReservationRequest(name=held(server, account)), 90),
    "ListReservations": (
        lambda server, account: pb.ListReservationsRequest(account_id=held(server, account).split("/")[1]),
        90,
    ),
    "ListCreditTypes": (lambda *_: pb.ListCreditTypesRequest(), 100),
    "ListTransactions": (lambda _, account: pb.ListTransactionsRequest(account_id=account), 100),
    "GetHistoricalBalance": (
        lambda _, account: pb.GetHistoricalBalanceRequest(account_id=account, credit_type="chat", version=1),
        100,
    ),
    "GetUsageSummary": (lambda _, account: pb.GetUsageSummaryRequest(account_id=account), 100),
}
"""A request for each RPC, and what its account has of its 100 credits when it is answered."""


def test_every_unary_rpc_is_tried() -> None:
    assert set(REQUESTS) == set(UNARY)


@pytest.mark.parametrize("rpc", UNARY)
def test_it_is_driven_to_its_end_without_an_event_loop(server: Server, account: str, rpc: str) -> None:
    request, left = REQUESTS[rpc]
    assert server.answer(rpc, request(server, account)).ByteSize()
    assert available(server, account) == left


def test_an_account_that_was_never_seen_is_opened_on_the_way(server: Server) -> None:
    assert available(server, f"new-{uuid4().hex}") == 0


def test_a_command_whose_call_is_cancelled_is_done_all_the_same(server: Server, account: str) -> None:
    assert available(server, account) == 100
    begun = server.begin("Deduct", deducting(account, 30))
    ticket = begun.send(None)
    with pytest.raises(CancelledError):
        begun.throw(CancelledError())
    assert ticket.is_given_up
    # Its answer comes, and there is nobody to call back.
    server.sink.take_over()
    assert available(server, account) == 70


def test_a_batch_whose_call_is_cancelled_is_done_all_the_same(server: Server, account: str) -> None:
    assert available(server, account) == 100
    begun = server.begin("BatchDeduct", pb.BatchDeductRequest(requests=[deducting(account, 1) for _ in range(30)]))
    while begun.send(None) is None:
        pass
    begun.close()
    # The ledger works in order: when this is done, so is all that was asked before it.
    server.answer("Deduct", deducting(account, 1))
    assert available(server, account) == 69


def test_a_read_whose_call_is_cancelled_is_given_up(server: Server, account: str) -> None:
    begun = server.begin("GetReservation", pb.GetReservationRequest(name=held(server, account)))
    ticket = begun.send(None)
    begun.close()
    assert ticket.is_given_up
    assert available(server, account) == 90


def test_a_refusal_is_raised_where_the_outcome_is_awaited(server: Server, account: str) -> None:
    with pytest.raises(InsufficientCredit):
        server.answer("Reserve", reserving(account, 101))
    batch = pb.BatchReserveRequest(requests=[reserving(account, 101), reserving(account, 1)])
    refused, done = server.answer("BatchReserve", batch).results
    assert refused.error.message
    assert done.response.balance.available == 99


def test_a_credit_type_that_another_server_declared_is_looked_up_once(server: Server, url: str, account: str) -> None:
    assert available(server, account) == 100
    another, code = Server(url), f"type-{uuid4().hex[:8]}"
    driven_by_hand(another.catalogue.declare(CreditType(code, code, 0), act(None)), another.sink)
    another.close()
    begun = server.begin("Reserve", reserving(account, 1, code))
    # First the credit types are looked up, then the command is decided.
    assert not _is_of_the_ledger(begun.send(None))
    with pytest.raises(InsufficientCredit):
        driven_by_hand(begun, server.sink)
    begun = server.begin("Reserve", reserving(account, 1, code))
    assert _is_of_the_ledger(begun.send(None))
    begun.close()


def _is_of_the_ledger(ticket: Any) -> bool:
    return isinstance(ticket.item, Work)


@pytest.mark.parametrize("rpc", ["Reserve", "GetBalance"])
def test_a_credit_type_that_there_is_not_is_refused(server: Server, account: str, rpc: str) -> None:
    request = (
        reserving(account, 1, "none")
        if rpc == "Reserve"
        else pb.GetBalanceRequest(account_id=account, credit_types=["none"])
    )
    with pytest.raises(CreditTypeNotFound):
        server.answer(rpc, request)
