"""A real Envoy as `make gateway` runs it, on ports and certificates of its own, and who calls through it."""

import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

from creditd.development.certificates import CertificatePlan, issue, write_new
from tests.support.patience import eventually, patience
from tests.support.ports import free_address, free_port
from tests.support.tokens import bearer

ROOT: Final = Path(__file__).parents[2]
ENVIRONMENT: Final = ROOT / ".venv" / "gateway"
"""What `make gateway-install` makes."""

SECONDS: Final = patience(40.0)
"""More than the gateway waits for an answer."""

UNBOUNDED: Final = 100_000
"""Calls a second: tests come from one address."""

Shown = Callable[[str], None]
"""Has a text stand at the end of the run, whichever worker it comes from."""


@dataclass
class Gateway:
    """An Envoy that runs."""

    address: str
    authority: Path
    process: subprocess.Popen[bytes]
    log: Path
    admin_port: int
    callers: dict[str, httpx.Client] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it is reached; its certificate is for localhost too."""
        return f"https://{self.address}"

    def client(self, headers: Mapping[str, str]) -> httpx.Client:
        """Return who calls with these headers, over a connection of its own."""
        context = ssl.create_default_context(cafile=str(self.authority))
        return httpx.Client(base_url=self.url, headers=dict(headers), verify=context, timeout=SECONDS, trust_env=False)

    def as_caller(
        self, subject: str, *roles: str, scope: str = "", language: str = "en", **claims: Any
    ) -> httpx.Client:
        """Return who calls with a token; the same caller keeps its connection."""
        caller = repr((subject, roles, scope, language, claims))
        if caller not in self.callers:
            headers = {"authorization": bearer(subject, roles, scope, **claims), "accept-language": language}
            self.callers[caller] = self.client(headers)
        return self.callers[caller]

    def health(self) -> int:
        """Return the status of /healthz."""
        with self.client({}) as stranger:
            return stranger.get("/healthz").status_code


def act(caller: httpx.Client, path: str, key: str = "", /, **fields: Any) -> httpx.Response:
    """Send an act with a key, a new one if none is given."""
    return caller.post(f"/v1/{path}", json=fields, headers={"idempotency-key": key or uuid4().hex})


def done(caller: httpx.Client, path: str, key: str = "", /, **fields: Any) -> Any:
    """Send an act that has to succeed, and return what it answers."""
    answer = act(caller, path, key, **fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def got(caller: httpx.Client, path: str, **query: Any) -> Any:
    """Ask for what has to be there."""
    answer = caller.get(f"/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@contextmanager
def running_gateway(
    folder: Path, *services: str, listen: str = "", tls_folder: Path | None = None, calls_per_second: int = UNBOUNDED
) -> Iterator[Gateway]:
    """Run Envoy before services, each `host:port` or `tls://host:port`, until the block ends; it need not reach any."""
    address = listen or free_address()
    certificates = tls_folder or certificates_in(folder)
    admin_port = free_port()
    options = ["--listen", address, "--admin-port", str(admin_port), "--tls-folder", str(certificates)]
    options += ["--calls-per-second", str(calls_per_second)]
    options += [option for service in services for option in ("--service", service)]
    log = folder / f"envoy-{uuid4().hex}.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "tools.gateway", *options]
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=ROOT)
    gateway = Gateway(address, certificates / "ca.pem", process, log, admin_port)
    try:
        eventually(lambda: answers(gateway))
        yield gateway
    finally:
        for caller in gateway.callers.values():
            caller.close()
        process.terminate()
        process.wait(SECONDS)


def certificates_in(folder: Path) -> Path:
    """Return the folder of certificates for this machine, made the first time."""
    certificates = folder / "certificates"
    if not certificates.exists():
        write_new(certificates, issue(CertificatePlan(("localhost", "127.0.0.1"), ("client",), "creditd.test", 1)))
    return certificates


def answers(gateway: Gateway) -> bool:
    """Tell whether it serves; fail the test if it has ended."""
    assert gateway.process.poll() is None, gateway.log.read_text(encoding="utf-8")
    try:
        return gateway.health() in (200, 503)
    except httpx.TransportError:
        return False
