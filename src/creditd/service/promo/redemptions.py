"""Redemptions: codes that give credits by themselves, redeemed for accounts (requirement F2)."""

import contextlib
from typing import Final

from creditd.domain.commands import Add
from creditd.domain.entry import Entry, EntryKind
from creditd.domain.errors import Refusal, RequestIdReused
from creditd.domain.grants import Source
from creditd.domain.promo.promo_claim import PromoClaim
from creditd.domain.promo.promo_text import normalised
from creditd.domain.wallet import Origin, WalletKey
from creditd.ledger.work import DatabaseUnavailable, Outcome, Overloaded, ShuttingDown, VersionConflict
from creditd.service.call import Call, metadata_text
from creditd.service.credits import Credits
from creditd.service.promo.promo_claims import PromoClaims
from creditd.service.threads import Threads

LEFT_TO_THE_WORKER: Final = (DatabaseUnavailable, Overloaded, ShuttingDown, VersionConflict)
"""What may keep a claim from being finished here; it is looked at again within a minute."""


class Redemptions:
    """Redeems codes: a use is claimed by the code, and its credits are given by the account.

    Nothing is awaited but tickets. Calls for one code have half of the threads at most, so that one that everybody
    wants keeps nobody from another.
    """

    def __init__(self, claims: PromoClaims, credits: Credits, threads: Threads) -> None:
        """Claim by ``claims``, and add ``credits``."""
        self._claims = claims
        self._credits = credits
        self._threads = threads

    async def redeem(self, call: Call, account_id: str, written: str, origin: Origin) -> Outcome:
        """Redeem a code, however it is written, for an account, which is opened if it was never seen.

        The same request id has the same answer. Raises as ``PromoClaims.claim_credits`` and the ledger do. Whoever
        gives up meanwhile may find the credits there all the same: what was claimed is given, or goes back to the code.
        """
        owner = f"promoCodes/{normalised(written[:64])}"
        claimed = await self._threads.promos.submit(
            lambda: self._claims.claim_credits(account_id, written, origin), owner=owner
        )
        if isinstance(claimed, Entry):
            return await self._credits.perform(call, *_repeat(claimed, origin))
        try:
            outcome = await self._credits.perform(call, *grant_of(claimed))
        except Refusal:
            with contextlib.suppress(*LEFT_TO_THE_WORKER):
                await self._threads.promos.submit(lambda: self._claims.return_credits(claimed), owner=owner)
            raise
        with contextlib.suppress(*LEFT_TO_THE_WORKER):
            await self._threads.promos.submit(lambda: self._claims.finish(claimed), owner=owner)
        return outcome

    async def complete(self, claimed: PromoClaim) -> None:
        """Give what was claimed, or give the use back where the account does not take it. Raises as the ledger does."""
        call = Call(claimed.actor, opens=True)
        try:
            outcome = await self._credits.perform(call, *grant_of(claimed))
        except RequestIdReused:
            # For something else, or to be given back: the credits cannot come any more.
            await self._threads.background.submit(lambda: self._claims.give_back(claimed))
        except Refusal:
            await self._threads.background.submit(lambda: self._claims.return_credits(claimed))
        else:
            is_ours = any(part.grant_id == claimed.grant_id for part in outcome.entries[0].slices)
            end = self._claims.finish if is_ours else self._claims.give_back
            await self._threads.background.submit(lambda: end(claimed))


def grant_of(claimed: PromoClaim) -> tuple[WalletKey, Add]:
    """Return the wallet and the command by which an account gets what was claimed for it."""
    metadata = metadata_text({"promo_code": f"promoCodes/{claimed.code}"})
    origin = Origin(claimed.actor, claimed.request_id, claimed.fingerprint, "", metadata)
    return WalletKey(claimed.account_id, claimed.credit_type), Add(
        origin, EntryKind.PROMO, claimed.grant_id, Source.PROMO, claimed.value, claimed.grant_expire_time
    )


_NO_GRANT: Final = "00000000-0000-0000-0000-000000000000"
"""Of a command whose request id is known: the ledger repeats what was answered, or refuses it."""


def _repeat(brought: Entry, origin: Origin) -> tuple[WalletKey, Add]:
    key = WalletKey(brought.account_id, brought.credit_type)
    return key, Add(origin, EntryKind.PROMO, _NO_GRANT, Source.PROMO, brought.amount)
