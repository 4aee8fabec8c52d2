"""What lies in the archive is never answered wrongly: every list says where it is, every question is refused by it."""

from pathlib import Path

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import support_service_pb2 as support
from credit.v1.admin_service_pb2 import VerifyLedgerRequest
from creditd.ledger.archive import archiver
from creditd.ledger.archive.archiver import DAY, LEAST_DAYS, Archiver, MovedPart
from creditd.service.controls.sealer import HORIZON, Sealer
from creditd.service.usage import usage_rollup
from creditd.service.usage.usage_rollup import UsageRoller
from creditd.storage.database import Database, DatabaseSettings
from tests.support.customer import Customer
from tests.support.exports import exporting, records_of
from tests.support.patience import eventually
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("D7", "C3")

ARCHIVED = (grpc.StatusCode.FAILED_PRECONDITION, "ENTRIES_ARCHIVED")


@pytest.fixture
def archived(customer: Customer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Customer:
    """Provide a customer of whose nine entries eight are archived, the first and the eighth of which are there."""
    monkeypatch.setattr(archiver, "LEAST_ENTRIES", 2)
    monkeypatch.setattr(usage_rollup, "SUMMED_AT", 1)
    customer.top_up(100)
    customer.deduct(2, request_id=f"{customer.account_id}-old")
    for _ in range(3):
        customer.confirm(customer.hold(5))
    service = customer.service
    service.clock.advance(HORIZON / 1_000_000 + 1)
    sealer = Sealer(service.core.database, service.clock, None)  # type: ignore[arg-type]
    while sealer.seal_once(rests=False):
        pass
    roller = UsageRoller(service.core.database, service.clock, None, "")  # type: ignore[arg-type]
    service.clock.advance((LEAST_DAYS + 1) * DAY / 1_000_000)
    customer.deduct(1)
    owner = Database(DatabaseSettings(service.config.database_url, "", pool_size=1))

    def moved_part() -> MovedPart | None:
        # The service's own roller may have the turn: it does the same.
        roller.roll_up_once()
        moving = Archiver(owner, service.clock, tmp_path, LEAST_DAYS)
        return next((moving.move(part) for part in moving.parts(customer.account_id)), None)

    moved: MovedPart = eventually(moved_part)
    owner.close()
    assert (moved.part.last_version, moved.removed) == (8, 6)
    return customer


def early(customer: Customer) -> Timestamp:
    """Return an instant at which all that is archived had not happened yet."""
    return customer.after(-(LEAST_DAYS + 2) * DAY / 1_000_000)


def test_a_list_ends_with_what_is_there_and_says_where_the_rest_is(archived: Customer) -> None:
    page = archived.page(credit_type="chat", include_total_size=True)
    assert [entry.version for entry in page.entries] == [9, 8]
    (part,) = page.archived_entries
    assert (part.credit_type, part.before_version) == ("chat", 8)
    assert part.file.endswith("/chat.1-8.jsonl.gz")
    assert (page.next_page_token, page.total_size, page.total_size_is_minimum) == ("", 2, True)


def test_what_is_never_archived_is_listed_whole(archived: Customer) -> None:
    page = archived.page(credit_type="chat", kinds=["ENTRY_KIND_ADMIN_ADD"])
    assert ([entry.version for entry in page.entries], len(page.archived_entries)) == ([1], 0)


def test_a_list_of_later_times_says_nothing_of_an_archive(archived: Customer) -> None:
    page = archived.page(credit_type="chat", start_time=archived.after(-86_400))
    assert ([entry.version for entry in page.entries], len(page.archived_entries)) == ([9], 0)


def test_grant_uses_and_the_time_line_say_where_the_rest_is(archived: Customer) -> None:
    asked = support.ListGrantUsesRequest(account_id=archived.account_id, credit_type="chat", page_size=100)
    uses = archived.staff.support.ListGrantUses(asked)
    assert {use.version for use in uses.grant_uses} == {8, 9}
    assert [part.before_version for part in uses.archived_entries] == [8]
    line = archived.staff.support.ListAccountHistory(
        support.ListAccountHistoryRequest(account_id=archived.account_id, page_size=100)
    )
    assert [part.before_version for part in line.archived_entries] == [8]


def test_a_grant_still_tells_what_brought_it(archived: Customer) -> None:
    asked = support.ListGrantsRequest(account_id=archived.account_id, credit_type="chat")
    (grant,) = archived.staff.support.ListGrants(asked).grants
    assert grant.origin.request_id


@pytest.mark.parametrize("version", [1, 5, 7])
def test_a_balance_before_what_is_there_is_refused(archived: Customer, version: int) -> None:
    request = credit.GetHistoricalBalanceRequest(account_id=archived.account_id, credit_type="chat", version=version)
    refusal = refused(archived.staff.credit.GetHistoricalBalance, request)
    assert (refusal.code, refusal.reason) == ARCHIVED
    assert refusal.metadata["before_version"] == "8"
    request = credit.GetHistoricalBalanceRequest(
        account_id=archived.account_id, credit_type="chat", as_of_time=early(archived)
    )
    assert refused(archived.staff.credit.GetHistoricalBalance, request).reason == "ENTRIES_ARCHIVED"


def test_a_balance_from_the_checkpoint_on_is_told(archived: Customer) -> None:
    """Also at an instant between it and the next entry."""
    for asked in ({"version": 8}, {"as_of_time": archived.after(-86_400)}):
        request = credit.GetHistoricalBalanceRequest(account_id=archived.account_id, credit_type="chat", **asked)
        (found,) = archived.staff.credit.GetHistoricalBalance(request).balances
        assert (found.version, found.available) == (8, 83)


def test_a_statement_that_would_begin_before_is_refused_and_a_later_one_is_not(archived: Customer) -> None:
    """From the last of the archived ones on it has all."""
    for start in (None, early(archived)):
        request = exporting(archived, start_time=start)
        refusal = refused(archived.staff.statement.ExportTransactions, request)
        assert (refusal.code, refusal.reason) == ARCHIVED
    told = records_of(archived, credit_types=["chat"], start_time=archived.after(-86_400))
    assert [(one["Record"], one["Version"], one["Available"]) for one in told] == [
        ("OPENING_BALANCE", "8", "83"),
        ("ENTRY", "9", "82"),
        ("CLOSING_BALANCE", "9", "82"),
    ]


def test_a_stream_does_not_go_on_from_before(archived: Customer) -> None:
    request = credit.WatchBalanceRequest(account_id=archived.account_id, credit_type="chat", after_version=2)
    assert refused(archived.app.credit.WatchBalance, request, timeout=20).reason == "ENTRIES_ARCHIVED"


def test_a_request_that_was_archived_is_not_done_again(archived: Customer) -> None:
    request = archived.deducting(2, request_id=f"{archived.account_id}-old")
    refusal = refused(archived.app.credit.Deduct, request)
    assert (refusal.reason, refusal.metadata["used_by"]) == ("REQUEST_ID_REUSED", "ARCHIVED_ENTRY")
    assert archived.figures() == (82, 0)


def quarter(instant: Timestamp) -> Timestamp:
    """Return the quarter of an hour that an instant is in."""
    return Timestamp(seconds=instant.seconds - instant.seconds % 900)


def test_usage_of_then_is_told_without_the_balances_of_then(archived: Customer) -> None:
    """What was spent is in the sums; what there was is in the files."""
    request = credit.GetUsageSummaryRequest(
        account_id=archived.account_id, credit_types=["chat"], start_time=quarter(early(archived))
    )
    (found,) = archived.staff.credit.GetUsageSummary(request).usage
    assert (found.figures.used, found.closing_balance.available) == (2 + 3 * 5 + 1, 82)
    assert not found.HasField("opening_balance")
    request.start_time.CopyFrom(quarter(archived.after(-86_400)))
    (found,) = archived.staff.credit.GetUsageSummary(request).usage
    assert (found.figures.used, found.opening_balance.available) == (1, 83)


def test_a_request_id_that_was_archived_leads_to_its_account(archived: Customer) -> None:
    """Which says that there was such a request, and that its entry is in the files."""
    asked = support.SearchRequest(query=f"{archived.account_id}-old", account_id=archived.account_id)
    (hit,) = archived.staff.support.Search(asked).hits
    assert (hit.kind, hit.matched_field) == (support.SEARCH_HIT_KIND_ACCOUNT, "archived_request_id")


def test_the_ledger_is_verified_from_the_checkpoint(archived: Customer) -> None:
    found = list(archived.staff.admin.VerifyLedger(VerifyLedgerRequest(account_id=archived.account_id)))
    assert [answer.WhichOneof("outcome") for answer in found] == ["summary"]
