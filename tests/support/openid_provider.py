"""An outside issuer that signs people in by OpenID Connect: it believes whoever is said to sit before the browser."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.support.outside_issuer import AUDIENCE, OutsideIssuer, outside_issuer

CLIENT_ID = "console"
CLIENT_SECRET = "of the tests, and of nothing else"  # noqa: S105 - of the tests, and of nothing else.


class OpenIdPeople:
    """Its pages and its tokens. ``roles`` are those of whoever signs in, ``seconds`` how long a token lasts.

    Whoever is to sign in anew shows a second factor too.
    """

    def __init__(self, issuer: OutsideIssuer) -> None:
        """Answer on a free port of this machine."""
        self.issuer = issuer
        self.roles = ["clerk"]
        self.seconds = 300
        self.clock: Callable[[], float] = time.time
        self.asked: list[dict[str, str]] = []
        self.spoils: dict[str, Any] = {}
        self._codes: dict[str, dict[str, str]] = {}
        self._refresh_tokens: set[str] = set()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path.endswith("/openid-configuration"):
                    self._say(200, provider.document())
                    return
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("location", provider.signed_in(query))
                self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                self._say(*provider.tokens({name: values[0] for name, values in parse_qs(body).items()}))

            def _say(self, status: int, document: dict[str, Any]) -> None:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(document).encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class.
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        issuer.name = self.url

    @property
    def url(self) -> str:
        """Its name, which is where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def end_sessions(self) -> None:
        """Renew nobody's tokens any more."""
        self._refresh_tokens.clear()

    def document(self) -> dict[str, Any]:
        """Return what it says about itself."""
        stated = {"authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token"}
        spoilt: dict[str, Any] = self.spoils.get("document", {})
        return {"issuer": self.url} | stated | spoilt

    def signed_in(self, query: dict[str, str]) -> str:
        """Return where somebody is led back to who has signed in."""
        self.asked.append(query)
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def tokens(self, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Return tokens for a code, or for a token that renews; each of them counts once."""
        self.asked.append(fields)
        if (fields["client_id"], fields.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        nonce = ""
        factor: dict[str, Any] = {}
        if fields["grant_type"] == "authorization_code":
            begun = self._codes.pop(fields["code"], None)
            digest = hashlib.sha256(fields["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if begun is None or begun["code_challenge"] != challenge or begun["redirect_uri"] != fields["redirect_uri"]:
                return 400, {"error": "invalid_grant"}
            nonce = begun["nonce"]
            if begun.get("prompt") == "login":
                factor = {"amr": ["otp"], "auth_time": int(self.clock())}
        elif fields["refresh_token"] not in self._refresh_tokens:
            return 400, {"error": "invalid_grant"}
        else:
            self._refresh_tokens.discard(fields["refresh_token"])
        refresh_token = secrets.token_urlsafe(16)
        self._refresh_tokens.add(refresh_token)
        stated: dict[str, Any] = {"sub": "mia", "exp": int(self.clock()) + 3_600, "realm": {"roles": self.roles}}
        said: dict[str, Any] = {"aud": CLIENT_ID, "nonce": nonce, "email": "mia@example.org"}
        said |= stated | self.spoils.get("id_token", {})
        return 200, {
            "access_token": self.issuer.bearer(aud=AUDIENCE, **stated, **factor).removeprefix("Bearer "),
            "expires_in": self.seconds,
            "refresh_token": refresh_token,
            "id_token": self.issuer.bearer(**said).removeprefix("Bearer "),
        }


@contextmanager
def openid_people() -> Iterator[OpenIdPeople]:
    """Have an issuer that signs people in until the block ends."""
    with outside_issuer() as issuer:
        people = OpenIdPeople(issuer)
        try:
            yield people
        finally:
            people.close()
