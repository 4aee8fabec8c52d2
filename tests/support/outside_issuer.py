"""An outside issuer for tests: it publishes keys over HTTP, as well or as badly as a test wants, and signs tokens."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

AUDIENCE = "credit"

Answer = tuple[int, dict[str, str], bytes]


KINDS: tuple[tuple[type, Any], ...] = (
    (ed25519.Ed25519PrivateKey, OKPAlgorithm),
    (ec.EllipticCurvePrivateKey, ECAlgorithm),
    (rsa.RSAPrivateKey, RSAAlgorithm),
)


def private_jwk(key: PrivateKey) -> dict[str, Any]:
    """Return a whole key, as no issuer should publish it."""
    return dict(_writer(key).to_jwk(key, as_dict=True))


def jwk(key: PrivateKey, **more: Any) -> dict[str, Any]:
    """Return the public half of a key as issuers publish it."""
    document: dict[str, Any] = _writer(key).to_jwk(key.public_key(), as_dict=True)
    return {name: value for name, value in document.items() if name != "key_ops"} | more


def _writer(key: PrivateKey) -> Any:
    return next(writer for kind, writer in KINDS if isinstance(key, kind))


def jwk_set(*keys: dict[str, Any]) -> bytes:
    """Return what an issuer publishes."""
    return json.dumps({"keys": keys}).encode()


class KeyServer:
    """What answers where the keys are; ``answer`` may be changed, and ``fetches`` counts."""

    def __init__(self, answer: Callable[[], Answer], tls: ssl.SSLContext | None = None) -> None:
        """Answer on a free port of this machine."""
        self.answer = answer
        self.fetches = 0
        self.asked: list[dict[str, str]] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.fetches += 1
                issuer.asked.append({name.lower(): value for name, value in self.headers.items()})
                status, headers, body = issuer.answer()
                with suppress(OSError):
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class.
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._scheme = "http" if tls is None else "https"
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the keys are."""
        host = "127.0.0.1" if self._scheme == "http" else "localhost"
        return f"{self._scheme}://{host}:{self.port}/keys"

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class OutsideIssuer:
    """An issuer with one key, which it may change."""

    def __init__(self, name: str = "https://id.example", tls: ssl.SSLContext | None = None) -> None:
        """Begin with a key, published."""
        self.name = name
        self.kid = "first"
        self.key: PrivateKey = ed25519.Ed25519PrivateKey.generate()
        self.server = KeyServer(self.keys, tls)

    def keys(self) -> Answer:
        """Return the answer of an issuer that works."""
        return 200, {"content-type": "application/json"}, jwk_set(jwk(self.key, kid=self.kid))

    def rotate(self, kid: str) -> None:
        """Have another key in place of the one before."""
        self.key, self.kid = ed25519.Ed25519PrivateKey.generate(), kid

    def bearer(self, **claims: Any) -> str:
        """Return an authorization header; a claim of None is left out."""
        stated = {"iss": self.name, "aud": AUDIENCE, "sub": "ann", "exp": int(time.time()) + 3_600} | claims
        payload = {name: value for name, value in stated.items() if value is not None}
        headers = {"kid": self.kid}
        return "Bearer " + jwt.encode(payload, self.key, algorithm="EdDSA", headers=headers)

    def entry(self, **more: Any) -> dict[str, Any]:
        """Return what names it in the file of outside issuers; what is None is left out."""
        entry = {
            "issuer": self.name,
            "audience": AUDIENCE,
            "jwks_url": self.server.url,
            "subject_prefix": "shop:",
        } | more
        return {name: value for name, value in entry.items() if value is not None}


@contextmanager
def outside_issuer(name: str = "https://id.example", tls: ssl.SSLContext | None = None) -> Iterator[OutsideIssuer]:
    """Have an issuer until the block ends."""
    issuer = OutsideIssuer(name, tls)
    try:
        yield issuer
    finally:
        with suppress(OSError):
            issuer.server.close()


@contextmanager
def silent_server() -> Iterator[int]:
    """Listen on a port that takes connections, and says nothing on them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def write_issuers(folder: Path, *entries: dict[str, Any]) -> Path:
    """Write the file that names outside issuers."""
    file = folder / "issuers.json"
    file.write_text(json.dumps(entries))
    return file
