"""Promo codes in one process: administered, redeemed, and their claims finished."""

from creditd.bootstrap.core import Core
from creditd.server.handlers.promo_handlers import PromoHandlers
from creditd.service.catalogue import Catalogue
from creditd.service.credits import Credits
from creditd.service.pages import PageTokens
from creditd.service.promo.promo_claim_worker import PromoClaimWorker
from creditd.service.promo.promo_claims import PromoClaims
from creditd.service.promo.promo_codes import PromoCodes
from creditd.service.promo.redemptions import Redemptions
from creditd.service.threads import Threads


class Promos:
    """Everything that runs for promo codes, but for purchases with one.

    Make it on the event loop that it is to run on.
    """

    def __init__(
        self,
        core: Core,
        claims: PromoClaims,
        catalogue: Catalogue,
        threads: Threads,
        tokens: PageTokens,
        credits: Credits,
    ) -> None:
        """Build every part on ``core``; what is redeemed is given by ``credits``."""
        redemptions = Redemptions(claims, credits, threads)
        codes = PromoCodes(core.database, catalogue, core.clock, core.make_id, threads, tokens)
        self.handlers = (PromoHandlers(codes, redemptions),)
        self.background = PromoClaimWorker(claims, redemptions, threads.background).background
        core.payment_statistics.failures[self.background.name] = self.background.failures.counts
