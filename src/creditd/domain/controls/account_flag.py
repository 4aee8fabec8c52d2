"""Account flags: what velocity rules have found, until a person has looked at it."""

from typing import NamedTuple

from creditd.domain.controls.velocity import VelocityAction, VelocityKind
from creditd.domain.instant import Instant


class AccountFlag(NamedTuple):
    """A flag of an account: which rule was broken, by how many events, when; and who cleared it, when and why.

    ``suspended`` tells whether the account was suspended with it: not if it was not active. ``clear_time`` is None
    while the flag is open. ``activated`` tells whether the account was activated when it was cleared.
    """

    account_id: str
    flag_id: str
    kind: VelocityKind
    most: int
    window_seconds: int
    action: VelocityAction
    event_count: int
    suspended: bool
    raise_time: Instant
    clear_time: Instant | None = None
    cleared_by: str = ""
    clear_reason: str = ""
    activated: bool = False

    @property
    def name(self) -> str:
        """The resource name."""
        return flag_name(FlagKey(self.account_id, self.flag_id))


class FlagKey(NamedTuple):
    """Which flag."""

    account_id: str
    flag_id: str


def flag_name(key: FlagKey) -> str:
    """Write a flag's resource name."""
    return f"accounts/{key.account_id}/flags/{key.flag_id}"


def parse_flag_name(name: str) -> FlagKey:
    """Read a flag's resource name, whose form has been validated."""
    _, account_id, _, flag_id = name.split("/")
    return FlagKey(account_id, flag_id)
