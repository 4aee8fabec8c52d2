"""The statements that a server sends, counted: a bound that holds however slow the machine is."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from creditd.storage import save
from creditd.storage.connections.prepared import Prepared, Rows
from creditd.storage.database import Database


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    """Give the list of the statements that go to a database until the block ends, saves among them."""
    seen: list[str] = []
    sent = Prepared.sent

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    def note_save(statement: Prepared, connection: Connection, parameters: Mapping[str, Any]) -> Rows:
        if connection.engine.pool is database._engine.pool:
            seen.append("save" if statement is save._SAVE else statement.query.decode())
        return sent(statement, connection, parameters)

    event.listen(database._engine, "before_cursor_execute", note)
    Prepared.sent = note_save  # type: ignore[assignment, method-assign]
    try:
        yield seen
    finally:
        Prepared.sent = sent  # type: ignore[method-assign]
        event.remove(database._engine, "before_cursor_execute", note)
