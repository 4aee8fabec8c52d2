"""Refusals about approvals by a second person."""

from creditd.domain.errors import Refusal


class ApprovalNotFound(Refusal):
    """The account has no such approval. Facts: approval."""

    reason = "APPROVAL_NOT_FOUND"


class ApprovalDecided(Refusal):
    """Somebody has decided already. Facts: approval, state."""

    reason = "APPROVAL_DECIDED"


class ApprovalExpired(Refusal):
    """Nobody has decided in time. Facts: approval, expire_time."""

    reason = "APPROVAL_EXPIRED"


class OwnApproval(Refusal):
    """The caller, or the person behind it, has asked for it, and cannot decide on it. Facts: approval."""

    reason = "OWN_APPROVAL"


class NotOwnApproval(Refusal):
    """Another one has asked for it, and only that one takes it back. Facts: approval."""

    reason = "NOT_OWN_APPROVAL"


class RoleLost(Refusal):
    """Who has asked for it, or decides on it, has lost the role for it meanwhile. Facts: subject."""

    reason = "ROLE_LOST"
