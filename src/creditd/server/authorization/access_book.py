"""What is stored of everybody's access, held whole in memory: asked by each call, by a look-up in a dictionary.

A token says who calls, and what its issuer knows of that. The book adds the roles that were granted here, and what a
service account may do. It is replaced as a whole, so that no call ever sees half of a change.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from creditd.domain.controls.access import SERVICE, RoleGrant, ServiceAccount, counted, grantee_of, is_of_service
from creditd.domain.instant import Instant
from creditd.domain.resource_names import id_in
from creditd.server.authentication.callers import Caller
from creditd.server.authorization.allow_lists import in_both
from creditd.storage.controls.access import StoredAccess

MAX_KNOWN: Final = 64
"""Tokens of one subject whose callers are remembered as they came out. A service has one for each of its processes."""

_NOTHING: Final[frozenset[str]] = frozenset()


class _Known(NamedTuple):
    """A caller as its token says, as the book has completed it, and until when that holds; None until the next book."""

    stated: Caller
    completed: Caller
    end: Instant | None


class _Holding:
    """All that is stored of one subject: as a person's, and as a service account's."""

    __slots__ = ("account", "grants", "known", "service_grants")

    def __init__(
        self, grants: Sequence[RoleGrant], service_grants: Sequence[RoleGrant], account: ServiceAccount | None
    ) -> None:
        self.grants = tuple(grants)
        self.service_grants = tuple(service_grants)
        self.account = account
        # By the identity of the caller, which the verifier returns again and again for one token: to hash it would take
        # longer than all else. What has the same identity and is another one is seen to be so.
        self.known: dict[int, _Known] = {}

    def counted(self, stated: Caller, now: Instant) -> list[RoleGrant]:
        """Return the grants that count for a caller."""
        grants = self.service_grants if SERVICE in stated.roles else self.grants
        return counted_of(stated, grants, self.account, now)

    def complete(self, stated: Caller, now: Instant) -> Caller:
        """Return a caller with what is stored of it, and remember it."""
        grants = self.counted(stated, now)
        completed = completed_by(stated, grants, self.account)
        if len(self.known) >= MAX_KNOWN:
            self.known.clear()
        end = min((grant.expire_time for grant in grants if grant.expire_time is not None), default=None)
        self.known[id(stated)] = _Known(stated, completed, end)
        return completed


def counted_of(
    stated: Caller, grants: Iterable[RoleGrant], account: ServiceAccount | None, now: Instant
) -> list[RoleGrant]:
    """Return those of a caller's stored grants that count."""
    return counted(grants, account, stated.subject, stated.person, now, is_service=SERVICE in stated.roles)


def completed_by(stated: Caller, grants: Iterable[RoleGrant], account: ServiceAccount | None) -> Caller:
    """Return a caller with the grants that count, and with what its service account may do, if it is a service."""
    roles = stated.roles.union(grant.role for grant in grants)
    completed = stated._replace(person=_person_of(stated, account), roles=roles)
    return completed if account is None or SERVICE not in stated.roles else _as_service(completed, account)


def _person_of(stated: Caller, account: ServiceAccount | None) -> str:
    """Return who stands behind a caller: as its token says, or else, if it is a service, its service account."""
    is_unsaid = account is not None and SERVICE in stated.roles and stated.person == stated.subject
    return account.person if account is not None and is_unsaid else stated.person


def _as_service(caller: Caller, account: ServiceAccount) -> Caller:
    if account.disabled:
        return caller._replace(roles=_NOTHING, scopes=_NOTHING)
    accounts = in_both(caller.accounts, account.accounts)
    return caller._replace(scopes=caller.scopes.union(account.scopes), accounts=accounts)


class AccessBook:
    """The book. Any thread may ask it; one replaces it."""

    def __init__(self, clock: Callable[[], Instant]) -> None:
        """Begin with nothing stored. ``clock`` ends temporary roles, to the microsecond and without a new book."""
        self._clock = clock
        self._stored: StoredAccess | None = None
        self._holdings: Mapping[str, _Holding] = {}
        self._certificates: Mapping[str, str] = {}
        self.counts_raises = True
        """Whether what is stored raises anybody; see ``stop_raises``."""

    @property
    def version(self) -> int | None:
        """The version of what it holds; None before the first."""
        return None if self._stored is None else self._stored.version

    def complete(self, caller: Caller) -> Caller:
        """Return a caller with the roles, scopes and accounts that are stored of it."""
        holding = self._holdings.get(caller.subject)
        if holding is None:
            return caller
        known = holding.known.get(id(caller))
        if known is not None and known[0] is caller:
            end = known[2]
            if end is None or self._clock() < end:
                return known[1]
        return holding.complete(caller, self._clock())

    def grants_of(self, stated: Caller) -> list[RoleGrant]:
        """Return the role grants that count at this moment for a caller, as its token says who that is."""
        holding = self._holdings.get(stated.subject)
        return [] if holding is None else holding.counted(stated, self._clock())

    def service_account_of(self, certificate_name: str) -> str | None:
        """Return the id of the service account whose certificates have a name, or None."""
        return self._certificates.get(certificate_name)

    def replace(self, stored: StoredAccess) -> None:
        """Hold this from now on, and count its raises."""
        self._stored = stored
        self._hold(stored)
        self._certificates = {
            name: account.service_account_id
            for account in stored.service_accounts
            for name in account.certificate_names
            if not account.disabled
        }
        self.counts_raises = True

    def stop_raises(self) -> None:
        """Count nothing any more that raises anybody: it may have been taken back. What limits them goes on."""
        if self._stored is not None and self.counts_raises:
            accounts = [account._replace(scopes=()) for account in self._stored.service_accounts]
            self._hold(StoredAccess(self._stored.version, [], accounts))
        self.counts_raises = False

    def resume_raises(self) -> None:
        """Count them again: what is held is what is stored."""
        if self._stored is not None and not self.counts_raises:
            self._hold(self._stored)
        self.counts_raises = True

    def _hold(self, stored: StoredAccess) -> None:
        grants: dict[str, list[RoleGrant]] = defaultdict(list)
        for grant in stored.role_grants:
            grants[grant.subject].append(grant)
        accounts = {account.service_account_id: account for account in stored.service_accounts}
        subjects = {id_in(name) if is_of_service(name) else name for name in grants} | accounts.keys()
        self._holdings = {
            subject: _Holding(
                grants.get(grantee_of(subject, is_service=False), ()),
                grants.get(grantee_of(subject, is_service=True), ()),
                accounts.get(subject),
            )
            for subject in subjects
        }
