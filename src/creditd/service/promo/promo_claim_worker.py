"""The worker of promo claims: finishes those whose call has not, and gives back those that came to nothing."""

import logging
from typing import Final

from creditd.domain.promo.promo_claim import PromoClaim
from creditd.service.loop import driven
from creditd.service.payments.background import PASSING, Worker
from creditd.service.payments.providers import InThread
from creditd.service.promo.promo_claims import PromoClaims
from creditd.service.promo.redemptions import Redemptions

log = logging.getLogger(__name__)

CLAIMS_AT_A_TIME: Final = 16
"""Claims of one round, done one by one: they are few, and others need the threads."""

IDLE_SECONDS: Final = 1.0
"""Seconds between rounds."""


class PromoClaimWorker(Worker[PromoClaim]):
    """Finishes claims. Any number of servers may run one each."""

    def __init__(self, claims: PromoClaims, redemptions: Redemptions, in_thread: InThread) -> None:
        """Look for ``claims`` that are due."""
        super().__init__(IDLE_SECONDS, "claims of promo codes", at_once=False)
        self._claims = claims
        self._redemptions = redemptions
        self._in_thread = in_thread

    async def _claim(self) -> list[PromoClaim]:
        return await self._in_thread(lambda: self._claims.due(CLAIMS_AT_A_TIME))

    async def _attempt(self, claimed: PromoClaim) -> None:
        try:
            if claimed.purchase_id:
                await self._in_thread(lambda: self._claims.look_at_purchase(claimed))
            else:
                await driven(self._redemptions.complete(claimed))
        except PASSING as error:
            log.info("a claim of a promo code waits on: %s", type(error).__name__)
        except Exception:
            # A claim that fails is already postponed, and must not delay the others.
            log.exception("a claim of a promo code failed")
