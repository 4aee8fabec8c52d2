"""Connections that stay out of the pool for whoever uses one next.

To check one out of SQLAlchemy's pool and in again takes as much of Python as all else that it does for the save of one
movement. What was lent last is fit for the next turn as it is, where each statement is a transaction of its own.
"""

from collections import deque
from collections.abc import Callable

from sqlalchemy import Connection


class Spares:
    """Connections, in autocommit, that were lent before and are lent to nobody now. Used by several threads."""

    def __init__(self, connect: Callable[[], Connection], may_keep: Callable[[], bool]) -> None:
        """Take from the pool by ``connect``; ``may_keep`` tells whether nobody waits for one at the pool."""
        self._connect = connect
        self._may_keep = may_keep
        self._idle: deque[Connection] = deque()

    def __len__(self) -> int:
        """Return how many idle here."""
        return len(self._idle)

    def take(self) -> Connection:
        """Return the one used last, or one from the pool. Raises what connecting raises."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def give_back(self, connection: Connection) -> None:
        """Keep one for the next turn, if it can be spared."""
        if self._may_keep():
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Give all of them back to the pool, and keep none from now on."""
        self._may_keep = lambda: False
        self.let_go()

    def let_go(self) -> None:
        """Give all of them back to the pool."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                return
            connection.close()
