"""A page token that one version of the service made opens in another, and for its own query alone."""

from collections.abc import Callable, Iterator

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from creditd.domain import errors
from creditd.domain.account import AccountStatus
from creditd.domain.entry import EntryKind
from creditd.domain.instant import Instant
from creditd.domain.payments.payment_event import PaymentEventState
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.purchase import PurchaseState
from creditd.domain.reservation import ReservationState
from creditd.domain.wallet import Rules
from creditd.ledger.accounts import AccountLedger
from creditd.ledger.batch import Terms
from creditd.ledger.ids import uuid7
from creditd.ledger.transaction import TransactionLedger
from creditd.service.accounts import Accounts, WantedAccounts
from creditd.service.call import Call
from creditd.service.history import History
from creditd.service.pages import Asked, PageTokens, query_of
from creditd.service.payments.payment_events import Events
from creditd.service.payments.purchase_reader import PurchaseReader
from creditd.service.threads import Threads
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.entries import EntryFilter
from creditd.storage.payments.payment_events import EventFilter
from creditd.storage.payments.purchases import PurchaseFilter
from creditd.storage.reservations import ReservationFilter
from tests.support.by_hand import HandSink, driven_by_hand
from tests.support.databases import clock_of, migrated_database

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
KINDS = (EntryKind.RESERVE, EntryKind.EXPIRE)
TIME = Instant(1_700_000_000_000_000)
TOKENS = PageTokens(b"secret")
SINK = HandSink()
THREADS = Threads(lambda: SINK)

List = Callable[[Database, str], object]
"""Asks for a page of a narrowed listing."""


def shown(item: object) -> StringValue:
    """Write whatever is listed as a message."""
    return StringValue(value=str(item))


def entries(database: Database, token: str) -> object:
    wanted = EntryFilter("ann", "spec", KINDS, ID, TIME, Instant(TIME + 1))
    history = History(database, clock_of(database), THREADS, TOKENS)
    return driven_by_hand(history.entries(wanted, Asked(1, token), shown, with_total=False), SINK)


def reservations(database: Database, token: str) -> object:
    wanted = ReservationFilter("ann", "spec", ReservationState.PENDING)
    history = History(database, clock_of(database), THREADS, TOKENS)
    return driven_by_hand(history.reservations(wanted, Asked(1, token), shown), SINK)


def accounts(database: Database, token: str) -> object:
    rules = Rules()
    transactions = TransactionLedger(database, Terms(rules, {}, uuid7), clock_of(database))
    listed = Accounts(database, AccountLedger(transactions, rules, uuid7), THREADS, TOKENS)
    wanted = WantedAccounts("a", AccountStatus.SUSPENDED)
    return driven_by_hand(listed.list(Call("staff"), wanted, Asked(1, token), shown), SINK)


def purchases(database: Database, token: str) -> object:
    wanted = PurchaseFilter("ann", PurchaseState.PENDING)
    return driven_by_hand(PurchaseReader(database, TOKENS, THREADS).page(wanted, Asked(1, token), shown), SINK)


def payment_events(database: Database, token: str) -> object:
    wanted = EventFilter(state=PaymentEventState.PARKED, provider=Provider.STRIPE)
    events = Events(database, TOKENS, clock_of(database), uuid7, THREADS)
    return driven_by_hand(events.page(Call("staff"), wanted, Asked(1, token), shown), SINK)


MADE_BY_VERSION_1: dict[List, str] = {
    entries: "MSwJhxK-ofwcN-7TZxrsjXsic3BlYyI6NDJ9",
    reservations: "VClsDIo_oHG6xjFO6xg4CSIwMTg5MGE1ZC1hYzk2LTc3NGItYmNjZS1iMzAyMDk5YTgwNTci",
    accounts: "hptoYHLx68HG56DshRpyVyJhYiI",
    purchases: "XZWYmctgs1-m3K3vidMxGyIwMTg5MGE1ZC1hYzk2LTc3NGItYmNjZS1iMzAyMDk5YTgwNTci",
    payment_events: "spXP-h-MkCGkr9Q3LaAB6yIwMTg5MGE1ZC1hYzk2LTc3NGItYmNjZS1iMzAyMDk5YTgwNTci",
}
"""Never to be changed: a client may hold such a token while servers of two versions answer it."""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """Provide a database with the schema, and nothing in it."""
    with migrated_database() as url:
        database = Database(DatabaseSettings(url, pool_size=1))
        yield database
        database.close()


@pytest.mark.parametrize("listing", MADE_BY_VERSION_1)
def test_a_token_of_the_first_version_opens(database: Database, listing: List) -> None:
    listing(database, MADE_BY_VERSION_1[listing])


@pytest.mark.parametrize("listing", MADE_BY_VERSION_1)
def test_a_token_of_another_listing_is_refused(database: Database, listing: List) -> None:
    for other in MADE_BY_VERSION_1.keys() - {listing}:
        with pytest.raises(errors.PageTokenInvalid):
            listing(database, MADE_BY_VERSION_1[other])


def test_a_query_is_written_by_numbers_and_words_that_stay() -> None:
    query = query_of("entries", account="ann", kinds=KINDS, start=TIME)
    assert query == b'["entries",{"account":"ann","kinds":[6,12],"start":1700000000000000}]'


def test_what_lets_all_pass_leaves_no_trace_so_that_a_new_part_leaves_old_tokens_alone() -> None:
    assert query_of("entries", account="ann", part_of_a_later_version=None) == query_of("entries", account="ann")
    assert query_of("entries", account="ann", kinds=(), credit_type="") == query_of("entries", account="ann")


def test_two_queries_never_look_alike() -> None:
    queries = [query_of("a", x=1), query_of("a", x="1"), query_of("a", y=1), query_of("b", x=1), query_of("a", x=(1,))]
    assert len(set(queries)) == len(queries)
