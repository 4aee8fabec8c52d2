"""Refusals about the flags of velocity rules."""

from creditd.domain.errors import Refusal


class AccountFlagNotFound(Refusal):
    """The account has no such flag. Facts: account_flag."""

    reason = "ACCOUNT_FLAG_NOT_FOUND"


class AccountFlagCleared(Refusal):
    """The flag is cleared already. Facts: account_flag, cleared_by."""

    reason = "ACCOUNT_FLAG_CLEARED"
