"""Payers and a shop's staff, who pay and refund in bursts, each of which is a storm of webhooks."""

import random
from collections.abc import Iterator
from typing import Any

from credit.v1.purchase_pb2 import Purchase
from tests.faults.payment_arena import PaymentArena
from tests.faults.payment_audit import Due
from tests.support.market import CREDITS, OMISE, PRICE, PROVIDERS

COPIES = 3
"""How often each webhook is sent, all at once."""

REFUNDED_SHARE = 0.5
UNPAID_SHARE = 0.1


class PaymentStorm:
    """Purchases, and what is due of each. They are all made before the first burst."""

    def __init__(self, place: PaymentArena, bursts: int, purchases_a_burst: int) -> None:
        """Buy at every provider in turn, for so many bursts."""
        self.dues: dict[str, Due] = {}
        self._place = place
        self._bursts = [list(self._bought(burst, purchases_a_burst)) for burst in range(bursts)]
        place.front.fakes.outgoing.mischief.repeat = COPIES

    def _bought(self, burst: int, count: int) -> Iterator[Purchase]:
        providers = list(PROVIDERS.values())
        for number in range(count):
            purchase = self._place.buy(f"buyer-{burst}", providers[number % len(providers)])
            self.dues[purchase.name] = Due(0, 0)
            yield purchase

    def burst(self, number: int) -> None:
        """Pay and refund the purchases of a burst, all at the same moment."""

        def pay_all() -> None:
            for purchase in self._bursts[number]:
                if random.random() > UNPAID_SHARE:
                    self.dues[purchase.name] = self._pay(purchase)

        self._place.act(pay_all)

    def _pay(self, purchase: Purchase) -> Due:
        fake = self._fake(purchase)
        payment = fake.pay(purchase.provider_reference)
        # What was paid by PromptPay cannot be refunded.
        if purchase.provider == OMISE or random.random() > REFUNDED_SHARE:
            return Due(CREDITS, 0)
        fake.refund(payment, PRICE // 4)
        if random.random() < REFUNDED_SHARE:
            return Due(CREDITS, CREDITS // 4)
        fake.refund(payment)
        return Due(CREDITS, CREDITS)

    def _fake(self, purchase: Purchase) -> Any:
        (name,) = (name for name, provider in PROVIDERS.items() if provider == purchase.provider)
        return getattr(self._place.front.fakes, name)
