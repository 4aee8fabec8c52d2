"""Figures that are no plain amounts: each is shown in the unit that it is in, or says that it is in the smallest."""

from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1.admin_service_pb2 import LedgerDifference, VerifyLedgerResponse
from credit.v1.credit_type_pb2 import CreditType
from credit.v1.promo_code_pb2 import PromoCode, PromoTerms
from credit.v1.promo_service_pb2 import GetPromoCodeResponse
from creditd.console.reader import reader_of
from creditd.console.settings import PublicUrl
from creditd.console.shapes.cells import CellWriter
from creditd.console.subjects.audit_changes import changed_cells
from creditd.console.subjects.ledger_check import VERIFY_ACCOUNT
from creditd.console.subjects.promo_code_pages import PROMO_CODE
from creditd.console.wire.cookies import CookieJar


@pytest.fixture
def write() -> CellWriter:
    """Return what writes for a reader of English, of a credit type with two decimals."""
    reader = reader_of(CookieJar("", PublicUrl("", is_encrypted=False)), {}, "en")
    visit: Any = SimpleNamespace(
        reader=reader, now=1_800_000_000.0, path=lambda path: path, account_path=lambda *parts: "".join(parts)
    )
    return CellWriter(visit, {"gold": CreditType(code="gold", decimals=2)})


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (7_199, "119 min ago"),
        (7_200, "2 h ago"),
        (172_799, "47 h ago"),
        (172_800, "2 d ago"),
        (400 * 86_400, "400 d ago"),
    ],
)
def test_what_waits_has_its_age_beside_its_time_and_not_in_a_file(write: CellWriter, seconds: int, shown: str) -> None:
    moment = Timestamp(seconds=1_800_000_000 - seconds)
    cell = write.waiting_time(moment, waits=True)
    assert cell.html.endswith(f'<bdi class="age" data-age="{max(seconds, 0)}">{shown}</bdi>')
    assert cell.plain == write.time(moment).plain
    assert "age" not in write.waiting_time(moment, waits=False).html
    assert not write.waiting_time(Timestamp(), waits=True).plain


@pytest.mark.parametrize(
    ("field", "figure", "shown"),
    [
        ("available_after", 1_250, "12.50"),
        ("counts.ann.day", 1_250, "12.50"),
        ("version", 1_250, "1250"),
        ("seal", 1, "1"),
        ("grants.g1.grace_end", 1_800_000_000_000_000, "2027-01-15T08:00:00Z"),
        ("counts.ann.day_start", 1_800_000_000_000_000, "2027-01-15T08:00:00Z"),
        ("grants.g1.grace_end", 2**63 - 1, str(2**63 - 1)),
        ("grants.g1.grace_end", 0, ""),
    ],
)
def test_what_the_ledger_should_be_is_shown_in_its_own_unit(
    write: CellWriter, field: str, figure: int, shown: str
) -> None:
    assert VERIFY_ACCOUNT.stream
    one = LedgerDifference(account_id="ann", credit_type="gold", field=field, expected=figure, actual=figure)
    row = VERIFY_ACCOUNT.stream.row(write, VerifyLedgerResponse(difference=one))
    assert row
    assert [cell.plain for cell in row[-2:]] == [shown, shown]


@pytest.mark.parametrize(
    ("terms", "shown"),
    [
        (PromoTerms(kind="PROMO_KIND_PERCENT_DISCOUNT", currency="THB"), ("12.50", "THB")),
        (PromoTerms(kind="PROMO_KIND_PERCENT_BONUS", credit_type="gold"), ("12.50", "gold")),
        (PromoTerms(kind="PROMO_KIND_PERCENT_BONUS"), ("1250 in the credit type's smallest unit", "")),
    ],
)
def test_what_a_code_gives_at_most_is_money_or_credits(
    write: CellWriter, terms: PromoTerms, shown: tuple[str, str]
) -> None:
    terms.most_per_use = 1_250
    code = PromoCode(terms=terms, given_amount=1_250)
    detail = PROMO_CODE.detail(write, GetPromoCodeResponse(promo_code=code))
    facts = {fact.name: fact.cell for part in (*detail.sections, *detail.aside) for fact in part.facts}
    assert [(facts[name].plain, facts[name].unit) for name in ("most_per_use", "given")] == [shown, shown]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (
            '{"balances": [{"credit_type": "gold", "version": 1, "available": 0, "reserved": 0, "debt": 5}]}',
            '{"balances": [{"credit_type": "gold", "version": 2, "available": 1250, "reserved": 0, "debt": 0}]}',
            ["gold available: 0.00 → 12.50", "gold debt: 0.05 → 0.00"],
        ),
        (
            "",
            '{"amount": 9950, "currency": "THB", "credit_type": "gold", "credits": 1250, "retire_time": null}',
            ["amount: 99.50 THB", "currency: THB", "credit_type: gold", "credits: 12.50 gold"],
        ),
        (
            '{"limits": [{"credit_type": "gold", "spender_id": "ann", "daily": 1250}]}',
            '{"limits": [{"credit_type": "gold", "spender_id": "ann", "daily": 2500}]}',
            ["limits gold ann daily: 12.50 → 25.00"],
        ),
        (
            "",
            '{"amounts": {"gold": 1250, "chat": null}, "money": {"amount": 100, "currency": "THB"}}',
            ["amounts gold: 12.50", "amounts chat: null", "money: 1.00 THB"],
        ),
        (
            '{"given": 0, "terms": {"kind": "PERCENT_DISCOUNT", "currency": "THB", "most_per_use": 1250}}',
            '{"given": 5, "terms": {"kind": "PERCENT_DISCOUNT", "currency": "THB", "most_per_use": 1250}}',
            ["given: 0.00 THB → 0.05 THB"],
        ),
        (
            "",
            '{"terms": {"kind": "PERCENT_BONUS", "most_per_use": 1250, "credits_lifetime": 86400000000}}',
            [
                "terms kind: PERCENT_BONUS",
                "terms most_per_use: 1250 in the credit type's smallest unit",
                "terms credits_lifetime: 86400 s",
            ],
        ),
        (
            '{"refunded": 0, "reversed": 0, "state": "COMPLETED"}',
            '{"refunded": 100, "reversed": 1250, "state": "COMPLETED"}',
            [
                "refunded: 0 in the currency's smallest unit → 100 in the currency's smallest unit",
                "reversed: 0 in the credit type's smallest unit → 1250 in the credit type's smallest unit",
            ],
        ),
        (
            '{"unlimited": false, "unlimited_until": null}',
            '{"unlimited": true, "unlimited_until": 1800000000000000}',
            ["unlimited: false → true", "unlimited_until: 2027-01-15T08:00:00Z"],
        ),
        ('{"most": 5, "note": "x"}', '{"most": 7, "note": ""}', ["most: 5 → 7", "note: x → -"]),
        ("<x>", "{", [": <x> → {"]),
    ],
)
def test_what_an_act_has_changed_is_in_the_units_of_its_fields(
    write: CellWriter, before: str, after: str, shown: list[str]
) -> None:
    cells = changed_cells(write, before, after)
    assert [cell.plain for cell in cells] == shown
    assert "<x>" not in "".join(cell.html for cell in cells)
