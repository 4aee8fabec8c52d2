"""Approvals as messages of credit.v1."""

from credit.v1 import approval_pb2 as pb
from credit.v1 import money_pb2
from creditd.domain.controls.approval import Approval
from creditd.domain.instant import Instant
from creditd.domain.payments.purchase import purchase_name
from creditd.server.credit_messages import number, timestamp, write_figures


def approval_message(approval: Approval, now: Instant) -> pb.Approval:
    """Write an approval as it is at an instant."""
    act, maker, decision = approval.act, approval.maker, approval.decision
    message = pb.Approval(
        name=approval.name,
        account_id=act.account_id,
        kind=number(act.kind),
        state=number(approval.state_at(now)),
        amounts=[pb.ApprovalAmount(credit_type=one.credit_type, amount=one.amount) for one in act.amounts],
        reason=approval.reason,
        maker=maker.subject,
        maker_person=maker.person,
        create_time=timestamp(approval.create_time),
        expire_time=timestamp(approval.expire_time),
        staff_note=approval.note,
    )
    for balance in approval.preview:
        write_figures(message.preview.add(), act.account_id, balance)
    if act.purchase_id:
        message.purchase = purchase_name(act.purchase)
        message.money.CopyFrom(money_pb2.Money(amount=act.money or 0, currency=act.currency))
    if decision is not None:
        message.decided_by = decision.decided_by
        message.decided_by_person = decision.decided_by_person
        message.decision_reason = decision.reason
        message.decide_time.CopyFrom(timestamp(decision.decide_time))
        for balance in decision.balances:
            write_figures(message.balances.add(), act.account_id, balance)
    return message
