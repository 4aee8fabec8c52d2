"""What stands out of an account and its payments: the worst first, and nothing that is as it should be or long past."""

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from credit.v1.account_pb2 import AccountOverview, AccountStatus
from credit.v1.approval_pb2 import Approval, ApprovalState
from credit.v1.balance_pb2 import Wallet
from credit.v1.entry_pb2 import Entry
from credit.v1.history_item_pb2 import AccountChange, HistoryItem
from credit.v1.money_pb2 import Money
from credit.v1.payment_admin_service_pb2 import GetPaymentEventResponse
from credit.v1.payment_event_pb2 import PaymentEvent, PaymentFact, PaymentFactKind
from credit.v1.purchase_pb2 import Purchase
from creditd.console.reader import reader_of
from creditd.console.settings import PublicUrl
from creditd.console.shapes.cells import CellWriter
from creditd.console.subjects.account_looks import entry_rows
from creditd.console.subjects.account_notices import account_notices, worst_first
from creditd.console.subjects.approval_pages import APPROVALS
from creditd.console.subjects.history_notices import status_act
from creditd.console.subjects.payment_event_pages import PAYMENT_EVENT
from creditd.console.subjects.payment_facts import HeardEvent, facts_section
from creditd.console.subjects.payment_notices import purchase_notices
from creditd.console.subjects.purchase_pages import PURCHASES
from creditd.console.wire.cookies import CookieJar

NOW = 1_800_000_000


@pytest.fixture
def write() -> CellWriter:
    """Return what writes for a reader of English, at an instant."""
    reader = reader_of(CookieJar("", PublicUrl("", is_encrypted=False)), {}, "en")

    def account_path(*parts: str, at: str = "") -> str:
        return "".join(parts) + (f"?at={at}" if at else "")

    visit: Any = SimpleNamespace(reader=reader, now=NOW, path=lambda path: path, account_path=account_path)
    return CellWriter(visit, {})


def bought(seconds_ago: int, state: str = "COMPLETED", **fields: Any) -> Purchase:
    """Return a purchase that was made so long ago."""
    stated: dict[str, Any] = {"package": "packages/small", "display_name": "Small", "paid_amount": 100} | fields
    purchase = Purchase(name=f"accounts/ann/purchases/{uuid4()}", price=Money(amount=100, currency="THB"), **stated)
    purchase.MergeFrom(Purchase(state=f"PURCHASE_STATE_{state}"))
    purchase.create_time.FromSeconds(NOW - seconds_ago)
    return purchase


@pytest.mark.requirement("D6")
@pytest.mark.parametrize(
    ("purchases", "keys"),
    [
        ([], []),
        ([bought(60), bought(86_400)], []),
        ([bought(60, "PENDING", paid_amount=0)], []),
        ([bought(16 * 60, "PENDING", paid_amount=0)], ["notice.late"]),
        ([bought(60, "FAILED", failure_code="card_declined")], ["notice.failed"]),
        ([bought(60), bought(120)], ["notice.twice"]),
        ([bought(60), bought(120, package="packages/large")], []),
        ([bought(60), bought(120, "EXPIRED", paid_amount=0)], []),
    ],
)
def test_what_stands_out_of_purchases(write: CellWriter, purchases: list[Purchase], keys: list[str]) -> None:
    assert [notice.key for notice in purchase_notices(write, purchases)] == keys


@pytest.mark.parametrize(("seconds_ago", "is_late"), [(14 * 60, False), (16 * 60, True)])
def test_a_purchase_that_waits_for_long_looks_late(write: CellWriter, seconds_ago: int, *, is_late: bool) -> None:
    (column,) = [one for one in PURCHASES.columns if one.name == "state"]
    assert ("t-warn" in column.cell(write, bought(seconds_ago, "PENDING")).html) == is_late


@pytest.mark.parametrize(("seconds_left", "is_soon"), [(3_000, True), (4_000, False)])
def test_an_approval_that_ends_soon_stands_out(write: CellWriter, seconds_left: int, *, is_soon: bool) -> None:
    (column,) = [one for one in APPROVALS.columns if one.name == "state"]
    approval = Approval(state=ApprovalState.APPROVAL_STATE_PENDING)
    approval.expire_time.FromSeconds(NOW + seconds_left)
    assert ("t-warn" in column.cell(write, approval).html) == is_soon


