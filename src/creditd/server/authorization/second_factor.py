"""Who has shown a second factor, and when it has to be recent (requirement D5)."""

from collections.abc import Callable
from typing import NamedTuple

from creditd.domain.controls.access import SUPER_ADMIN
from creditd.server.authentication.callers import Caller
from creditd.server.authorization.policy import Rule, authorize
from creditd.server.refusals import MfaRequired, PermissionDenied


class SecondFactor(NamedTuple):
    """How old a second factor may be, in seconds, by a clock that tells the seconds since the Unix epoch."""

    maximum_seconds: float
    clock: Callable[[], float]

    def end(self, caller: Caller) -> float | None:
        """Return until when the one that a caller has shown is recent; None if it has shown none that is."""
        end = caller.mfa_time + self.maximum_seconds
        return end if caller.mfa_time and self.clock() < end else None

    def require_where_needed(self, rule: Rule, caller: Caller, account_id: str | None) -> None:
        """Raise MfaRequired if an allowed call needs a recent one, and its caller has shown none.

        It is needed where the rule says so, and for what a caller may do by the role SUPER_ADMIN alone.
        """
        if (rule.needs_second_factor or _is_by_super_admin_alone(rule, caller, account_id)) and self.end(
            caller
        ) is None:
            raise MfaRequired(maximum_seconds=int(self.maximum_seconds))


def _is_by_super_admin_alone(rule: Rule, caller: Caller, account_id: str | None) -> bool:
    try:
        authorize(rule, caller._replace(roles=caller.roles - {SUPER_ADMIN}), account_id)
    except PermissionDenied:
        return True
    return False
