"""Statements that a session knows by heart: prepared once, and executed by libpq without psycopg's ways around it.

psycopg adapts each parameter, looks the statement up by the types of all of them, and waits for the answer in Python.
For the save of one movement, with 57 parameters that are texts already, this took twice as long as all the rest.

Only where each statement is a transaction of its own: should the server have lost the statement, nothing was done, and
it is prepared and executed again. psycopg drops what a session has prepared after each transaction that it rolls back.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

_GOOD = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
_NUL = b"\0"


class Recited:
    """The rows that a recited statement has returned."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        """Keep them."""
        self._rows = iter(rows)

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, or None after the last."""
        return next(self._rows, None)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Return the rows that are left."""
        return self._rows


class RecitingConnection(psycopg.Connection[Any]):
    """A connection that knows statements by heart, once they have been used as often as ``prepare_threshold`` says."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Know nothing yet."""
        super().__init__(*arguments, **options)
        self._uses: dict[bytes, int] = {}
        self._known: dict[bytes, bytes] = {}
        self._numbers = count()

    def knows(self, query: bytes) -> bool:
        """Tell whether a statement is to be recited, and count this use of it."""
        if not self.autocommit or self.prepare_threshold is None:
            return False
        if query in self._known:
            return self.pgconn.transaction_status == TransactionStatus.IDLE
        uses = self._uses[query] = self._uses.get(query, 0) + 1
        return uses > self.prepare_threshold and self.pgconn.transaction_status == TransactionStatus.IDLE

    def recited(self, query: bytes, values: Sequence[str]) -> Recited:
        """Execute a statement that it ``knows``. Raises psycopg.Error as it comes from the server."""
        encoding = self.info.encoding
        parameters = [value.encode(encoding) for value in values]
        if any(_NUL in parameter for parameter in parameters):
            # libpq would take it for the end of the text.
            message = "texts of PostgreSQL hold no NUL"
            raise psycopg.DataError(message)
        with self.lock:
            try:
                result = self._executed(query, parameters)
            except InvalidSqlStatementName:
                del self._known[query]
                result = self._executed(query, parameters)
            reader = Transformer(self)
            reader.set_pgresult(result)
            return Recited(reader.load_rows(0, result.ntuples, tuple))

    def rollback(self) -> None:
        """Roll back as psycopg does, which then drops what the session has prepared; not if nothing had begun."""
        is_within = self.pgconn.transaction_status != TransactionStatus.IDLE
        super().rollback()
        if is_within:
            self._known.clear()

    def _executed(self, query: bytes, parameters: Sequence[bytes]) -> PGresult:
        name = self._known.get(query)
        if name is None:
            # Never a name that the server may know: what was thought to be lost may still be there.
            name = b"creditd_%d" % next(self._numbers)
            self._checked(self.pgconn.prepare(name, query))
            self._known[query] = name
        return self._checked(self.pgconn.exec_prepared(name, parameters))

    def _checked(self, result: PGresult) -> PGresult:
        if result.status in _GOOD:
            return result
        error = error_from_result(result, encoding=self.info.encoding)
        if error.sqlstate is None:
            # It is libpq's own: the connection is lost.
            raise psycopg.OperationalError(str(error))
        raise error
