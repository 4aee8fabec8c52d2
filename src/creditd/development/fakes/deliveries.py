"""Webhooks on their way out of the fake providers: delivered, tried again, and on demand lost, doubled or jumbled."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

Make = Callable[[], tuple[Mapping[str, str], bytes]]
"""Makes a webhook's headers and body. Called anew for each try, so that a signature's time is that of the try."""

PAUSES_SECONDS: Final[Mapping[str, Sequence[float]]] = {
    "stripe": (1, 2, 4, 8, 16, 32, *(60,) * 14),
    "omise": (),
    "lemonsqueezy": (5, 25, 125),
}
"""The pauses between a provider's tries, so that their number is one more.

Stripe tries for up to three days with growing pauses, here for a quarter of an hour: https://docs.stripe.com/webhooks.
Lemon Squeezy tries up to three times more, after 5, 25 and 125 seconds:
https://docs.lemonsqueezy.com/help/webhooks/webhook-requests. Omise promises no second try.
"""

ANSWER_SECONDS: Final = 10.0
"""How long an answer is waited for; the providers' own limits lie between five and thirty."""

AT_ONCE: Final = 50
"""Tries at a time: enough for a storm. With many more that wait for a connection, httpx takes their square in time."""

REMEMBERED: Final = 10_000
"""Deliveries kept for a look afterwards; a developer's fakes may run for weeks."""


@dataclass
class Mischief:
    """What is done to the webhooks sent from now on. It may be changed at any time.

    ``repeat``: how often each is delivered, all at once. ``reorder``: so many are held back, shuffled, and delivered
    one after the other. ``delay_seconds`` passes before the first try. The first ``drop_tries`` tries of each are lost
    on their way, to be tried again; every ``drop_every``-th webhook is lost for good, none if 0. With ``hold`` they
    wait for :meth:`Outgoing.release`.
    """

    repeat: int = 1
    reorder: int = 1
    delay_seconds: float = 0.0
    drop_tries: int = 0
    drop_every: int = 0
    hold: bool = False


@dataclass
class SentWebhook:
    """What became of a webhook. ``statuses`` has one item for each try, None where no answer came back."""

    provider: str
    make: Make
    statuses: list[int | None] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether it was taken: answered with 2xx."""
        return any(status is not None and httpx.codes.is_success(status) for status in self.statuses)


class Outgoing:
    """Sends webhooks to ``{webhooks_url}/webhooks/{provider}``. Used on one event loop."""

    def __init__(self, webhooks_url: str = "", *, pace: float = 1.0, seed: int = 0) -> None:
        """Deliver to an address, or keep all until :meth:`deliver_to`. Pauses are multiplied by ``pace``."""
        self.mischief = Mischief()
        self.deliveries: deque[SentWebhook] = deque(maxlen=REMEMBERED)
        self._pace = pace
        self._random = random.Random(seed)  # noqa: S311 - an order that a test can repeat is no secret.
        self._url = ""
        self._has_url = asyncio.Event()
        self._sent = 0
        self._held: list[SentWebhook] = []
        self._window: list[SentWebhook] = []
        self._tasks: set[asyncio.Task[None]] = set()
        limits = httpx.Limits(max_connections=AT_ONCE)
        timeout = httpx.Timeout(ANSWER_SECONDS, pool=None)
        self._client = httpx.AsyncClient(limits=limits, timeout=timeout, trust_env=False)
        self._turns = asyncio.Semaphore(AT_ONCE)
        if webhooks_url:
            self.deliver_to(webhooks_url)

    def deliver_to(self, webhooks_url: str) -> None:
        """Deliver to this address from now on, such as ``http://127.0.0.1:8080``."""
        self._url = webhooks_url.rstrip("/")
        self._has_url.set()

    def send(self, provider: str, make: Make) -> None:
        """Send a webhook in the background. Raises ValueError unless the provider is one of PAUSES_SECONDS."""
        if provider not in PAUSES_SECONDS:
            raise ValueError(provider)
        self._sent += 1
        if self.mischief.drop_every and self._sent % self.mischief.drop_every == 0:
            return
        for _ in range(self.mischief.repeat):
            delivery = SentWebhook(provider, make)
            self.deliveries.append(delivery)
            if self.mischief.hold:
                self._held.append(delivery)
            else:
                self._let_go(delivery)

    def release(self) -> None:
        """Let all go that is held, and hold no more."""
        self.mischief.hold = False
        held, self._held = self._held, []
        for delivery in held:
            self._let_go(delivery)
        self._close_window()

    async def idle(self) -> None:
        """Wait until all that was let go is delivered or given up. What is on hold stays there.

        Raises what a ``make`` raised meanwhile.
        """
        self._close_window()
        while self._tasks:
            done, _ = await asyncio.wait(self._tasks)
            for task in done:
                if not task.cancelled():
                    task.result()

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    def _let_go(self, delivery: SentWebhook) -> None:
        if self.mischief.reorder <= 1 and not self._window:
            self._start([delivery])
            return
        self._window.append(delivery)
        if len(self._window) >= self.mischief.reorder:
            self._close_window()

    def _close_window(self) -> None:
        window, self._window = self._window, []
        self._random.shuffle(window)
        if window:
            self._start(window)

    def _start(self, deliveries: Sequence[SentWebhook]) -> None:
        task = asyncio.get_running_loop().create_task(self._one_after_the_other(deliveries))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _one_after_the_other(self, deliveries: Sequence[SentWebhook]) -> None:
        await self._has_url.wait()
        for delivery in deliveries:
            await self._deliver(delivery)

    async def _deliver(self, delivery: SentWebhook) -> None:
        lost = self.mischief.drop_tries
        await asyncio.sleep(self.mischief.delay_seconds)
        for pause in (0.0, *PAUSES_SECONDS[delivery.provider]):
            await asyncio.sleep(pause * self._pace)
            delivery.statuses.append(None if len(delivery.statuses) < lost else await self._try(delivery))
            if delivery.is_done:
                return

    async def _try(self, delivery: SentWebhook) -> int | None:
        async with self._turns:
            return await self._answer_to(delivery)

    async def _answer_to(self, delivery: SentWebhook) -> int | None:
        headers, body = delivery.make()
        try:
            answer = await self._client.post(
                f"{self._url}/webhooks/{delivery.provider}", headers=dict(headers), content=body
            )
        except httpx.HTTPError:
            return None
        return answer.status_code
