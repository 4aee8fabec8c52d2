"""WorkflowService: what an account can have run."""

from credit.v1 import workflow_service_pb2 as pb
from creditd.domain.errors import InvalidField
from creditd.domain.workflows.workflow import parse_workflow_name
from creditd.server.acts import act_of
from creditd.server.workflow_messages import changes_from, workflow_from, workflow_message
from creditd.service.call import Call
from creditd.service.pages import Asked
from creditd.service.workflows.workflows import Workflows


class WorkflowHandlers:
    """Workflows, kept and shown."""

    def __init__(self, workflows: Workflows) -> None:
        """Act by ``workflows``."""
        self._workflows = workflows

    async def create_workflow(self, request: pb.CreateWorkflowRequest, call: Call) -> pb.CreateWorkflowResponse:
        """Answer CreateWorkflow."""
        wanted = workflow_from(request.account_id, request.workflow_id, request.workflow)
        act = act_of(call, request)
        made = await self._workflows.create(call, wanted, act, dry_run=request.validate_only)
        return pb.CreateWorkflowResponse(workflow=workflow_message(made))

    async def get_workflow(self, request: pb.GetWorkflowRequest, call: Call) -> pb.GetWorkflowResponse:
        """Answer GetWorkflow."""
        del call
        workflow = await self._workflows.get(*parse_workflow_name(request.name))
        return pb.GetWorkflowResponse(workflow=workflow_message(workflow))

    async def list_workflows(self, request: pb.ListWorkflowsRequest, call: Call) -> pb.ListWorkflowsResponse:
        """Answer ListWorkflows."""
        del call
        page = await self._workflows.page(
            request.account_id,
            Asked(request.page_size, request.page_token),
            workflow_message,
            with_archived=request.show_archived,
        )
        return pb.ListWorkflowsResponse(workflows=page.items, next_page_token=page.next_page_token)

    async def update_workflow(self, request: pb.UpdateWorkflowRequest, call: Call) -> pb.UpdateWorkflowResponse:
        """Answer UpdateWorkflow."""
        if not request.workflow.name:
            raise InvalidField(field="workflow.name", rule="required")
        changes = changes_from(request.workflow, request.update_mask.paths)
        changed = await self._workflows.update(
            call,
            *parse_workflow_name(request.workflow.name),
            changes,
            request.workflow.etag,
            act_of(call, request),
            dry_run=request.validate_only,
        )
        return pb.UpdateWorkflowResponse(workflow=workflow_message(changed))

    async def archive_workflow(self, request: pb.ArchiveWorkflowRequest, call: Call) -> pb.ArchiveWorkflowResponse:
        """Answer ArchiveWorkflow."""
        archived = await self._workflows.archive(
            call,
            *parse_workflow_name(request.name),
            request.etag,
            act_of(call, request),
            dry_run=request.validate_only,
        )
        return pb.ArchiveWorkflowResponse(workflow=workflow_message(archived))
