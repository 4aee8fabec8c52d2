"""Rate limits: how many calls a caller may make in a minute, counted in memory where they are served.

Other processes count the same callers. What is exchanged with them (:mod:`creditd.server.shared_counts`) is put into
the windows beforehand, so that a call asks nobody.
"""

from collections.abc import Callable, Mapping
from math import ceil
from typing import Final, NamedTuple

from creditd.call_windows import MAX_WINDOWS, Window, Windows
from creditd.server.authentication.callers import Caller
from creditd.server.peers import place_of_peer
from creditd.server.refusals import RateLimited

STAFF: Final = frozenset({"SUPPORT", "FINANCE", "ADMIN", "SUPER_ADMIN"})


class CallLimits(NamedTuple):
    """Calls a minute; 0 for no limit. ``methods`` are by full name, such as ``credit.v1.CreditService/Reserve``."""

    user: int = 0
    premium: int = 0
    staff: int = 0
    service: int = 0
    address: int = 0
    methods: Mapping[str, int] = {}


class RateLimits:
    """The windows of all callers of one process.

    Used by several threads without a lock: two calls of one caller at the very same moment may be counted as one.
    """

    def __init__(self, limits: CallLimits, clock: Callable[[], float], most: int = MAX_WINDOWS) -> None:
        """Count by these limits, on a clock that tells seconds and never goes back; keep up to ``most`` windows."""
        self._limits = limits
        self._clock = clock
        self._offset = 0.0
        self._windows = Windows(most)
        self._most = most
        # Those that have called since they were last exchanged, the first of them first; None where nothing is.
        self._called: dict[str, Window] | None = None

    @property
    def counted(self) -> int:
        """How many callers, addresses, and methods of a caller have a window."""
        return len(self._windows)

    @property
    def waiting(self) -> int:
        """How many of them have called since they were last exchanged."""
        return len(self._called or ())

    def align(self, seconds: float) -> None:
        """Have minutes begin when they do elsewhere, where it is ``seconds`` now, and note from now on who calls.

        To be called once, before any ``called``, with a time that is later than any of the clock so far. What was
        counted before is forgotten.
        """
        self._offset = seconds - self._clock()
        self._called = {}

    def called(self, most: int) -> list[tuple[str, Window]]:
        """Return up to ``most`` of those that have called since they were returned last, the first of them first."""
        noted = self._called or {}
        # Both are one step for other threads. What is counted after it was taken off is noted again.
        return [(name, noted.pop(name)) for name in list(noted)[:most]]

    def of_method(self, method: str) -> int:
        """Return the limit of a method by its path, such as ``/credit.v1.CreditService/Reserve``; 0 for none."""
        return self._limits.methods.get(method.removeprefix("/"), 0)

    def take(self, caller: Caller, peer: str, method: str, of_method: int) -> None:
        """Count a call whose method has the limit ``of_method``. Raises RateLimited.

        What one limit refuses may have counted for another: a caller's own limits are asked first, so that one who is
        beyond them uses up nothing of others at the same address. A service has no limit by its address, behind
        which it has callers of its own.
        """
        is_service = "SERVICE" in caller.roles
        limit = self._limits.service if is_service else self._limit_of(caller.roles)
        if limit:
            self._take(caller.subject, limit, "caller")
        if of_method:
            self._take(f"{caller.subject}\0{method}", of_method, "method")
        if not caller.roles:
            self.take_stranger(peer)
        elif self._limits.address and not is_service:
            # No subject has a NUL character.
            self._take(f"\0{place_of_peer(peer)}", self._limits.address, "address")

    def take_stranger(self, peer: str) -> None:
        """Count a call of somebody unknown by the address that it comes from. Raises RateLimited.

        Strangers are counted apart, so that they do not keep out those who are known at their address.
        """
        if self._limits.address:
            self._take(f"\0\0{place_of_peer(peer)}", self._limits.address, "address")

    def _limit_of(self, roles: frozenset[str]) -> int:
        if not STAFF.isdisjoint(roles):
            return self._limits.staff
        if "PREMIUM" in roles:
            return self._limits.premium
        # Whoever calls without a token has the limit of the address, and of the method.
        return self._limits.user if roles else 0

    def _take(self, name: str, limit: int, by: str) -> None:
        now = self._clock() + self._offset
        window = self._windows.of(name, now)
        wait = window.take(limit, now)
        noted = self._called
        if noted is not None and len(noted) < self._most:
            noted[name] = window
        if wait:
            raise RateLimited(by=by, limit=limit, retry_seconds=ceil(wait))
