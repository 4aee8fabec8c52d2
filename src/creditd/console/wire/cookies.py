"""The console's cookies: what they are called, and what is in those that nobody else is to read or write."""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from starlette.responses import Response

from creditd.console import limits
from creditd.console.settings import PublicUrl

_NONCE_BYTES: Final = 12

_KEY_BYTES: Final = 32


class Cookie(NamedTuple):
    """A cookie to be written: its short name, its value, and the seconds that it is kept; 0 takes it away.

    One that ``is_lax`` is also sent when another site leads here.
    """

    name: str
    value: str
    seconds: int
    is_lax: bool = False


class CookieJar:
    """Names the cookies, encrypts what is in them, and makes the tokens of forms.

    What it encrypts is bound to the cookie's name: no cookie is read in the place of another.
    """

    def __init__(self, key: str, url: PublicUrl) -> None:
        """Encrypt by a key of 32 characters or more; by one of its own if it is empty."""
        secret = (key or secrets.token_urlsafe(_KEY_BYTES)).encode()
        self._cipher = AESGCM(_derived(secret, b"creditd console: cookies"))
        self._token_key = _derived(secret, b"creditd console: forms")
        self._is_encrypted = url.is_encrypted
        # A browser takes a cookie of this name from this host alone, over TLS alone.
        self._prefix = "__Host-creditd-" if url.is_encrypted else "creditd-"

    def written(self, name: str, content: Mapping[str, Any], seconds: float) -> Cookie:
        """Return a cookie with this content, encrypted. Raises ValueError if no browser would keep it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, orjson.dumps(content), name.encode())
        value = urlsafe_b64encode(sealed).decode().rstrip("=")
        if len(value) > limits.MAX_COOKIE_BYTES:
            raise ValueError(f"a cookie of {len(value)} bytes is not kept")
        return Cookie(name, value, max(1, int(seconds)))

    def read(self, name: str, cookies: Mapping[str, str]) -> dict[str, Any]:
        """Return what is in a cookie of ours; nothing if there is none, or it is not as we have written it."""
        value = cookies.get(self._prefix + name, "")
        if not value or len(value) > limits.MAX_COOKIE_BYTES:
            return {}
        try:
            sealed = urlsafe_b64decode(value + "=" * (-len(value) % 4))
            content = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            return {}
        read: dict[str, Any] = orjson.loads(content)
        return read

    def plain(self, name: str, cookies: Mapping[str, str]) -> str:
        """Return a cookie that anybody may write: a choice of the reader's."""
        return cookies.get(f"creditd-{name}", "")

    def form_token(self, name: str) -> str:
        """Return the token that a form has to carry beside the cookie with this name in it."""
        signature = HMAC(self._token_key, SHA256())
        signature.update(name.encode())
        return signature.finalize().hex()

    def write(self, response: Response, cookie: Cookie) -> None:
        """Have a response write, or take away, a cookie that no script reads and no other page sends."""
        response.set_cookie(
            self._prefix + cookie.name,
            cookie.value,
            max_age=cookie.seconds,
            path="/",
            secure=self._is_encrypted,
            httponly=True,
            samesite="lax" if cookie.is_lax else "strict",
        )

    def write_plain(self, response: Response, cookie: Cookie) -> None:
        """Have a response write a choice of the reader's."""
        response.set_cookie(
            f"creditd-{cookie.name}",
            cookie.value,
            max_age=cookie.seconds,
            path="/",
            secure=self._is_encrypted,
            samesite="lax",
        )


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, None, purpose).derive(secret)
