"""Whatever a provider says, applied to what it is about."""

from creditd.domain.payment_event import PaymentEvent
from creditd.domain.subscription import Subscription
from creditd.payments.provider import Said
from creditd.service.payments.settlement import Applied, Settlement
from creditd.service.payments.subscriptions import Subscriptions


class Applier:
    """Applies reports to purchases, and subscriptions to plans."""

    def __init__(self, settling: Settlement, subscriptions: Subscriptions) -> None:
        """Apply by these two."""
        self._settling = settling
        self._subscriptions = subscriptions

    def apply(self, said: Said, actor: str, reason: str, event: PaymentEvent | None = None) -> Applied:
        """Apply what was said, and write in the same commit what became of the ``event`` that said it.

        Blocks. Raises as :meth:`Settlement.apply` and :meth:`Subscriptions.apply`.
        """
        if isinstance(said, Subscription):
            return self._subscriptions.apply(said, actor, reason, event)
        return self._settling.apply(said, actor, reason, event)
