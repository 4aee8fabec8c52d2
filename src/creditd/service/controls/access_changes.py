"""Changes of access: one after the other, and each by whoever may make it at that moment."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from creditd.domain.controls.access import RoleGrant, ServiceAccount
from creditd.domain.controls.audit_event import Act
from creditd.domain.instant import Instant
from creditd.ledger.clock import DatabaseClock
from creditd.service.threads import Threads
from creditd.storage.controls import access, audit
from creditd.storage.database import Connection, Database
from creditd.storage.requests import ClaimKind, Row, once

Changed = TypeVar("Changed", bound=Row)

Change = Callable[[Connection, Instant], Changed]
"""Makes a change at an instant, within a transaction that nobody else changes access in."""


class Mandate(NamedTuple):
    """By what an actor changes access.

    ``grantee`` is the name that it is given roles by. ``require`` raises PermissionDenied unless the roles that it has
    by its token, together with those that are stored, suffice: its grants in force, its service account if there is
    one of its id, and the instant.
    """

    grantee: str
    require: Callable[[Sequence[RoleGrant], ServiceAccount | None, Instant], None]


class AccessChanges:
    """Makes changes of access. Each server is told, this one by ``changed``.

    What a server holds in memory may be seconds old. Whoever lost a role meanwhile is not to use it for giving it back,
    so that the mandate of each change is looked at again where nobody else can change it.
    """

    def __init__(
        self,
        database: Database,
        clock: DatabaseClock,
        make_id: Callable[[], str],
        threads: Threads,
        changed: Callable[[], object],
    ) -> None:
        """Make them in ``database``. ``changed`` is called on one of the ``threads``."""
        self._database = database
        self._clock = clock
        self.make_id = make_id
        self._threads = threads
        self._changed = changed

    async def once(
        self, act: Act, mandate: Mandate, kind: ClaimKind, change: Change[Changed], read: Callable[..., Changed]
    ) -> tuple[Changed, bool]:
        """Make a change once for its request id; tell whether it was made before.

        ``read`` makes what the change returned of its fields. Raises PermissionDenied, RequestIdReused, and what the
        change raises.
        """
        return await self._threads.changes.submit(lambda: self._once(act, mandate, kind, change, read))

    def _once(
        self, act: Act, mandate: Mandate, kind: ClaimKind, change: Change[Changed], read: Callable[..., Changed]
    ) -> tuple[Changed, bool]:
        with self._database.transaction() as connection:
            done = once(
                connection,
                act.origin,
                kind,
                self._clock.now(),
                lambda: self._make(connection, act, mandate, change),
                lambda fields: read(**fields),
            )
        self._changed()
        return done

    def _make(self, connection: Connection, act: Act, mandate: Mandate, change: Change[Changed]) -> Changed:
        access.lock(connection)
        # Not sooner: what is in force is asked at an instant at which nobody else changes it any more.
        now = self._clock.now()
        access.remove_ended(connection, now)
        held = access.held_by(connection, mandate.grantee, now)
        mandate.require(held, access.find_service_account(connection, act.origin.actor), now)
        access.note_person(connection, mandate.grantee, act.person)
        return change(connection, now)

    def tell(self, connection: Connection, act: Act, now: Instant, target: str, before: Row | None, after: Row) -> None:
        """Tell the audit log and every server of a change of what has the resource name ``target``."""
        was = before._asdict() if before else None
        audit.append(connection, act.done(self.make_id(), now, target, before=was, after=after._asdict()))
        access.raise_version(connection)
