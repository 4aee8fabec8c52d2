"""Promo codes on purchases: a use is claimed before the purchase is recorded, and named by it."""

import contextlib
from collections.abc import Callable

from creditd.domain.payments.package import Package
from creditd.domain.payments.provider import Provider
from creditd.domain.promo.promo_code import PromoProblem, promo_code_name
from creditd.domain.promo.promo_errors import PromoNotApplicable
from creditd.domain.promo.promo_text import normalised
from creditd.domain.wallet import Origin
from creditd.ledger.transaction import Transaction
from creditd.payments.limits import limits_of
from creditd.service.payments.packages import on_sale
from creditd.service.promo.promo_claims import Offer, PromoClaims
from creditd.service.promo.redemptions import LEFT_TO_THE_WORKER
from creditd.service.threads import Bulkhead
from creditd.storage.database import Database
from creditd.storage.payments import packages, purchases


class PurchasePromos:
    """Claims uses of codes for purchases."""

    def __init__(self, database: Database, claims: PromoClaims, in_thread: Bulkhead) -> None:
        """Claim by ``claims``, on threads that no purchase without a code waits for."""
        self._database = database
        self._claims = claims
        self._in_thread = in_thread

    async def claim(
        self,
        account_id: str,
        package_id: str,
        written: str,
        provider: Provider,
        origin: Origin,
        require_supported: Callable[[Package], None],
    ) -> Offer | None:
        """Claim a use of a code for the purchase of a package; None if the request id is known.

        What the provider would not take by ``require_supported`` is refused before. Raises what that raises,
        PackageNotFound, PackageRetired, and as ``PromoClaims.claim_for_purchase`` does.
        """

        def require_taken(package: Package) -> None:
            if not limits_of(provider, package.currency).takes(package.amount):
                problem = PromoProblem.PRICE_NOT_TAKEN.name
                raise PromoNotApplicable(promo_code=promo_code_name(normalised(written)), problem=problem)
            require_supported(package)

        def claim() -> Offer | None:
            with self._database.autocommit() as connection:
                if purchases.find_by_request(connection, account_id, origin.request_id or ""):
                    return None
                package = on_sale(packages.find(connection, package_id), package_id)
            return self._claims.claim_for_purchase(account_id, written, package, origin, require_taken)

        return await self._in_thread(claim, owner=f"promoCodes/{normalised(written[:64])}")

    def require_first(self, transaction: Transaction, offer: Offer) -> None:
        """Raise PromoNotApplicable for a code for first purchases whose purchase is not one; the account is held."""
        self._claims.require_first(transaction, offer)

    async def drop(self, offer: Offer) -> None:
        """Give back what was claimed for a purchase that was refused, at once if that can be done."""
        with contextlib.suppress(*LEFT_TO_THE_WORKER):
            await self._in_thread(lambda: self._claims.look_at_purchase(offer.claim), owner=offer.code.name)
