"""Flags of velocity rules as messages of credit.v1."""

from credit.v1 import account_flag_pb2 as pb
from creditd.domain.controls.account_flag import AccountFlag
from creditd.server.credit_messages import timestamp


def flag_message(flag: AccountFlag) -> pb.AccountFlag:
    """Write a flag."""
    message = pb.AccountFlag(
        name=flag.name,
        account_id=flag.account_id,
        kind=flag.kind,  # type: ignore[arg-type]
        most=flag.most,
        window_seconds=flag.window_seconds,
        action=flag.action,  # type: ignore[arg-type]
        event_count=flag.event_count,
        suspended=flag.suspended,
        raise_time=timestamp(flag.raise_time),
        cleared_by=flag.cleared_by,
        clear_reason=flag.clear_reason,
        activated=flag.activated,
    )
    if flag.clear_time is not None:
        message.clear_time.CopyFrom(timestamp(flag.clear_time))
    return message
