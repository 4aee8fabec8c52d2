"""AdminService: flags that velocity rules have raised."""

from credit.v1 import account_flag_pb2 as pb
from creditd.domain.controls.account_flag import parse_flag_name
from creditd.domain.controls.velocity import VelocityKind
from creditd.server.acts import act_of
from creditd.server.authorization.policy import CHANGE_ACCOUNT
from creditd.server.flag_messages import flag_message
from creditd.server.refusals import PermissionDenied
from creditd.service.call import Call
from creditd.service.controls.account_flags import AccountFlags
from creditd.service.pages import Asked
from creditd.storage.controls.account_flags import FlagFilter


class FlagHandlers:
    """Flags, listed and cleared."""

    def __init__(self, flags: AccountFlags) -> None:
        """Act by ``flags``."""
        self._flags = flags

    async def list_account_flags(self, request: pb.ListAccountFlagsRequest, call: Call) -> pb.ListAccountFlagsResponse:
        """Answer ListAccountFlags."""
        kind = VelocityKind(request.kind) if request.kind else None
        wanted = FlagFilter(request.account_id, kind, request.show_cleared)
        page = await self._flags.page(call, wanted, Asked(request.page_size, request.page_token), flag_message)
        return pb.ListAccountFlagsResponse(account_flags=page.items, next_page_token=page.next_page_token)

    async def clear_account_flag(self, request: pb.ClearAccountFlagRequest, call: Call) -> pb.ClearAccountFlagResponse:
        """Answer ClearAccountFlag."""
        if request.activate and CHANGE_ACCOUNT.roles.isdisjoint(call.roles):
            # It would be SetAccountStatus by another name.
            allowed = ", ".join(sorted(CHANGE_ACCOUNT.roles))
            raise PermissionDenied(method="/credit.v1.AdminService/ClearAccountFlag", allowed=allowed)
        flag, call.replayed = await self._flags.clear(
            parse_flag_name(request.name), act_of(call, request), activate=request.activate
        )
        return pb.ClearAccountFlagResponse(account_flag=flag_message(flag))
