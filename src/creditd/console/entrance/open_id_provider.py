"""An outside issuer that signs staff in, by OpenID Connect: what the console asks it, and what it answers.

Its answers come over TLS from the address that is configured, so that they need no signature of their own; whether the
access token is believed is decided by the service.
"""

import time
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx
import orjson

from creditd.addresses import is_loopback
from creditd.console import limits

_DISCOVERY: Final = "/.well-known/openid-configuration"


class ProviderFailure(Exception):
    """It cannot be reached, or its answer cannot be used; ``is_refused`` if it has said no."""

    def __init__(self, why: str, *, is_refused: bool = False) -> None:
        """State why, for the log."""
        super().__init__(why)
        self.is_refused = is_refused


class ProviderTokens(NamedTuple):
    """What it gives for a code: the token for the service, what renews it (empty for nothing), and who it is about."""

    access_token: str
    access_seconds: float
    refresh_token: str
    claims: Mapping[str, Any]


class ProviderPlaces(NamedTuple):
    """Where people sign in, and where tokens are."""

    authorization: str
    token: str


class OpenIdProvider:
    """Asks a provider. Where its places are is read again every hour."""

    def __init__(self, issuer: str, client_id: str, client_secret: str) -> None:
        """Ask ``issuer`` as a client that it knows; one without a secret shows by PKCE alone that it is the same."""
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._places: ProviderPlaces | None = None
        self._read_at = 0.0

    async def places(self) -> ProviderPlaces:
        """Return where its places are. Raises ProviderFailure."""
        if self._places is None or time.monotonic() > self._read_at + limits.PROVIDER_SECONDS:
            document = await self._answer("GET", self._issuer + _DISCOVERY)
            if str(document.get("issuer", "")).rstrip("/") != self._issuer:
                raise ProviderFailure("its document is of another issuer")
            self._places = ProviderPlaces(
                _place(document, "authorization_endpoint"), _place(document, "token_endpoint")
            )
            self._read_at = time.monotonic()
        return self._places

    async def tokens(self, **fields: str) -> ProviderTokens:
        """Return what it gives for a code, or to renew a token. Raises ProviderFailure."""
        places = await self.places()
        stated = {"client_id": self._client_id, **fields}
        if self._client_secret:
            stated["client_secret"] = self._client_secret
        answer = await self._answer("POST", places.token, stated)
        access_token = answer.get("access_token")
        if not isinstance(access_token, str) or not access_token:
            raise ProviderFailure("its answer has no access token")
        return ProviderTokens(
            access_token,
            _seconds(answer.get("expires_in")),
            str(answer.get("refresh_token") or ""),
            _claims(answer.get("id_token")),
        )

    def is_for_us(self, claims: Mapping[str, Any], nonce: str) -> bool:
        """Tell whether what an ID token says is from this issuer, for this client, and of this sign-in."""
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        is_ours = str(claims.get("iss", "")).rstrip("/") == self._issuer and self._client_id in named
        return is_ours and claims.get("nonce") == nonce

    async def _answer(self, method: str, url: str, fields: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return a JSON document of at most limits.PROVIDER_BYTES. Raises ProviderFailure."""
        try:
            async with (
                httpx.AsyncClient(timeout=limits.RPC_SECONDS, follow_redirects=False) as http,
                http.stream(method, url, data=fields, headers={"accept": "application/json"}) as answer,
            ):
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > limits.PROVIDER_BYTES:
                        raise ProviderFailure("its answer is too large")
        except httpx.HTTPError as error:
            raise ProviderFailure(f"it does not answer: {type(error).__name__}") from error
        if answer.status_code in {httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise ProviderFailure(f"it says {answer.status_code}", is_refused=True)
        if answer.status_code != httpx.codes.OK:
            raise ProviderFailure(f"it says {answer.status_code}")
        return _document(bytes(body))


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ProviderFailure("its answer is no JSON") from error
    if not isinstance(document, dict):
        raise ProviderFailure("its answer is no object")
    return document


def _place(document: Mapping[str, Any], name: str) -> str:
    """Return an address of a document: https, or http on this machine. Raises ProviderFailure."""
    url = str(document.get(name, ""))
    parts = urlsplit(url)
    is_local = parts.scheme == "http" and is_loopback(f"{parts.hostname}:0")
    if not parts.netloc or not (parts.scheme == "https" or is_local):
        raise ProviderFailure(f"its {name} cannot be used")
    return url


def _seconds(stated: Any) -> float:
    """Return how long a token lasts; a minute where that is not said."""
    return float(stated) if isinstance(stated, int | float) and stated > 0 else 60.0


def _claims(token: Any) -> dict[str, Any]:
    """Return what an ID token says; nothing if there is none, or it cannot be read."""
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != 3:  # noqa: PLR2004 - head, claims and signature.
        return {}
    try:
        claims = orjson.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, orjson.JSONDecodeError):
        return {}
    return claims if isinstance(claims, dict) else {}
