"""Which of several hosts is tried first: the one that took the last connection.

A host that hangs takes connections and says nothing, and each attempt at it costs the whole time-out. After a standby
has taken over, the one before may hang for hours, and stands first in the list.
"""

from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

_LISTS: Final = ("host", "hostaddr", "port")
"""The parts of a conninfo that are lists, with as many members each; one port may stand for all."""


class Hosts:
    """Where a database is, in the order in which its hosts are tried."""

    def __init__(self, conninfo: str) -> None:
        """Begin with the order of ``conninfo``, which libpq takes."""
        self.conninfo = conninfo

    def note(self, connection: "psycopg.Connection[Any]") -> None:
        """Have the host that a connection was made to be tried first from now on."""
        self.prefer(connection.info.host, connection.info.port)

    def prefer(self, host: str, port: int) -> None:
        """Have a host be tried first from now on; nothing changes if it is none of them."""
        parts = conninfo_to_dict(self.conninfo)
        lists = {name: str(parts[name]).split(",") for name in _LISTS if parts.get(name)}
        count = max((len(members) for name, members in lists.items() if name != "port"), default=0)
        if count < 2:  # noqa: PLR2004 - one of one is the first.
            return
        lists = {name: members * count if len(members) == 1 else members for name, members in lists.items()}
        names = lists.get("host") or lists["hostaddr"]
        ports = lists.get("port", [str(port)] * count)
        found = [
            place
            for place, pair in enumerate(zip(names, ports, strict=True))
            if pair in ((host, str(port)), (host, ""))
        ]
        if found and found[0] > 0:
            order = [found[0], *(place for place in range(count) if place != found[0])]
            reordered = {name: ",".join(members[place] for place in order) for name, members in lists.items()}
            self.conninfo = make_conninfo("", **parts | reordered)
