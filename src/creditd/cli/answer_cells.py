"""The cells of an answer: what each field of a message is to people."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any, Final

from google.protobuf.message import Message

from creditd.currencies import money_decimals

MOST_DEPTH: Final = 2
"""Of messages within messages: what is deeper is for JSON."""

_CREDITS: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(fields.split())
    for name, fields in {
        "Entry": "amount available_delta reserved_delta debt_delta available_after reserved_after debt_after",
        "Balance": "total reserved available debt",
        "GrantBalance": "available",
        "Reservation": "amount confirmed_amount refunded_amount",
        "Limit": "least_per_movement most_per_movement most_per_hour most_per_day",
        "LimitUsage": "used_in_hour used_in_day",
        "BalanceAlert": "below",
        "ApprovalAmount": "amount",
        "LedgerDifference": "expected actual",
        "Package": "credits bonus",
        "Purchase": "credits bonus promo_bonus credits_granted credits_reversed",
        "CreditTypeUsage": "held",
    }.items()
}
"""Fields that are amounts of credits, in the smallest unit, of messages that say of which type."""


def amount_text(amount: int, decimals: int) -> str:
    """Return an amount of the smallest unit, such as 1,816 or -12.50."""
    digits = str(abs(amount)).rjust(decimals + 1, "0")
    whole = f"{int(digits[: len(digits) - decimals]):,}"
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{digits[-decimals:]}" if decimals else f"{sign}{whole}"


def has_amounts(message: Message) -> bool:
    """Return whether there is an amount of credits in a message, or in one within it."""
    if message.DESCRIPTOR.name in _CREDITS:
        return True
    parts = [
        part
        for field, value in message.ListFields()
        if field.message_type and not field.message_type.GetOptions().map_entry
        for part in (value if field.is_repeated else [value])
    ]
    return any(map(has_amounts, parts))


class Cells:
    """Turns messages into cells."""

    def __init__(self, decimals: Mapping[str, int]) -> None:
        """Write amounts with the decimals of each credit type, by its code."""
        self._decimals = decimals

    def of(self, message: Message, credit_type: str = "", depth: int = 1) -> dict[str, str]:
        """Return what each field says, by its name; of messages within it too, by ``field.name``."""
        credit_type = getattr(message, "credit_type", credit_type)
        found: dict[str, str] = {}
        for field in message.DESCRIPTOR.fields:
            value = getattr(message, field.name)
            if field.message_type and not _is_told_in_one(field):
                is_one = not field.is_repeated and message.HasField(field.name)
                if is_one and depth < MOST_DEPTH:
                    inner = self.of(value, credit_type, depth + 1)
                    found |= {f"{field.name}.{name}": text for name, text in inner.items()}
            elif field.has_presence and not message.HasField(field.name):
                found[field.name] = ""
            else:
                values = value if field.is_repeated else [value]
                found[field.name] = ", ".join(self._text(field, one, message, credit_type) for one in values)
        return found

    def _text(self, field: Any, value: Any, message: Message, credit_type: str) -> str:
        if field.message_type:
            return str(_MESSAGES[field.message_type.full_name](value))
        if field.enum_type:
            return _enum_text(field, value)
        if field.name in _CREDITS.get(message.DESCRIPTOR.name, ()):
            return amount_text(value, self._decimals.get(credit_type, 0))
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, bytes):
            return value.hex()
        return str(value)


def _is_told_in_one(field: Any) -> bool:
    return bool(field.message_type.full_name in _MESSAGES)


def _enum_text(field: Any, number: int) -> str:
    """Return the name of a value without the enum's own before it; nothing where it is unspecified."""
    known: Mapping[int, Any] = field.enum_type.values_by_number
    if number not in known:
        return str(number)
    prefix = known[0].name.removesuffix("UNSPECIFIED")
    return "" if number == 0 else str(known[number].name).removeprefix(prefix)


def _time_text(stamp: Any) -> str:
    """Return a time in UTC, to the second, as requests take it."""
    return str(stamp.ToDatetime(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _money_text(money: Any) -> str:
    return f"{amount_text(money.amount, money_decimals(money.currency))} {money.currency}"


_MESSAGES: Final[Mapping[str, Any]] = {
    "google.protobuf.Timestamp": _time_text,
    "google.protobuf.Duration": lambda duration: f"{duration.ToTimedelta().total_seconds():g}s",
    "credit.v1.Money": _money_text,
}


def words_of(name: str) -> str:
    """Return the words of a name such as ``DeadLetters`` or ``dead_letters``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()


def repeated_messages(message: Message) -> Iterator[tuple[str, Any]]:
    """Yield the fields that are lists of messages, with their names."""
    for field in message.DESCRIPTOR.fields:
        if field.is_repeated and field.message_type and not field.message_type.GetOptions().map_entry:
            yield field.name, getattr(message, field.name)
