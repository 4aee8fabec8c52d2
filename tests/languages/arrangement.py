"""What the clients of all languages are run against: two servers on one database, one of which they can have killed."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Final
from uuid import uuid4

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from credit.v1.admin_service_pb2 import VerifyLedgerRequest
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from tests.support.certificates import identity
from tests.support.patience import eventually
from tests.support.ports import free_address
from tests.support.postgres import admin_url, drop_database, service_url
from tests.support.programs import PATIENCE_SECONDS, Creditd, Started
from tests.support.schemas import create_migrated
from tests.support.service import UNLIMITED
from tests.support.tokens import bearer, write_public_key

TOKENS: Final = {
    "service": bearer("app", ["SERVICE"], "credits.spend credits.read").removeprefix("Bearer "),
    "staff": bearer("ann", ["ADMIN"]).removeprefix("Bearer "),
}


class KilledServer:
    """A server that is killed and started again at the same address, as often as it is asked."""

    def __init__(self, creditd: Creditd, stack: ExitStack) -> None:
        self._creditd = creditd
        self._stack = stack
        self._lock = Lock()
        self._started = self._start()
        self.restarts = 0

    def _start(self) -> Started:
        return self._stack.enter_context(self._creditd.started("serve"))

    def restart(self) -> None:
        """Kill it, whatever it is doing, and start it; it serves a little later."""
        with self._lock:
            self._started.process.kill()
            self._started.process.wait()
            self._started = self._start()
            self.restarts += 1


@dataclass
class Arrangement:
    """Where the servers are, and all that a client is told."""

    folder: Path
    plain: str
    tls: str
    server: KilledServer
    control: str = ""

    def for_language(self, language: str, cases: list[object]) -> tuple[Path, Path]:
        """Write what the runner of a language reads; return that file, and the one into which it notes what passed."""
        results = self.folder / f"{language}.passed"
        results.write_text("", encoding="utf-8")
        told = {
            "cases": cases,
            "servers": {"plain": self.plain, "tls": self.tls},
            "ca": str(self.folder / "ca.crt"),
            "tokens": TOKENS,
            "control": self.control,
            "results": str(results),
            "prefix": f"{language}-{uuid4().hex[:8]}",
        }
        file = self.folder / f"{language}.json"
        file.write_text(json.dumps(told), encoding="utf-8")
        return file, results

    def verified_entries(self) -> int:
        """Have the service verify its whole ledger; return how many entries that are."""
        with grpc.insecure_channel(self.plain) as channel:
            metadata = (("authorization", f"Bearer {TOKENS['staff']}"),)
            answers = list(AdminServiceStub(channel).VerifyLedger(VerifyLedgerRequest(), metadata=metadata))
        assert len(answers) == 1, answers[0]
        return int(answers[0].summary.entries)


@contextmanager
def arranged(folder: Path) -> Iterator[Arrangement]:
    """Run the servers, and what has one of them killed, until the block ends."""
    name = f"languages_{uuid4().hex}"
    owner_url = create_migrated(admin_url(), name)
    plain, tls = free_address(), free_address()
    settings = {
        "CREDITD_DATABASE_URL": service_url(owner_url),
        "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(folder)),
        "CREDITD_PAGE_TOKEN_SECRET": "of the clients' tests",
        "CREDITD_DRAIN_SECONDS": "0",
        **{f"CREDITD_{name.upper()}": str(value) for name, value in UNLIMITED.items()},
    }
    with ExitStack() as stack:
        stack.callback(drop_database, admin_url(), name)
        killed = KilledServer(Creditd(folder, settings | listening(plain)), stack)
        KilledServer(Creditd(folder, settings | listening(tls) | write_certificates(folder)), stack)
        eventually(lambda: is_serving(grpc.insecure_channel(plain)), PATIENCE_SECONDS)
        authority = grpc.ssl_channel_credentials((folder / "ca.crt").read_bytes())
        at = tls.replace("127.0.0.1", "localhost")
        eventually(lambda: is_serving(grpc.secure_channel(at, authority)), PATIENCE_SECONDS)
        arrangement = Arrangement(folder, plain, at, killed)
        arrangement.control = stack.enter_context(controlling(killed))
        yield arrangement


def listening(address: str) -> dict[str, str]:
    """Return where a server of its own listens."""
    return {"CREDITD_LISTEN": address, "CREDITD_METRICS_LISTEN": free_address()}


def write_certificates(folder: Path) -> dict[str, str]:
    """Write a certificate for this machine, and who signed it; return the settings that name the files."""
    authority = identity("authority")
    server = identity("server", authority)
    (folder / "ca.crt").write_bytes(authority.certificate_pem)
    (folder / "server.crt").write_bytes(server.certificate_pem)
    (folder / "server.key").write_bytes(server.key_pem)
    return {
        "CREDITD_TLS_CERTIFICATE_FILE": str(folder / "server.crt"),
        "CREDITD_TLS_KEY_FILE": str(folder / "server.key"),
    }


def is_serving(channel: grpc.Channel) -> bool:
    """Tell whether a server answers; the channel is closed."""
    with channel, suppress(grpc.RpcError):
        answer = HealthStub(channel).Check(HealthCheckRequest(), timeout=5)
        return bool(answer.status == HealthCheckResponse.SERVING)
    return False


@contextmanager
def controlling(server: KilledServer) -> Iterator[str]:
    """Give the address of what kills and starts the server when a client asks for it by HTTP."""

    class Control(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.restart()
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Control) as control:
        thread = Thread(target=control.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{control.server_port}"
        finally:
            control.shutdown()
            thread.join()