def test_two_purchases_that_may_be_one_are_shown_side_by_side(write: CellWriter) -> None:
    newer, older = bought(60, account_id="ann"), bought(120, account_id="ann")
    (notice,) = purchase_notices(write, [newer, older])
    ids = [one.name.rpartition("/")[2] for one in (newer, older)]
    assert notice.path == f"ann/purchases/{ids[0]}/beside/{ids[1]}"


def wallet(available: int, *grants: tuple[int, int], debt: int = 0) -> Wallet:
    """Return a wallet with grants, each an amount that lapses in so many days; never for 0."""
    made = Wallet()
    made.balance.credit_type, made.balance.available, made.balance.debt = "chat", available, debt
    for amount, days in grants:
        grant = made.grants.add(available=amount)
        if days:
            grant.expire_time.FromSeconds(NOW + days * 86_400)
    return made


@pytest.mark.parametrize(
    ("one", "keys"),
    [
        (wallet(0), []),
        (wallet(100, (100, 0)), []),
        (wallet(100, (51, 6), (49, 0)), ["notice.lapsing"]),
        (wallet(100, (50, 6), (50, 0)), []),
        (wallet(100, (51, 8), (49, 0)), []),
        (wallet(0, debt=5), ["notice.debt"]),
    ],
)
def test_what_stands_out_of_a_wallet(write: CellWriter, one: Wallet, keys: list[str]) -> None:
    assert [notice.key for notice in account_notices(write, AccountOverview(), [one])] == keys


@pytest.mark.parametrize(("amount", "stands_out"), [(99, True), (100, False), (107, False)])
def test_what_was_paid_too_little_stands_out(write: CellWriter, amount: int, *, stands_out: bool) -> None:
    fact = PaymentFact(kind=PaymentFactKind.PAYMENT_FACT_KIND_PAYMENT, stage="PAID", amount=amount)
    (row,) = facts_section(write, [fact], bought(60), is_applied=False).rows
    assert ("t-bad" in row[3].html) == stands_out
    assert row[4].plain == "1.00 of 1.00"


@pytest.mark.parametrize(("state", "shown"), [("APPLIED", "1.07"), ("PARKED", "107 in the currency's smallest unit")])
def test_a_fact_that_names_no_currency_has_that_of_the_purchase_it_was_applied_to(
    write: CellWriter, state: str, shown: str
) -> None:
    """It may be parked just because it is in another one than the purchase."""
    fact = PaymentFact(kind=PaymentFactKind.PAYMENT_FACT_KIND_PAYMENT, stage="PAID", amount=107)
    event = PaymentEvent(state=f"PAYMENT_EVENT_STATE_{state}")
    answer = GetPaymentEventResponse(payment_event=event, facts=[fact])
    facts, *_ = PAYMENT_EVENT.detail(write, HeardEvent(answer, bought(60))).sections
    assert facts.rows[0][3].plain == shown


@pytest.mark.parametrize(
    ("currency", "shown", "stands_out"), [("THB", "1.07", False), ("JPY", "107", True), ("USD", "1.07", True)]
)
@pytest.mark.parametrize("state", ["APPLIED", "PARKED"])
def test_a_fact_is_shown_in_its_own_currency_and_another_than_the_purchases_stands_out(
    write: CellWriter, state: str, currency: str, shown: str, *, stands_out: bool
) -> None:
    kind = PaymentFactKind.PAYMENT_FACT_KIND_PAYMENT
    fact = PaymentFact(kind=kind, stage="PAID", amount=107, currency=currency)
    answer = GetPaymentEventResponse(payment_event=PaymentEvent(state=f"PAYMENT_EVENT_STATE_{state}"), facts=[fact])
    facts, *_ = PAYMENT_EVENT.detail(write, HeardEvent(answer, bought(60))).sections
    said = facts.rows[0][3]
    assert (said.plain, currency in said.html, "t-bad" in said.html) == (shown, True, stands_out)
    facts, *_ = PAYMENT_EVENT.detail(write, HeardEvent(answer, None)).sections
    assert (facts.rows[0][3].plain, facts.rows[0][3].unit) == (shown, currency)


