"""How the tables lie in the database: in one PostgreSQL, or account data distributed by account over those of Citus.

Where they are distributed, a statement on account data names one account, as a parameter: Citus sends it whole to the
one server that has that account (a router statement). What reads many accounts in one statement on a plain PostgreSQL
is there one statement for each of them, made of the same text (:func:`routed`).
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import StrEnum
from itertools import groupby
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, text


class Layout(StrEnum):
    """How the tables lie in the database."""

    PLAIN = "plain"
    CITUS = "citus"


_BY_ACCOUNT: Final = "creditd_by_account"


def options_of(layout: Layout) -> dict[str, bool]:
    """Return the execution options of an engine whose statements on account data have to name one account, or not."""
    return {} if layout is Layout.PLAIN else {_BY_ACCOUNT: True}


def is_by_account(connection: Connection) -> bool:
    """Tell whether each statement on account data has to name one account."""
    return _BY_ACCOUNT in connection.get_execution_options()


_ROUTES: Final = (
    (re.compile(r"unnest\(:account_id ::text\[\]\)\s+AS (\w+) \(account_id\)"), r"(VALUES (1)) AS \1 (one)"),
    (re.compile(r"unnest\(:(?:r_)?account_id ::text\[\], "), "unnest("),
    (re.compile(r"AS (\w+) \(account_id, "), r"AS \1 ("),
    (re.compile(r"account_id = \w+\.account_id"), "account_id = :account_id ::text"),
    (re.compile(r"\b[kn]\.account_id"), ":account_id ::text"),
)
"""What turns a look-up of keys of many accounts into one of keys of one account, in this order."""


def routed(statement: str) -> str:
    """Return the statement that does for one account, a text in ``:account_id``, what another does for an array of it.

    The other looks its keys up by ``unnest``, as ``k`` or ``n``, and names ``account_id`` first among them.
    """
    for pattern, replacement in _ROUTES:
        statement = pattern.sub(replacement, statement)
    return statement


class OfAccount(Protocol):
    """A key in an account."""

    @property
    def account_id(self) -> str:
        """Whose."""


Key = TypeVar("Key", bound=OfAccount | str)


def _account_of(key: OfAccount | str) -> str:
    return key if isinstance(key, str) else key.account_id


def by_account(keys: Collection[Key]) -> Iterator[tuple[str, list[Key]]]:
    """Return keys by account, in the order of the accounts; an account's id is a key in it."""
    for account_id, own in groupby(sorted(keys, key=_account_of), _account_of):
        yield account_id, list(own)


class KeyedStatement:
    """A look-up of keys of many accounts: one statement, or one for each account where these are distributed."""

    def __init__(self, statement: str, of_one: str = "") -> None:
        """Take the one for many, as :func:`routed` does, and the one for one account if that is another."""
        self._together = text(statement)
        self._routed = text(of_one or routed(statement))

    def rows(
        self, connection: Connection, keys: Collection[Key], parameters: Callable[[Collection[Key]], Mapping[str, Any]]
    ) -> Iterator[Any]:
        """Return the rows that are found for ``keys``, of which ``parameters`` makes the statement's."""
        if not is_by_account(connection):
            yield from connection.execute(self._together, parameters(keys))
            return
        for account_id, own in by_account(keys):
            yield from connection.execute(self._routed, {**parameters(own), "account_id": account_id})
