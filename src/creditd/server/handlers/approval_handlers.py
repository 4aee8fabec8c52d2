"""ApprovalService: a second person decides."""

from credit.v1 import approval_service_pb2 as pb
from creditd.domain.controls.approval import ApprovalKind, ApprovalState, parse_approval_name
from creditd.server.acts import act_of
from creditd.server.approval_messages import approval_message
from creditd.service.call import Call
from creditd.service.controls.approvals import Approvals
from creditd.service.pages import Asked
from creditd.storage.controls.approvals import ApprovalFilter


class ApprovalHandlers:
    """Approvals, decided and shown."""

    def __init__(self, approvals: Approvals) -> None:
        """Decide by ``approvals``."""
        self._approvals = approvals

    async def approve(self, request: pb.ApproveRequest, call: Call) -> pb.ApproveResponse:
        """Answer Approve."""
        act, key = act_of(call, request), parse_approval_name(request.name)
        approval = await self._approvals.approve(call, act, key, dry_run=request.validate_only)
        return pb.ApproveResponse(approval=approval_message(approval, self._approvals.now))

    async def reject(self, request: pb.RejectRequest, call: Call) -> pb.RejectResponse:
        """Answer Reject."""
        approval = await self._approvals.reject(call, act_of(call, request), parse_approval_name(request.name))
        return pb.RejectResponse(approval=approval_message(approval, self._approvals.now))

    async def cancel_approval(self, request: pb.CancelApprovalRequest, call: Call) -> pb.CancelApprovalResponse:
        """Answer CancelApproval."""
        approval = await self._approvals.cancel(call, act_of(call, request), parse_approval_name(request.name))
        return pb.CancelApprovalResponse(approval=approval_message(approval, self._approvals.now))

    async def get_approval(self, request: pb.GetApprovalRequest, call: Call) -> pb.GetApprovalResponse:
        """Answer GetApproval."""
        del call
        approval = await self._approvals.get(parse_approval_name(request.name))
        return pb.GetApprovalResponse(approval=approval_message(approval, self._approvals.now))

    async def list_approvals(self, request: pb.ListApprovalsRequest, call: Call) -> pb.ListApprovalsResponse:
        """Answer ListApprovals."""
        wanted = ApprovalFilter(
            request.account_id,
            ApprovalState(request.state) if request.state else None,
            ApprovalKind(request.kind) if request.kind else None,
            request.maker,
        )
        asked = Asked(request.page_size, request.page_token)
        page = await self._approvals.page(call, wanted, asked, approval_message)
        return pb.ListApprovalsResponse(approvals=page.items, next_page_token=page.next_page_token)
