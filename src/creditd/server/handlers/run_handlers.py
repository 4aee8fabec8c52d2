"""WorkflowService: workflows run, and their runs shown, watched and given up."""

from collections.abc import AsyncGenerator

from credit.v1 import workflow_service_pb2 as pb
from creditd.domain.workflows.run import RunState, parse_run_name
from creditd.domain.workflows.workflow import parse_workflow_name
from creditd.server.requests import origin
from creditd.server.run_messages import run_message
from creditd.service.call import Call, require_text
from creditd.service.pages import Asked
from creditd.service.workflows.run_starts import WantedRun
from creditd.service.workflows.run_watch import RunWatch
from creditd.service.workflows.runs import Runs
from creditd.storage.workflows.runs import RunFilter


class RunHandlers:
    """Runs of workflows."""

    def __init__(self, runs: Runs, watch: RunWatch) -> None:
        """Act by ``runs``, and stream what ``watch`` sees."""
        self._runs = runs
        self._watch = watch

    async def run_workflow(self, request: pb.RunWorkflowRequest, call: Call) -> pb.RunWorkflowResponse:
        """Answer RunWorkflow."""
        wanted = WantedRun(*parse_workflow_name(request.name), request.input, request.spender_id)
        by = origin(call, request, request.reason)
        run, call.replayed = await self._runs.run(wanted, by, dry_run=request.validate_only)
        return pb.RunWorkflowResponse(run=run_message(run))

    async def get_run(self, request: pb.GetRunRequest, call: Call) -> pb.GetRunResponse:
        """Answer GetRun."""
        del call
        return pb.GetRunResponse(run=run_message(await self._runs.get(parse_run_name(request.name))))

    async def list_runs(self, request: pb.ListRunsRequest, call: Call) -> pb.ListRunsResponse:
        """Answer ListRuns."""
        del call
        wanted = RunFilter(request.account_id, request.workflow_id, RunState(request.state) if request.state else None)
        page = await self._runs.page(wanted, Asked(request.page_size, request.page_token), run_message)
        return pb.ListRunsResponse(runs=page.items, next_page_token=page.next_page_token)

    async def cancel_run(self, request: pb.CancelRunRequest, call: Call) -> pb.CancelRunResponse:
        """Answer CancelRun."""
        require_text("reason", request.reason)
        by = origin(call, request, request.reason)
        run, call.replayed = await self._runs.cancel(parse_run_name(request.name), request.reason, by)
        return pb.CancelRunResponse(run=run_message(run))

    async def watch_run(self, request: pb.WatchRunRequest, call: Call) -> AsyncGenerator[pb.WatchRunResponse]:
        """Answer WatchRun."""
        key = parse_run_name(request.name)
        with self._watch.watched(key, call.subject) as watched:
            run = await self._runs.get(key)
            yield pb.WatchRunResponse(run=run_message(run))
            while run.is_open:
                await watched.moved_beyond(run.version)
                run = await self._runs.get(key)
                yield pb.WatchRunResponse(run=run_message(run))
