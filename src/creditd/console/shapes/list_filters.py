"""Filters of lists: each is a parameter of the URL, so that a view can be sent to a colleague."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from creditd.console.shapes.enum_words import enum_words
from creditd.console.shapes.id_patterns import MAX_PAGE_TOKEN
from creditd.console.visit import Visit

_MAX_STATED: Final = 255


class ListFilter(NamedTuple):
    """A filter by its name in the URL, and the field of the request that it fills.

    It is chosen among the values of ``enum``; or typed, as ``pattern`` has it; or a day of the reader's calendar, whose
    beginning (``first``) or end (``last``) it is; or yes, if it is none of these. Of one that ``is_many`` the field is
    a list. The service takes none together with those that it ``drops``, by their names: to choose it takes them away.
    """

    name: str
    field: str
    enum: Any = None
    pattern: str = ""
    day: str = ""
    is_many: bool = False
    drops: Sequence[str] = ()

    def chosen(self, word: str) -> Mapping[str, str]:
        """Return how the URL changes when a word is chosen; none for an empty one."""
        dropped = self.drops if word else ()
        return dict.fromkeys((*dropped, "page"), "") | {self.name: word}

    @property
    def words(self) -> Sequence[str]:
        """The words that it is chosen among."""
        return tuple(enum_words(self.enum)) if self.enum else ()

    def value(self, stated: str, visit: Visit) -> Any:
        """Return what is asked for. Raises ValueError for what it cannot be."""
        if self.enum:
            if stated not in enum_words(self.enum):
                raise ValueError(stated)
            value = enum_words(self.enum)[stated]
            return [value] if self.is_many else value
        if self.day:
            return _moment(date.fromisoformat(stated) + timedelta(days=self.day == "last"), visit)
        if self.pattern and not re.fullmatch(self.pattern, stated):
            raise ValueError(stated)
        return stated if self.pattern else True


class WantedRows(NamedTuple):
    """What of a list is asked for: the fields of the request, what the URL states, and what of it cannot be."""

    fields: Mapping[str, Any]
    stated: Mapping[str, str]
    unreadable: frozenset[str]
    page_token: str

    @property
    def is_narrowed(self) -> bool:
        """Whether there may be more than what is asked for."""
        return bool(self.stated or self.page_token)


def all_rows(fields: Mapping[str, Any]) -> WantedRows:
    """Return that the first of all rows are asked for, by these fields of the request, whatever the URL states."""
    return WantedRows(fields, {}, frozenset(), "")


def wanted_of(visit: Visit, filters: Sequence[ListFilter]) -> WantedRows:
    """Return what of a list the URL asks for."""
    query = visit.request.query_params
    stated = {one.name: query[one.name].strip()[:_MAX_STATED] for one in filters if query.get(one.name, "").strip()}
    fields, unreadable = {}, set()
    for one in filters:
        if one.name in stated:
            try:
                fields[one.field] = one.value(stated[one.name], visit)
            except (ValueError, OverflowError):
                unreadable.add(one.name)
    return WantedRows(fields, stated, frozenset(unreadable), query.get("page", "")[:MAX_PAGE_TOKEN])


def _moment(day: date, visit: Visit) -> Timestamp:
    """Return the beginning of a day by the reader's clock. Raises ValueError, OverflowError."""
    moment = Timestamp()
    moment.FromDatetime(datetime.combine(day, time(), visit.reader.zone).astimezone(UTC))
    return moment
