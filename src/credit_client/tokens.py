"""Who is calling: a token, whatever gives one, or an API key that is exchanged for one again and again."""

import base64
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, cast

from credit.v1.api_key_service_pb2 import ExchangeApiKeyRequest, ExchangeApiKeyResponse
from credit_client.tries import Course, Manner, call

SHARE: Final = 0.8
"""After this much of its life a token is exchanged for the next one."""

EXCHANGE: Final = "/credit.v1.ApiKeyService/ExchangeApiKey"
"""The one RPC that needs no token."""

LOOK_SECONDS: Final = 10.0
"""How often a file is looked at for another token."""


class ApiKey:
    """An API key of a service account. Its client exchanges it for access tokens, each before the one before ends."""

    def __init__(self, secret: str) -> None:
        """Take the secret that CreateApiKey has shown."""
        self._secret = secret
        self._token = ""
        self._until = 0.0

    def __repr__(self) -> str:
        return "ApiKey(...)"

    @property
    def token(self) -> str:
        """The token to call with; empty if it is time for another one."""
        return self._token if time.monotonic() < self._until else ""

    def exchange(self, manner: Manner) -> Course[str]:
        """Get another token. Raises CreditError."""
        request, asked = ExchangeApiKeyRequest(secret=self._secret), time.monotonic()
        answer = cast(ExchangeApiKeyResponse, (yield from call(request, manner.observer, manner.call_seconds)))
        self._token = answer.access_token
        self._until = asked + life_seconds(self._token) * SHARE
        return self._token


class TokenFile:
    """A token in a file that somebody writes anew in time, as Kubernetes does. Safe to use by several threads."""

    def __init__(self, path: str | Path) -> None:
        """Read it when it is needed."""
        self._path = Path(path)
        self._token = ""
        self._until = 0.0

    def __call__(self) -> str:
        """Return the token. Raises OSError if there never was one that could be read."""
        if time.monotonic() >= self._until:
            try:
                self._token = self._path.read_text(encoding="ascii").strip()
            except OSError:
                # It is being replaced, perhaps: the one before is good for a while.
                if not self._token:
                    raise
            self._until = time.monotonic() + LOOK_SECONDS
        return self._token


Token = str | ApiKey | Callable[[], str]
"""What a blocking client takes: a token, an API key, or what gives a token, asked before each try."""

AsyncToken = str | ApiKey | Callable[[], str | Awaitable[str]]
"""What a client of asyncio takes."""


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata that states a token; none for none."""
    return (("authorization", f"Bearer {token}"),) if token else ()


def life_seconds(token: str) -> float:
    """Return how long a JWT lives in all, by its own claims: this machine's clock may be wrong."""
    claims = json.loads(base64.urlsafe_b64decode(f"{token.split('.')[1]}=="))
    return float(claims["exp"] - claims["iat"])
