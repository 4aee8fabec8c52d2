"""An ASGI application some of whose requests cost credits: held before it answers, spent if it succeeds.

    app = PricedApp(app, AsyncCredits(address, token), price_of)

where `price_of(scope)` says what a request costs and who pays, or None for nothing. It asks nobody who the caller is:
put it behind what authenticates.
"""

import json
import logging
import math
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, NamedTuple

from credit_client.async_credits import AsyncCredits
from credit_client.errors import CreditError, InsufficientCredit, LimitExceeded, NoAnswer, NotAllowed, NotAuthenticated

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

FIRST_ERROR: Final = 400
PAYMENT_REQUIRED: Final = 402
FORBIDDEN: Final = 403
TOO_MANY_REQUESTS: Final = 429
UNAVAILABLE: Final = 503

log: Final = logging.getLogger("credit_client")


class Price(NamedTuple):
    """What a request costs, in the credit type's smallest unit, and the account that pays."""

    account_id: str
    credit_type: str
    amount: int


class PricedApp:
    """Passes requests on to an application, those with a price as a block of paid work.

    A request is paid for if its answer has a status below 400 and the application ends it without an error. Without
    credit it is answered with 402 and never reaches the application. Close the client when the application ends.
    """

    def __init__(self, app: App, credits: AsyncCredits, price_of: Callable[[Scope], Price | None]) -> None:
        """Pass requests on to ``app``."""
        self._app = app
        self._credits = credits
        self._price_of = price_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        price = self._price_of(scope) if scope["type"] == "http" else None
        if price is None:
            await self._app(scope, receive, send)
            return
        has_begun = False
        try:
            async with self._credits.reserve(*price) as hold:
                has_begun = True

                async def watched(message: Message) -> None:
                    if message["type"] == "http.response.start" and message["status"] >= FIRST_ERROR:
                        hold.spend(0)
                    await send(message)

                await self._app(scope, receive, watched)
        except CreditError as error:
            # Once the application has begun, the answer is its own.
            if has_begun:
                raise
            await _refuse(error, send)


async def _refuse(error: CreditError, send: Send) -> None:
    """Answer a request that nothing is done for, as JSON with the reason, its figures and a text for people."""
    told = {"reason": error.reason, "message": error.text, "facts": dict(error.facts)}
    if isinstance(error, NotAllowed | NotAuthenticated):
        # It is our own token that is refused, and no business of whoever asks.
        log.error("requests with a price are not answered: %s", error)
        told = {"reason": "", "message": "", "facts": {}}
    body = json.dumps(told).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if error.retry_seconds is not None:
        headers.append((b"retry-after", str(math.ceil(error.retry_seconds)).encode()))
    await send({"type": "http.response.start", "status": _status_of(error), "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _status_of(error: CreditError) -> int:
    if isinstance(error, InsufficientCredit):
        return PAYMENT_REQUIRED
    if isinstance(error, LimitExceeded):
        return TOO_MANY_REQUESTS
    return UNAVAILABLE if isinstance(error, NoAnswer | NotAllowed | NotAuthenticated) else FORBIDDEN
