"""Who is calling: a token, whatever gives one, or an API key that is exchanged for one again and again."""

import base64
import json
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, cast

from google.protobuf.message import Message
from grpc import StatusCode

from credit.v1.api_key_service_pb2 import ExchangeApiKeyRequest, ExchangeApiKeyResponse
from credit_client.errors import CreditError, NoAnswer
from credit_client.failure import Failure
from credit_client.observer import Observer
from credit_client.tries import Course, call

log: Final = logging.getLogger("credit_client")

SHARE: Final = 0.8
"""After this much of its life a token is exchanged for the next one."""

RENEWAL_SHARE: Final = 0.5
"""Of a call's time that the exchange may take while the last token lives: the rest is for the call itself."""

AGAIN_SECONDS: Final = 10.0
"""How long the last token goes on before the exchange that has failed is tried again."""

EXCHANGE: Final = "/credit.v1.ApiKeyService/ExchangeApiKey"
"""The one RPC that needs no token."""

LOOK_SECONDS: Final = 10.0
"""How often a file is looked at for another token."""

JWT_PARTS: Final = 3


class ApiKey:
    """An API key of a service account. Its client exchanges it for access tokens, each before the one before ends."""

    def __init__(self, secret: str) -> None:
        """Take the secret that CreateApiKey has shown."""
        self._secret = secret
        self._token = ""
        self._until = 0.0
        self._end = 0.0

    def __repr__(self) -> str:
        return "ApiKey(...)"

    @property
    def token(self) -> str:
        """The token to call with; empty if it is time for another one."""
        return self._token if time.monotonic() < self._until else ""

    @property
    def last(self) -> str:
        """The token that there is, also if it is time for another one; empty if its life is over."""
        return self._token if time.monotonic() < self._end else ""

    def exchange(self, observer: Observer, seconds: float) -> Course[str]:
        """Get another token within so many seconds; or else the last one, while it lives. Raises CreditError."""
        request, asked = ExchangeApiKeyRequest(secret=self._secret), time.monotonic()
        within = seconds * RENEWAL_SHARE if self.last else seconds
        try:
            answer = cast(ExchangeApiKeyResponse, (yield from call(request, observer, within)))
        except CreditError as error:
            last = self.last
            if not last:
                raise
            log.warning("there is no other token to be had, and the last one goes on: %s", error)
            self._until = min(self._end, time.monotonic() + AGAIN_SECONDS)
            return last
        life = life_seconds(answer.access_token)
        self._token = answer.access_token
        self._until, self._end = asked + life * SHARE, asked + life
        return self._token

    def forget(self, token: str) -> None:
        """Have this token be followed by another one, whatever its life: it was refused."""
        if token == self._token:
            self._until = self._end = 0.0


class TokenFile:
    """A token in a file that somebody writes anew in time, as Kubernetes does. Safe to use by several threads.

    The file is looked at every 10 s while there are calls, and at once when its token is refused.
    """

    def __init__(self, path: str | Path) -> None:
        """Read it when it is needed."""
        self._path = Path(path)
        self._token = ""
        self._until = 0.0

    def __call__(self) -> str:
        """Return the token. Raises OSError if there never was a file to be read, ValueError if there was none in it."""
        if time.monotonic() >= self._until:
            try:
                self._token = self._read()
            except (OSError, ValueError):
                # It is being replaced, perhaps: the one before is good for a while.
                if not self._token:
                    raise
            self._until = time.monotonic() + LOOK_SECONDS
        return self._token

    def forget(self, token: str) -> None:
        """Have the file be read again, if this is still its token: it was refused."""
        if token == self._token:
            self._until = 0.0

    def _read(self) -> str:
        token = self._path.read_text(encoding="ascii").strip()
        # A file that is being written may be empty, or end too soon.
        if len(list(filter(None, token.split(".")))) != JWT_PARTS:
            raise ValueError(f"there is no token in {self._path}")
        return token


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


def is_refused(source: object, token: str, outcome: Message | Failure) -> bool:
    """Return whether an answer refuses a token whose source may have another one by now; it is then asked for it."""
    if not isinstance(outcome, Failure) or outcome.code is not StatusCode.UNAUTHENTICATED:
        return False
    if not token or not isinstance(source, ApiKey | TokenFile):
        return False
    source.forget(token)
    return True


def no_token() -> NoAnswer:
    """Return what to raise where none came within the time of a try."""
    return NoAnswer(Failure(StatusCode.DEADLINE_EXCEEDED, "no token came in time"))
