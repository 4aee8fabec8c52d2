"""Approvals in one process: what administrators do alone, and what waits for a second person."""

from creditd.bootstrap.core import Core
from creditd.domain.controls.approval import Thresholds
from creditd.service.catalogue import Catalogue
from creditd.service.controls.approvals import Approvals, ApprovalTerms
from creditd.service.controls.approved_acts import ApprovedActs
from creditd.service.pages import PageTokens
from creditd.service.payments.reversals import Reversals
from creditd.service.threads import Threads


def make_approvals(
    core: Core, reversals: Reversals, catalogue: Catalogue, threads: Threads, tokens: PageTokens
) -> Approvals:
    """Return the approvals of a process, on its ``core``."""
    config = core.config
    thresholds = Thresholds(config.approval_credit_thresholds, config.approval_money_thresholds)
    return Approvals(
        core.database,
        core.transactions,
        ApprovedActs(reversals, core.make_id),
        ApprovalTerms(thresholds, config.approval_lifetime_seconds, config.mfa_seconds),
        catalogue,
        core.clock,
        core.make_id,
        threads,
        tokens,
    )