def test_a_body_with_too_many_parts_within_parts_is_shown_as_it_came(write: CellWriter) -> None:
    body = "[" * 300 + "]" * 300
    shown = PAYMENT_EVENT.detail(write, HeardEvent(GetPaymentEventResponse(body=body), None))
    assert body in [section.raw for section in shown.sections]


def test_debt_is_told_with_what_brought_it(write: CellWriter) -> None:
    cause = Entry(account_id="ann", credit_type="chat", version=9, reason="refund of pi_1")
    (notice,) = account_notices(write, AccountOverview(), [wallet(0, debt=5)], causes={"chat": cause})
    assert notice.key == "notice.debt.cause"
    assert notice.path.startswith("ann/wallets/chat/entries/9?at=")
    assert "refund of pi_1" in str(notice.values["reason"])


def change(status: str, actor: str = "anna") -> HistoryItem:
    """Return a change of an account to a status."""
    item = HistoryItem(actor=actor, reason=f"by {actor}")
    item.account_change.MergeFrom(AccountChange(status=f"ACCOUNT_STATUS_{status}"))
    return item


@pytest.mark.parametrize(
    ("items", "actor"),
    [
        ([], None),
        ([change("ACTIVE")], None),
        ([change("SUSPENDED", "ben"), change("ACTIVE")], "ben"),
        ([change("SUSPENDED", "eve"), HistoryItem(), change("SUSPENDED", "ben"), change("ACTIVE")], "ben"),
        ([change("SUSPENDED", "ben"), change("ACTIVE"), change("SUSPENDED", "old")], "ben"),
    ],
)
def test_who_suspended_an_account_is_named(write: CellWriter, items: list[HistoryItem], actor: str | None) -> None:
    """By the act that did it, and not by a later change of something else."""
    act = status_act(items, AccountStatus.ACCOUNT_STATUS_SUSPENDED)
    overview = AccountOverview()
    overview.account.status = AccountStatus.ACCOUNT_STATUS_SUSPENDED
    (notice,) = account_notices(write, overview, [], act)
    assert notice.key == ("notice.suspended.by" if actor else "notice.suspended")
    if actor:
        assert actor in str(notice.values["who"])
        assert f"by {actor}" in str(notice.values["reason"])


def moved(seconds: int, kind: str = "DEDUCT", **fields: Any) -> Entry:
    """Return a movement of so many seconds after NOW."""
    entry = Entry(credit_type="chat", amount=5, reason="Chat", spender_id="ann", kind=f"ENTRY_KIND_{kind}")
    entry.MergeFrom(Entry(**fields))
    entry.create_time.FromSeconds(NOW + seconds)
    return entry


@pytest.mark.parametrize(
    ("entries", "repeated"),
    [
        ([moved(4), moved(0)], [4, None]),
        ([moved(4), moved(2, amount=9), moved(0)], [4, None, None]),
        ([moved(61), moved(0)], [None, None]),
        ([moved(4), moved(0, spender_id="ben")], [None, None]),
        ([moved(4, "RESERVE"), moved(0, "RESERVE")], [None, None]),
    ],
)
def test_a_movement_that_is_like_one_shortly_before_is_marked(entries: list[Entry], repeated: list[int | None]) -> None:
    assert [row.repeated_seconds for row in entry_rows(entries)] == repeated


def test_what_is_worst_is_said_first(write: CellWriter) -> None:
    overview = AccountOverview(open_flags=1)
    overview.account.status = AccountStatus.ACCOUNT_STATUS_SUSPENDED
    found = [*purchase_notices(write, [bought(60, "FAILED")]), *account_notices(write, overview, [])]
    assert [notice.key for notice in worst_first(found)] == ["notice.suspended", "notice.failed", "notice.flags"]
