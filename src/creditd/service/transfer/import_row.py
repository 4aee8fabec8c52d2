"""A row of an import: what one account has of one credit type, from one source, until one instant.

A row is read from the fields of a file, all of them texts, and written to them again by an export. What makes two rows
the same is their key: the ``key`` field if it is there, else credit type, source and expiry; always of the account.
"""

import re
from collections.abc import Container, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple, TypeVar

from creditd.domain.account import AccountStatus
from creditd.domain.grants import Source
from creditd.domain.instant import Instant, instant_text
from creditd.domain.wallet import MAX_BALANCE

COLUMNS: Final = (
    "account_id",
    "credit_type",
    "source",
    "amount",
    "expire_time",
    "status",
    "reason",
    "reference",
    "key",
)
"""The fields of a row, as files name them. Only ``account_id`` has to be there."""

DEBT: Final = 0
"""In place of a source: the amount is owed. The sources of grants are numbered from 1."""

DEBT_NAME: Final = "DEBT"

DEFAULT_REASON: Final = "import"

MAX_REASON: Final = 500
"""As of a call that adds credits."""

MAX_NAME: Final = 255
"""Of a reference and of a key, as of request ids."""

Value = TypeVar("Value")
Absent = TypeVar("Absent")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_ACCOUNT_ID: Final = re.compile(r"[A-Za-z0-9._:@+-]{1,128}")
_AMOUNT: Final = re.compile(r"[0-9]{1,19}")
_STATUSES: Final = {status.name: status for status in AccountStatus}
_SOURCES: Final = {**{source.name: int(source) for source in Source}, DEBT_NAME: DEBT}
_SOURCE_NAMES: Final = {number: name for name, number in _SOURCES.items()}


class RowRefused(Exception):
    """A row cannot be brought in as it is; the message says why, for whoever mends the file."""


class ImportRow(NamedTuple):
    """A row that is fit.

    ``credit_type`` is empty, and ``amount`` 0, where only the account is brought in. ``source`` is a Source's number or
    DEBT. ``expire_time`` is None for never, ``status`` for as it is.
    """

    account_id: str
    credit_type: str = ""
    source: int = int(Source.ADMIN)
    amount: int = 0
    expire_time: Instant | None = None
    status: AccountStatus | None = None
    reason: str = DEFAULT_REASON
    reference: str = ""
    key: str = ""

    def request_id(self, name: str) -> str:
        """Return the request id under which the import of a ``name`` brings the row in, whenever and however often."""
        parts = (self.key,) if self.key else (self.credit_type, source_name(self.source), self._expiry)
        digest = sha256("\0".join((str(len(parts)), *parts)).encode()).hexdigest()
        return f"import:{name}:{digest[:32]}"

    @property
    def fingerprint(self) -> int:
        """What the row brings in, as a number: two rows of one key and another content are not the same."""
        content = (self.credit_type, source_name(self.source), str(self.amount), self._expiry)
        return int.from_bytes(sha256("\0".join(content).encode()).digest()[:8], "big", signed=True)

    @property
    def _expiry(self) -> str:
        # The epoch is an instant too, and not the same as never.
        return "" if self.expire_time is None else str(self.expire_time)


def source_name(source: int) -> str:
    """Return a source's name, or that of a debt."""
    return _SOURCE_NAMES[source]


def row_from(fields: Mapping[str, str], known: Container[str]) -> ImportRow:
    """Return the row of a file's fields; ``known`` are the codes of the credit types. Raises RowRefused."""
    account_id = fields.get("account_id", "")
    if not _ACCOUNT_ID.fullmatch(account_id):
        raise RowRefused("account_id: 1 to 128 of A-Z a-z 0-9 . _ : @ + -")
    credit_type, amount = fields.get("credit_type", ""), _amount(fields.get("amount", ""))
    if credit_type and credit_type not in known:
        raise RowRefused("credit_type: there is no such credit type")
    if not credit_type and amount:
        raise RowRefused("credit_type: an amount needs one")
    source = _named(_SOURCES, "source", fields.get("source", ""), int(Source.ADMIN))
    expire_time = _instant(fields.get("expire_time", ""))
    if source == DEBT and expire_time is not None:
        raise RowRefused("expire_time: a debt has none")
    return ImportRow(
        account_id,
        credit_type,
        source,
        amount,
        expire_time,
        _named(_STATUSES, "status", fields.get("status", ""), None),
        _text("reason", fields.get("reason", ""), MAX_REASON) or DEFAULT_REASON,
        _text("reference", fields.get("reference", ""), MAX_NAME),
        _text("key", fields.get("key", ""), MAX_NAME),
    )


def _amount(text: str) -> int:
    if (text and not _AMOUNT.fullmatch(text)) or int(text or 0) > MAX_BALANCE:
        raise RowRefused(f"amount: a whole number of the smallest unit, from 0 to {MAX_BALANCE}")
    return int(text or 0)


def _named(known: Mapping[str, Value], field: str, text: str, absent: Absent) -> Value | Absent:
    if not text:
        return absent
    value = known.get(text.upper())
    if value is None:
        raise RowRefused(f"{field}: one of {', '.join(known)}")
    return value


def _instant(text: str) -> Instant | None:
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise RowRefused("expire_time: a time with its zone, such as 2027-01-31T00:00:00Z")
    try:
        since = time.astimezone(UTC) - _EPOCH
    except OverflowError:
        raise RowRefused("expire_time: from year 1 to 9999") from None
    return Instant(since // timedelta(microseconds=1))


def _text(field: str, text: str, most: int) -> str:
    if len(text) > most:
        raise RowRefused(f"{field}: at most {most} characters")
    if "\0" in text:
        raise RowRefused(f"{field}: no NUL characters")
    return text


def fields_of(row: ImportRow) -> dict[str, str]:
    """Return the fields of a row as a file has them, those that are empty left out."""
    fields = {
        "account_id": row.account_id,
        "credit_type": row.credit_type,
        "source": source_name(row.source) if row.credit_type else "",
        "amount": str(row.amount) if row.credit_type else "",
        "expire_time": "" if row.expire_time is None else instant_text(row.expire_time),
        "status": "" if row.status is None else row.status.name,
        "reason": row.reason if row.reason != DEFAULT_REASON else "",
        "reference": row.reference,
        "key": row.key,
    }
    return {name: text for name, text in fields.items() if text}
