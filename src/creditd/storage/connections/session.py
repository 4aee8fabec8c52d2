"""What every session with the database must be: whom it acts as, and how long its statements may take and wait.

PostgreSQL's ``options`` are not used for it: poolers refuse or drop them. A session that is not yet what it must be is
told so by SQL right after it has connected, and asked again. Behind a pooler that lends out another connection for each
transaction that holds for no time at all. There the pooler has to make its connections what they must be, which is
verified; what may differ by transaction is said at the beginning of each.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import uuid4

import psycopg

from creditd.storage.connections.recital import RecitingConnection


class UnsuitableDatabase(psycopg.OperationalError):
    """The database answers, and is not what it must be; the message says in one line what to do.

    ``is_lasting``: waiting mends nothing, a person has to.
    """

    def __init__(self, message: str, *, is_lasting: bool = True) -> None:
        """Keep both."""
        super().__init__(message)
        self.is_lasting = is_lasting


@dataclass(frozen=True, slots=True)
class SessionRules:
    """What sessions must be.

    ``role`` is whom they act as; empty for whom they are by themselves. ``statement_milliseconds`` is how long one
    statement may take at most; None if nobody minds. ``by_transaction`` are settings that each transaction must have.
    ``sets_sessions`` says whether those may be set for the whole session, where sessions can be.
    """

    role: str
    statement_milliseconds: int | None
    by_transaction: Mapping[str, str] = field(default_factory=dict)
    sets_sessions: bool = True


class Session(RecitingConnection):
    """A connection, and what each transaction on it has to begin with; empty for nothing."""

    beginning: str = ""


MEMORY_KEPT_BYTES: Final = 4 * 1024 * 1024
"""More than the save of the largest batch takes from the system at once. Twice as much stays with a session at most."""

KEEP_MEMORY: Final = f"SELECT length(repeat('x', {MEMORY_KEPT_BYTES}))"
"""Has the session's process keep the memory of a statement for the next one.

glibc gives memory back to the system after each statement, and takes it anew for the next one page by page: a fifth of
what PostgreSQL spends on the save of one movement, and a tenth on that of 64. It leaves off once a piece as large as
this one has been freed. Where PostgreSQL has another allocator this does nothing."""


class SessionState(NamedTuple):
    """What a session is, as FOUND asks for it."""

    role: str
    pid: int
    statement_milliseconds: int
    isolation: str
    synchronous_commit: str
    replication_role: str

    def unmet(self, rules: SessionRules) -> dict[str, str]:
        """Return what has to be set, and to what. Not what each transaction has to have."""
        wanted = {}
        limit = rules.statement_milliseconds
        if limit is not None and not 0 < self.statement_milliseconds <= limit:
            wanted["statement_timeout"] = f"{limit}ms"
        if self.isolation != ISOLATION:
            wanted["default_transaction_isolation"] = ISOLATION
        if self.synchronous_commit == "off":
            # What is lost in a crash was answered as done.
            wanted["synchronous_commit"] = "on"
        if self.replication_role != "origin":
            # The ledger's triggers would not fire.
            wanted["session_replication_role"] = "origin"
        if rules.role and self.role != rules.role:
            # The last: the others are set as whoever has logged in.
            wanted["role"] = rules.role
        return wanted


ISOLATION: Final = "read committed"
"""What the statements are written for; snapshots ask for more themselves."""

MILLISECONDS_OF: Final = "(extract(epoch FROM current_setting('{}')::interval) * 1000)::bigint"

FOUND: Final = f"""
SELECT current_user::text, pg_backend_pid(), {MILLISECONDS_OF.format("statement_timeout")},
    current_setting('default_transaction_isolation'), current_setting('synchronous_commit'),
    current_setting('session_replication_role')
