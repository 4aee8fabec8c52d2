"""Why usage is not told."""

from creditd.domain.errors import Refusal


class UsageBehind(Refusal):
    """So many movements are not added up yet that they cannot be read one by one."""

    reason = "USAGE_BEHIND"
