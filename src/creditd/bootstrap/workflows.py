"""Workflows: the handlers of their service."""

from collections.abc import Collection

from creditd.bootstrap.core import Core
from creditd.server.handlers.workflow_handlers import WorkflowHandlers
from creditd.service.catalogue import Catalogue
from creditd.service.pages import PageTokens
from creditd.service.threads import Threads
from creditd.service.workflows.workflows import Workflows


def make_workflows(
    core: Core, catalogue: Catalogue, executors: Collection[str], threads: Threads, tokens: PageTokens
) -> tuple[object, ...]:
    """Return the handlers of WorkflowService; ``executors`` are the names of those that there are."""
    kept = Workflows(core.database, core.transactions, catalogue, executors, threads, tokens, core.make_id)
    return (WorkflowHandlers(kept),)
