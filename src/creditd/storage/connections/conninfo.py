"""Where a database is: a URL, or libpq's ``key=value`` form, taken as its user wrote it."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

import psycopg
from psycopg import pq
from psycopg.abc import ConnParam
from psycopg.conninfo import conninfo_to_dict, make_conninfo

CONNECT_TIMEOUT_SECONDS: Final = 3
"""Callers are told that the database is away rather than kept waiting."""

LONGEST_CONNECT_SECONDS: Final = 10
"""What a user may have one address be tried for. Without end, callers would wait for a host that takes connections and
never says a word."""

IDLE_BEFORE_PROBE_SECONDS: Final = 10
"""A connection over TCP on which nothing is said for so long is tried, so that no firewall forgets it in silence."""

PROBE_SECONDS: Final = 5
"""Between two tries."""

PROBES: Final = 3
"""After so many tries without an answer the other end has gone."""

UNACKNOWLEDGED_MILLISECONDS: Final = 10_000
"""For what is sent over TCP to reach the other machine. Turns end sooner; this is for what no turn watches over."""

NOWHERE: Final = "/nowhere"
"""A folder of no socket: libpq judges all that it is told before it finds nobody there."""

_UNKNOWN: Final = re.compile(r'invalid (?:URI query parameter|connection option):? "(\w+)"')


class InvalidConninfo(Exception):
    """It is no place that libpq can connect to, whatever answers there; the message holds no secret."""


def judged(conninfo: str) -> str:
    """Return ``conninfo`` if libpq takes it, without connecting. Raises InvalidConninfo."""
    try:
        parts = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError as error:
        raise InvalidConninfo(f"is not of the form postgresql://user@host:port/name{_nearest(str(error))}") from None
    complaint = _complaint(parts)
    if complaint:
        raise InvalidConninfo(f"cannot be used: {complaint}")
    return conninfo


def _nearest(complaint: str) -> str:
    """Return the parameter that was meant, if one is near; what was written may be a part of a password."""
    unknown = _UNKNOWN.match(complaint)
    known = [option.keyword.decode() for option in pq.Conninfo.get_defaults()]
    near = get_close_matches(unknown[1], known, 1, cutoff=0.7) if unknown else []
    return f"; did you mean {near[0]}?" if near else ", nor key=value pairs as libpq takes them"


def _complaint(parts: Mapping[str, ConnParam]) -> str:
    """Return what libpq has against the values, such as an sslmode that there is not."""
    if not re.fullmatch(r"\s*[+-]?\d+\s*", timeout := str(parts.get("connect_timeout") or 0)):
        return f'invalid integer value "{timeout}" for connection option "connect_timeout"'
    hosts = max(str(parts.get(name) or "").count(",") for name in ("host", "hostaddr")) + 1
    nowhere = {name: value for name, value in parts.items() if name != "hostaddr"}
    if nowhere.get("gssencmode") == "require":
        # It is not to be had over a socket.
        del nowhere["gssencmode"]
    nowhere["host"] = ",".join([NOWHERE] * hosts)
    attempt = pq.PGconn.connect_start(make_conninfo("", **nowhere).encode())
    said = attempt.error_message.decode(errors="replace").splitlines()
    attempt.finish()
    return next((line.strip() for line in said if _is_complaint(line)), "")


def _is_complaint(line: str) -> bool:
    return bool(line.strip()) and not line.startswith(("connection to server", "\t", " "))


def place(conninfo: str) -> str:
    """Return where a database is, without user and password: hosts with their ports, a socket's folder, a service."""
    try:
        parts = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        return ""
    hosts = str(parts.get("host") or parts.get("hostaddr") or "").split(",")
    ports = str(parts.get("port") or "").split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    if not any(hosts):
        return f"service {parts['service']}" if parts.get("service") else "libpq's default host"
    named = [f"[{host}]" if ":" in host else host for host in hosts]
    return ",".join(f"{host}:{port}" if port else host for host, port in zip(named, ports, strict=False))


DEFAULTS: Final[Mapping[str, ConnParam]] = {
    "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    "keepalives_idle": IDLE_BEFORE_PROBE_SECONDS,
    "keepalives_interval": PROBE_SECONDS,
    "keepalives_count": PROBES,
    "tcp_user_timeout": UNACKNOWLEDGED_MILLISECONDS,
    "target_session_attrs": "read-write",
    "application_name": "creditd",
}
"""For what a user has not said otherwise."""


def with_defaults(conninfo: str) -> str:
    """Return all that a connection is made with. The encoding is ours: texts are sent and read in it."""
    parts = {**DEFAULTS, **conninfo_to_dict(conninfo), "client_encoding": "UTF8"}
    seconds = int(parts["connect_timeout"] or 0)
    # Libpq takes 0 and less for no limit at all.
    parts["connect_timeout"] = min(seconds, LONGEST_CONNECT_SECONDS) if seconds > 0 else CONNECT_TIMEOUT_SECONDS
    return make_conninfo("", **parts)
