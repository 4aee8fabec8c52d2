"""PromoService: promo codes made, listed, ended and redeemed."""

from credit.v1 import promo_service_pb2 as pb
from creditd.domain.promo.promo_code import PromoCodeState, PromoKind
from creditd.domain.promo.promo_text import normalised
from creditd.domain.resource_names import id_in
from creditd.server.acts import act_of
from creditd.server.credit_messages import balance_after, entry_message
from creditd.server.promo_messages import promo_code_message, terms_from
from creditd.server.requests import origin
from creditd.service.call import Call
from creditd.service.pages import Asked
from creditd.service.promo.promo_codes import PromoCodes
from creditd.service.promo.redemptions import Redemptions
from creditd.storage.promo.promo_codes import PromoFilter


class PromoHandlers:
    """Promo codes."""

    def __init__(self, codes: PromoCodes, redemptions: Redemptions) -> None:
        """Administer ``codes``, and redeem them by ``redemptions``."""
        self._codes = codes
        self._redemptions = redemptions

    async def create_promo_code(self, request: pb.CreatePromoCodeRequest, call: Call) -> pb.CreatePromoCodeResponse:
        """Answer CreatePromoCode."""
        act, terms = act_of(call, request), terms_from(request.terms)
        made, call.replayed = await self._codes.create(request.display_code, terms, act, dry_run=request.validate_only)
        return pb.CreatePromoCodeResponse(promo_code=promo_code_message(made, self._codes.now))

    async def generate_promo_codes(
        self, request: pb.GeneratePromoCodesRequest, call: Call
    ) -> pb.GeneratePromoCodesResponse:
        """Answer GeneratePromoCodes."""
        series_id, display_codes, call.replayed = await self._codes.generate(
            request.prefix,
            request.count,
            terms_from(request.terms),
            act_of(call, request),
            dry_run=request.validate_only,
        )
        return pb.GeneratePromoCodesResponse(series_id=series_id, display_codes=display_codes)

    async def get_promo_code(self, request: pb.GetPromoCodeRequest, call: Call) -> pb.GetPromoCodeResponse:
        """Answer GetPromoCode."""
        del call
        found = await self._codes.get(id_in(request.name))
        return pb.GetPromoCodeResponse(promo_code=promo_code_message(found, self._codes.now))

    async def list_promo_codes(self, request: pb.ListPromoCodesRequest, call: Call) -> pb.ListPromoCodesResponse:
        """Answer ListPromoCodes."""
        wanted = PromoFilter(
            # What is no code at all is nobody's.
            (normalised(request.code) or "-") if request.code else "",
            request.series_id,
            PromoKind(request.kind) if request.kind else None,
            PromoCodeState(request.state) if request.state else None,
        )
        asked, now = Asked(request.page_size, request.page_token), self._codes.now
        page = await self._codes.page(call.subject, wanted, asked, lambda code: promo_code_message(code, now))
        return pb.ListPromoCodesResponse(promo_codes=page.items, next_page_token=page.next_page_token)

    async def end_promo_code(self, request: pb.EndPromoCodeRequest, call: Call) -> pb.EndPromoCodeResponse:
        """Answer EndPromoCode."""
        ended, call.replayed = await self._codes.end(id_in(request.name), act_of(call, request))
        return pb.EndPromoCodeResponse(promo_code=promo_code_message(ended, self._codes.now))

    async def redeem_promo_code(self, request: pb.RedeemPromoCodeRequest, call: Call) -> pb.RedeemPromoCodeResponse:
        """Answer RedeemPromoCode."""
        by = origin(call, request, "")
        outcome = await self._redemptions.redeem(call, request.account_id, request.code, by)
        (entry,) = outcome.entries
        return pb.RedeemPromoCodeResponse(entry=entry_message(entry), balance=balance_after(entry))
