"""AdminService: limits on what accounts and their spenders may spend."""

from collections.abc import Sequence

from credit.v1 import limits_pb2 as pb
from creditd.domain.instant import Instant
from creditd.domain.limits import DAY, HOUR, Limit
from creditd.domain.resource_names import id_in
from creditd.server.acts import act_of
from creditd.server.credit_messages import timestamp
from creditd.server.limit_messages import limit_message, limit_of
from creditd.server.requests import stated_version
from creditd.service.account_limits import AccountLimits
from creditd.service.call import Call


class LimitHandlers:
    """Limits, set and shown."""

    def __init__(self, limits: AccountLimits, defaults: Sequence[Limit]) -> None:
        """Show the ``defaults`` beside what an account has of its own."""
        self._limits = limits
        self._defaults = defaults

    async def set_limits(self, request: pb.SetLimitsRequest, call: Call) -> pb.SetLimitsResponse:
        """Answer SetLimits."""
        account = await self._limits.set(
            call,
            id_in(request.name),
            tuple(map(limit_of, request.limits)),
            act_of(call, request),
            version=stated_version(request),
            dry_run=request.validate_only,
        )
        return pb.SetLimitsResponse(limits=map(limit_message, account.limits), version=account.version)

    async def get_limits(self, request: pb.GetLimitsRequest, call: Call) -> pb.GetLimitsResponse:
        """Answer GetLimits."""
        del call
        account, usage, now = await self._limits.get(id_in(request.name))
        shown = [
            pb.LimitUsage(
                credit_type=key.credit_type,
                spender_id=spender_id,
                used_in_hour=count.in_hour,
                used_in_day=count.in_day,
            )
            for key, counts in sorted(usage.items(), key=lambda item: item[0])
            for spender_id, count in sorted(counts.items())
        ]
        return pb.GetLimitsResponse(
            limits=map(limit_message, account.limits),
            defaults=map(limit_message, self._defaults),
            usage=shown,
            version=account.version,
            hour_end_time=timestamp(Instant(now - now % HOUR + HOUR)),
            day_end_time=timestamp(Instant(now - now % DAY + DAY)),
        )
