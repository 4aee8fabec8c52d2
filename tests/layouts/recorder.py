"""Hears every statement that a service of the same process gives the driver."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from creditd.storage.connections.session import Session


class Recorder:
    """The statements that were heard, each once."""

    def __init__(self) -> None:
        """Start with none."""
        self.heard: dict[str, None] = {}

    @contextmanager
    def hearing(self) -> Iterator["Recorder"]:
        """Hear until the block ends: all but what is recited, which only one statement is, of the plain layout."""
        execute = psycopg.Cursor.execute

        def heard(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
            if isinstance(cursor.connection, Session):
                self.heard[query.decode() if isinstance(query, bytes) else str(query)] = None
            return execute(cursor, query, *arguments, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(psycopg.Cursor, "execute", heard)
            yield self
