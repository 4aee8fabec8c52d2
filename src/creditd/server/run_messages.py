"""Runs as messages of credit.v1."""

from credit.v1 import run_pb2 as pb
from creditd.domain.workflows.run import Run, RunState
from creditd.domain.workflows.workflow import workflow_name
from creditd.server.credit_messages import number, timestamp


def run_message(run: Run) -> pb.Run:
    """Write a run as it is."""
    message = pb.Run(
        name=run.name,
        workflow=workflow_name(run.account_id, run.workflow_id),
        state=number(run.state),
        reservation=run.hold_name,
        credit_type=run.credit_type,
        held_amount=run.held_amount,
        used_amount=run.used_amount,
        input=run.input,
        output=run.output,
        attempts=run.attempts,
        spender_id=run.spender_id,
        reason=run.reason,
        create_time=timestamp(run.create_time),
        update_time=timestamp(run.update_time),
        deadline=timestamp(run.deadline),
    )
    if run.progress_percent is not None or run.progress_message:
        message.progress.message = run.progress_message
        if run.progress_percent is not None:
            message.progress.percent = run.progress_percent
    if run.state is RunState.FAILED:
        message.failure.reason = run.failure_reason
        message.failure.message = run.failure_message
    if run.end_time is not None:
        message.end_time.CopyFrom(timestamp(run.end_time))
    return message
