"""Whether Citus would take a statement, as far as its text tells: by the rules that the layout's statements keep.

No machine of the tests has Citus. Its planner sends a statement to one server if each table that lies by account is
there compared with the same account, as a value; it takes an INSERT of VALUES, and a plain SELECT over all servers.
What it refuses, or may, is told here, more strictly than it would.
"""

import re
from enum import Enum
from typing import Final, NamedTuple

from creditd.storage.placement import PLACE_OF, Place


class Route(Enum):
    """Where a statement goes."""

    COORDINATOR = "to no table by account"
    ROUTER = "to one server"
    FAN_OUT = "to all servers, which only read"
    REFUSED = "nowhere"


class Verdict(NamedTuple):
    """Where a statement goes, and why nowhere."""

    route: Route
    why: str = ""


_TABLE: Final = re.compile(r"(?i)\b(?:from|join|into|update|only)\s+(?:public\.)?([a-z_]+)")

_VALUE: Final = r"(?:\$\d+|%s|%\([a-z_0-9]+\)s)"

_OF_ACCOUNT: Final = re.compile(rf"(?i)\baccount_id = {_VALUE}")

_SELECTED: Final = re.compile(r"(?i)\b(for (?:no key )?update|for (?:key )?share|lateral|recursive|offset 0)\b")

_WRITES: Final = re.compile(r"(?i)\b(insert into|update|delete from)\s+(?:only\s+)?([a-z_]+)")


_NAMED: Final = re.compile(r"(?i)(?:\bwith(?: recursive)?|\),)\s+([a-z_]+)(?:\s\([^)]*\))? as (?:materialized )?\(")


def tables_by_account(statement: str) -> list[str]:
    """Return the tables by account that a statement names, each as often as it does."""
    own = set(_NAMED.findall(statement))
    return [name for name in _TABLE.findall(statement) if PLACE_OF.get(name) is Place.BY_ACCOUNT and name not in own]


def verdict(statement: str) -> Verdict:  # noqa: PLR0911 - a table, written as one.
    """Judge a statement as the driver is given it."""
    statement = re.sub(r"--[^\n]*", "", statement).strip()
    tables = tables_by_account(statement)
    if not tables:
        return Verdict(Route.COORDINATOR)
    written = {name for _, name in _WRITES.findall(_without_locks(statement)) if name in tables}
    if statement[:6].upper() == "INSERT" and written:
        if "VALUES" not in statement or len(tables) > 1:
            return Verdict(Route.REFUSED, "an INSERT that is none of VALUES")
        if re.search(r"(?i)on conflict.*\bwhere\b", statement, re.DOTALL):
            return Verdict(Route.REFUSED, "an ON CONFLICT with a condition")
        return Verdict(Route.ROUTER)
    if written and statement[:6].upper() not in {"UPDATE", "DELETE"}:
        return Verdict(Route.REFUSED, "writes within a WITH")
    if re.search(r"(?i)\bfor (share|key share|no key update)\b", statement):
        return Verdict(Route.REFUSED, "a lock that is none FOR UPDATE")
    if len(_OF_ACCOUNT.findall(statement)) >= len(tables):
        return Verdict(Route.ROUTER)
    if written:
        return Verdict(Route.REFUSED, "writes rows of many accounts")
    if found := _SELECTED.search(statement):
        return Verdict(Route.REFUSED, f"{found[1].upper()} over many accounts")
    return Verdict(Route.FAN_OUT)


def _without_locks(statement: str) -> str:
    return re.sub(r"(?i)\bfor (no key )?update\b|\bdo update\b", "", statement)