"""


def _found(session: "psycopg.Connection[Any]") -> SessionState:
    row = session.execute(FOUND, prepare=False).fetchone()
    if row is None:
        raise psycopg.OperationalError
    return SessionState(*row)


def make_fit(session: Session, rules: SessionRules, connect: Callable[[], "psycopg.Connection[Any]"]) -> None:
    """Make a session, just connected and in autocommit, what it must be, and verify it.

    ``connect`` opens another one to the same place. Raises UnsuitableDatabase, and psycopg.Error if the database fails.
    """
    seen = _found(session)
    unmet = seen.unmet(rules)
    is_pooled = session.pgconn.backend_pid != seen.pid
    # Nothing is set where it is not needed: a pooler's other clients would get it with the connection.
    if not rules.sets_sessions or (is_pooled and not unmet):
        session.beginning = _assignments(rules.by_transaction, for_transaction=True)
        return
    if is_pooled and not keeps_what_is_set(session, connect):
        raise UnsuitableDatabase(_advice(seen, rules, unmet))
    _set(session, {**rules.by_transaction, **unmet})
    if left := _found(session).unmet(rules):
        raise UnsuitableDatabase(f"the database's sessions do not take {_listed(left)}")


_PROBE: Final = "creditd.probe"
"""A setting that means nothing to anybody: whoever is lent the connection next is not hurt."""

_READ_PROBE: Final = f"SELECT current_setting('{_PROBE}', true)"


def keeps_what_is_set(session: "psycopg.Connection[Any]", connect: Callable[[], "psycopg.Connection[Any]"]) -> bool:
    """Tell whether what is set for a session is so for its next transactions too, also beside another session's."""
    mark = uuid4().hex
    session.execute(f"SELECT set_config('{_PROBE}', %s, false)", [mark], prepare=False)

    def is_kept() -> bool:
        return session.execute(_READ_PROBE, prepare=False).fetchone() == (mark,)

    if not (is_kept() and is_kept()):
        return False
    with closing(connect()) as other:
        other.autocommit = False
        # Its transaction stays open: whatever connection it has been lent, nobody else is.
        return other.execute(_READ_PROBE, prepare=False).fetchone() != (mark,) and is_kept()


def _set(session: "psycopg.Connection[Any]", values: Mapping[str, str]) -> None:
    """Set all by one statement. Raises UnsuitableDatabase if the role is not to be had."""
    try:
        session.execute(_assignments(values, for_transaction=False), prepare=False)
    except psycopg.errors.InsufficientPrivilege as error:
        raise UnsuitableDatabase(f"{_first_line(error)}{role_advice(values.get('role', ''))}") from error
    except psycopg.errors.InvalidParameterValue as error:
        raise UnsuitableDatabase(f"{_first_line(error)}; `creditd migrate` makes it", is_lasting=False) from error


def role_advice(role: str) -> str:
    """Return what to do about a login that may not become the role."""
    return f"; the user of CREDITD_DATABASE_URL has to be a member: GRANT {role} TO that user" if role else ""


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().splitlines()[0]


def _assignments(values: Mapping[str, str], *, for_transaction: bool) -> str:
    """Return one statement that sets all of them, in order; empty for none."""
    if not values:
        return ""
    calls = (f"set_config({_literal(name)}, {_literal(value)}, {for_transaction})" for name, value in values.items())
    return f"SELECT {', '.join(calls)}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def not_kept(unmet: Mapping[str, str]) -> UnsuitableDatabase:
    """Return what to say of a session that was what it must be, and is not any more."""
    return UnsuitableDatabase(
        f"the database's sessions do not keep {_listed(unmet)}: is there a pooler? (docs/operations.md)"
    )


def _listed(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _advice(seen: SessionState, rules: SessionRules, unmet: Mapping[str, str]) -> str:
    """Return what to tell of a pooler that forgets what is set."""
    wanted = {"role": rules.role} if rules.role else {}
    wanted |= {"statement_timeout": f"{rules.statement_milliseconds}ms"} | {
        name: value for name, value in unmet.items() if name != "role"
    }
    commands = "; ".join(f"SET {name} = {_literal(_literal(value))[1:-1]}" for name, value in wanted.items())
    return (
        "the pooler lends another connection to each transaction, so that what the service sets does not hold: "
        f"it would run as {seen.role} with statement_timeout = {seen.statement_milliseconds}ms. "
        f"Have the pooler set it, as PgBouncer does with connect_query = '{commands}' (docs/operations.md)"
    )
