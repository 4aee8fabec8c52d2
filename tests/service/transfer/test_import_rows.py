"""Rows of an import: what makes two of them the same, what they bring in, and that what is written is read again."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from creditd.domain.account import AccountStatus
from creditd.domain.grants import Source
from creditd.domain.instant import Instant
from creditd.domain.wallet import MAX_BALANCE
from creditd.service.transfer.import_row import DEBT, ImportRow, RowRefused, fields_of, row_from
from creditd.service.transfer.import_spool import Spool, SpooledRow

pytestmark = pytest.mark.requirement("J4")

KNOWN = frozenset({"chat", "THB"})

# Without NUL, which no import takes.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)

# Within the years that a file can name.
EXPIRIES = st.none() | st.integers(0, 250_000_000_000_000_000).map(Instant)

ROWS = st.builds(
    ImportRow,
    account_id=st.from_regex(r"[A-Za-z0-9._:@+-]{1,128}", fullmatch=True),
    credit_type=st.sampled_from(sorted(KNOWN)),
    source=st.sampled_from([int(source) for source in Source]),
    amount=st.integers(0, MAX_BALANCE),
    expire_time=EXPIRIES,
    status=st.none() | st.sampled_from(AccountStatus),
    reason=TEXTS.filter(bool),
    reference=TEXTS,
    key=TEXTS,
)


@given(ROWS)
def test_a_row_that_is_written_is_read_again_as_it_was(row: ImportRow) -> None:
    assert row_from(fields_of(row), KNOWN) == row


@given(ROWS, ROWS)
@example(ImportRow("ann", "chat", amount=1), ImportRow("ann", "chat", amount=1, expire_time=Instant(1)))
@example(ImportRow("ann", "chat", amount=1), ImportRow("ann", "chat", amount=1, expire_time=Instant(0)))
@example(ImportRow("ann", "chat", amount=1), ImportRow("ann", "THB", amount=1))
@example(ImportRow("ann", "chat", amount=1), ImportRow("ann", "chat", amount=2))
def test_two_rows_have_one_request_id_if_their_keys_say_so_and_not_otherwise(one: ImportRow, other: ImportRow) -> None:
    def key(row: ImportRow) -> tuple[object, ...]:
        return (row.key,) if row.key else (row.credit_type, row.source, row.expire_time)

    assert (one.request_id("june") == other.request_id("june")) == (key(one) == key(other))
    assert one.request_id("june") != one.request_id("july")


@given(ROWS, st.integers(0, MAX_BALANCE))
def test_another_amount_under_a_key_is_another_content(row: ImportRow, amount: int) -> None:
    other = row._replace(amount=amount)
    assert other.request_id("june") == row.request_id("june")
    assert (other.fingerprint == row.fingerprint) == (amount == row.amount)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "account_id"),
        ({"account_id": "a b"}, "account_id"),
        ({"account_id": "a" * 129}, "account_id"),
        ({"account_id": "a", "amount": "1"}, "credit_type"),
        ({"account_id": "a", "credit_type": "gold", "amount": "1"}, "credit_type"),
        ({"account_id": "a", "credit_type": "chat", "amount": "-1"}, "amount"),
        ({"account_id": "a", "credit_type": "chat", "amount": "1.5"}, "amount"),
        ({"account_id": "a", "credit_type": "chat", "amount": "٣"}, "amount"),
        ({"account_id": "a", "credit_type": "chat", "amount": str(MAX_BALANCE + 1)}, "amount"),
        ({"account_id": "a", "credit_type": "chat", "source": "GIFT"}, "source"),
        ({"account_id": "a", "credit_type": "chat", "expire_time": "2027-01-31"}, "expire_time"),
        ({"account_id": "a", "credit_type": "chat", "source": "DEBT", "expire_time": "2027-01-31T00:00:00Z"}, "expire"),
        ({"account_id": "a", "status": "GONE"}, "status"),
        ({"account_id": "a", "reason": "x" * 501}, "reason"),
        ({"account_id": "a", "reference": "x\0"}, "reference"),
        ({"account_id": "a", "key": "x" * 256}, "key"),
    ],
)
def test_what_is_not_fit_is_refused_by_its_field(fields: dict[str, str], field: str) -> None:
    with pytest.raises(RowRefused, match=f"^{field}"):
        row_from(fields, KNOWN)


def test_the_spool_keeps_the_first_of_a_key_and_gives_rows_by_account(tmp_path: Path) -> None:
    rows = [ImportRow("zoe", "chat", amount=1), ImportRow("Ann", "chat", DEBT, 2), ImportRow("zoe", "chat", amount=3)]
    spooled = [SpooledRow(row.request_id("june"), row.fingerprint, f"f:{line}", row) for line, row in enumerate(rows)]
    with Spool(tmp_path) as spool:
        assert [spool.add(one) for one in spooled] == [None, None, spooled[0]]
        assert list(spool.rows()) == [spooled[1], spooled[0]]
        assert spool.count_accounts() == 2
    assert list(tmp_path.iterdir()) == []
