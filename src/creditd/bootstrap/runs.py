"""Runs of workflows in one process: made, worked on, and shown."""

from creditd.bootstrap.core import Core
from creditd.executors.executors import Executors
from creditd.server.handlers.run_handlers import RunHandlers
from creditd.server.refusals import TooManyAtOnce
from creditd.service.pages import PageTokens
from creditd.service.threads import Threads
from creditd.service.workflows.run_keeper import RunKeeper
from creditd.service.workflows.run_starts import RunStarts
from creditd.service.workflows.run_watch import RunWatch
from creditd.service.workflows.run_worker import RunWorker
from creditd.service.workflows.runs import Runs


class RunParts:
    """Everything that runs for runs. Make it on the event loop that it is to run on."""

    def __init__(self, core: Core, executors: Executors, threads: Threads, tokens: PageTokens) -> None:
        """Build every part on ``core``; ``executors`` work."""
        keeper = RunKeeper(core.database, core.transactions, core.clock, core.rules.max_ttl)
        self._watch = RunWatch(keeper.versions, threads.watching, _refused)
        self._worker = RunWorker(keeper, executors, threads.runs, core.run_statistics, self._watch.changed)
        starts = RunStarts(executors.names, core.rules.max_ttl, core.make_id)
        runs = Runs(core.database, core.transactions, starts, threads, tokens, self._worker)
        self.handlers = (RunHandlers(runs, self._watch),)
        core.run_statistics.failures[self._watch.background.name] = self._watch.background.failures.counts

    def start(self) -> None:
        """Start what runs by itself."""
        self._worker.start()
        self._watch.background.start()

    async def close(self) -> None:
        """Leave the runs to other servers."""
        await self._watch.background.close()
        await self._worker.close()


def _refused(what: str, maximum: int) -> TooManyAtOnce:
    return TooManyAtOnce(what=what, maximum=maximum)
