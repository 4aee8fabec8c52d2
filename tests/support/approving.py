"""Staff who ask for what has to be approved, and who approve it, in a word each; in chat credits."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from credit.v1 import approval_pb2
from credit.v1 import approval_service_pb2 as pb
from creditd.ledger.ids import uuid7
from tests.support.customer import Customer
from tests.support.service import RunningService


def approving(approval: approval_pb2.Approval, **fields: Any) -> pb.ApproveRequest:
    """Return the request to approve."""
    return pb.ApproveRequest(name=approval.name, **{"request_id": uuid7()} | fields)


def rejecting(approval: approval_pb2.Approval, **fields: Any) -> pb.RejectRequest:
    """Return the request to reject."""
    return pb.RejectRequest(name=approval.name, **{"request_id": uuid7(), "reason": "no"} | fields)


def cancelling(approval: approval_pb2.Approval, **fields: Any) -> pb.CancelApprovalRequest:
    """Return the request to take back."""
    return pb.CancelApprovalRequest(name=approval.name, **{"request_id": uuid7()} | fields)


def state_of(approval: approval_pb2.Approval) -> str:
    """Return how far an approval has come, in a word."""
    return approval_pb2.ApprovalState.Name(approval.state).removeprefix("APPROVAL_STATE_")


@dataclass
class Pair:
    """Two of FINANCE: the maker asks, the other one decides; and the customer that it is about."""

    customer: Customer
    maker: SimpleNamespace
    other: SimpleNamespace

    @property
    def service(self) -> RunningService:
        """The service that runs."""
        return self.customer.service

    def ask(self, amount: int, **fields: Any) -> approval_pb2.Approval:
        """Ask for credits to be removed."""
        answer = self.maker.admin.RemoveCredits(self.customer.removing(amount, **fields))
        assert not answer.entries
        assert not answer.balances
        approval: approval_pb2.Approval = answer.approval
        return approval

    def approve(self, approval: approval_pb2.Approval, **fields: Any) -> approval_pb2.Approval:
        """Approve."""
        approved: approval_pb2.Approval = self.other.approval.Approve(approving(approval, **fields)).approval
        return approved

    def get(self, approval: approval_pb2.Approval) -> approval_pb2.Approval:
        """Return an approval as it is now."""
        found: approval_pb2.Approval = self.other.approval.GetApproval(
            pb.GetApprovalRequest(name=approval.name)
        ).approval
        return found

    def list(self, **fields: Any) -> list[approval_pb2.Approval]:
        """Return the first page of the customer's approvals."""
        stated = {"account_id": self.customer.account_id} | fields
        return list(self.other.approval.ListApprovals(pb.ListApprovalsRequest(**stated)).approvals)
