"""Headers of every answer: what a browser may do with it."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Only what is ours, from where the page is; no script or style within a page, and no frame around it. Pictures may be
within the style sheet: the icons are."""

SECURITY_HEADERS: Final[dict[str, str]] = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    # For browsers that do not know frame-ancestors.
    "x-frame-options": "DENY",
}

TRANSPORT_SECURITY: Final = "max-age=31536000"
"""A year of TLS alone; said where browsers find the console by https."""


class HeaderGuard:
    """An ASGI application that adds the headers to whatever another one answers."""

    def __init__(self, application: ASGIApp, *, is_encrypted: bool) -> None:
        """Answer as ``application`` does."""
        self._application = application
        headers = SECURITY_HEADERS | ({"strict-transport-security": TRANSPORT_SECURITY} if is_encrypted else {})
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", ()))
                names = {name.lower() for name, _ in own}
                # What is not said to be kept is not: pages are about people's money.
                kept = [] if b"cache-control" in names else [(b"cache-control", b"no-store")]
                message["headers"] = [*own, *self._headers, *kept]
            await send(message)

        await self._application(scope, receive, send_with_headers)
