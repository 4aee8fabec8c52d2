"""A form of an act as it was typed: each field is read by what it has to be, and what it cannot be is a fault."""

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1.credit_type_pb2 import CreditType
from creditd.console.shapes.enum_words import enum_words
from creditd.console.shapes.figures import UnreadableAmount, amount_of
from creditd.console.visit import Visit
from creditd.currencies import money_decimals

MAX_REASON = 500

MOST_DIGITS = 18
"""Of a version: all that have so many fit into 64 bits."""


_REQUEST_ID_BYTES: Final = 16


def new_request_id() -> str:
    """Return the request id of a form that is about to be shown."""
    return f"console:{secrets.token_hex(_REQUEST_ID_BYTES)}"


class TypedForm:
    """What somebody has typed, and the faults of it by field. A field with a fault reads as nothing."""

    def __init__(self, visit: Visit, stated: Mapping[str, str], types: Mapping[str, CreditType]) -> None:
        """Read what was ``stated``, by the decimals of the credit types."""
        self.visit = visit
        self.stated = stated
        self.types = types
        self.faults: dict[str, str] = {}
        self.loaded: Any = None

    @property
    def request_id(self) -> str:
        """The id that the form was made with: the same form does the same once."""
        return self.stated.get("request_id", "")

    @property
    def seen_version(self) -> int | None:
        """The version of what the page before has shown; None if it stated none."""
        stated = self.stated.get("version", "")
        is_version = stated.isascii() and stated.isdigit() and len(stated) <= MOST_DIGITS
        return int(stated) if is_version else None

    def fault(self, name: str, key: str, **values: Any) -> None:
        """Say what is wrong with a field, unless something is already."""
        self.faults.setdefault(name, self.visit.reader.texts(key, **values))

    def text(self, name: str, *, is_needed: bool = False, pattern: str = "") -> str:
        """Return a text."""
        stated = self.stated.get(name, "")
        if is_needed and not stated:
            self.fault(name, "field.needed")
        if stated and pattern and not re.fullmatch(pattern, stated):
            self.fault(name, "field.unreadable")
        return stated

    def reason(self) -> str:
        """Return the reason, which every act that takes one needs."""
        stated = self.stated.get("reason", "")
        if not stated:
            self.fault("reason", "reason.needed")
        return stated

    def word(self, name: str, enum: Any) -> Any:
        """Return the value of an enum that was chosen."""
        value = enum_words(enum).get(self.stated.get(name, ""), 0)
        if not value:
            self.fault(name, "field.needed")
        return value

    def words(self, name: str, enum: Any) -> list[Any]:
        """Return the values of an enum that were chosen."""
        words = enum_words(enum)
        return sorted(words[word] for word in self.stated.get(name, "").split() if word in words)

    def whole(self, name: str, *, least: int = 1, most: int = 2**63 - 1, is_needed: bool = True) -> int:
        """Return a whole number; 0 for nothing where it is not needed."""
        return self._amount(name, 0, least, most, is_needed=is_needed)

    def amount(self, name: str, credit_type: str, *, is_needed: bool = True) -> int:
        """Return an amount of a credit type, in its smallest unit."""
        decimals = self.types[credit_type].decimals if credit_type in self.types else 0
        return self._amount(name, decimals, 1, 2**63 - 1, is_needed=is_needed)

    def amounts(self, name: str) -> dict[str, int]:
        """Return an amount of each credit type that one was typed for, in its smallest unit; at least one."""
        stated = {code: self.amount(f"{name}.{code}", code, is_needed=False) for code in self.types}
        found = {code: amount for code, amount in stated.items() if amount}
        if not found and not any(fault.startswith(f"{name}.") for fault in self.faults):
            self.fault(name, "amount.none")
        return found

    def money(self, name: str, currency: str, *, is_needed: bool = True) -> int:
        """Return an amount of money, in the currency's smallest unit."""
        return self._amount(name, money_decimals(currency), 1, 2**63 - 1, is_needed=is_needed)

    def end_of_day(self, name: str, *, is_needed: bool = False) -> Timestamp | None:
        """Return the instant in which a day of the reader's calendar ends."""
        return self._day(name, timedelta(days=1), is_needed=is_needed)

    def beginning_of_day(self, name: str) -> Timestamp | None:
        """Return the instant in which a day of the reader's calendar begins."""
        return self._day(name, timedelta(), is_needed=False)

    def instant(self, name: str) -> Timestamp | None:
        """Return an instant by the reader's clock, unless it states another zone; None for none."""
        stated = self.text(name)
        moment = Timestamp()
        try:
            if stated:
                typed = datetime.fromisoformat(stated)
                zone = typed.tzinfo or self.visit.reader.zone
                moment.FromDatetime(typed.replace(tzinfo=zone).astimezone(UTC))
        except (ValueError, OverflowError):
            self.fault(name, "field.unreadable")
        return moment if stated and name not in self.faults else None

    def _day(self, name: str, more: timedelta, *, is_needed: bool) -> Timestamp | None:
        stated = self.text(name, is_needed=is_needed)
        if not stated:
            return None
        moment = Timestamp()
        try:
            day = date.fromisoformat(stated) + more
            moment.FromDatetime(datetime.combine(day, time(), self.visit.reader.zone).astimezone(UTC))
        except (ValueError, OverflowError):
            self.fault(name, "field.unreadable")
            return None
        return moment

    def _amount(self, name: str, decimals: int, least: int, most: int, *, is_needed: bool) -> int:
        stated = self.text(name, is_needed=is_needed)
        if not stated:
            return 0
        if stated == "0" and not least:
            return 0
        try:
            amount = amount_of(stated, decimals, self.visit.reader.language)
        except UnreadableAmount as error:
            self.fault(name, error.problem, decimals=decimals)
            return 0
        if not least <= amount <= most:
            self.fault(name, "field.range", least=least, most=most)
            return 0
        return amount
