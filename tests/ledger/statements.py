"""The statements that a server sends, counted: a bound that holds however slow the machine is."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, event

from creditd.storage import saving
from creditd.storage.database import Database
from creditd.storage.prepared import Prepared


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    """Give the list of the statements that go to a database until the block ends, saves among them."""
    seen: list[str] = []
    row = Prepared.row

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    def note_save(statement: Prepared, connection: Connection, parameters: dict[str, object]) -> object:
        if connection.engine.pool is database._engine.pool:
            seen.append("save" if statement is saving._SAVE else "prepared")
        return row(statement, connection, parameters)

    event.listen(database._engine, "before_cursor_execute", note)
    Prepared.row = note_save  # type: ignore[assignment, method-assign]
    try:
        yield seen
    finally:
        Prepared.row = row  # type: ignore[method-assign]
        event.remove(database._engine, "before_cursor_execute", note)
