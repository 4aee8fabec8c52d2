"""Servers as processes with whatever makes an alert fire, and a load that goes on meanwhile."""

import datetime as dt
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc

from credit.v1 import credit_service_pb2 as credit
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from creditd.backup.backup_folder import BackupFolder
from creditd.development.postgres import EmbeddedPostgres
from creditd.ledger.ids import uuid7
from creditd.storage.schema import migrate
from tests.support.backups import add_backup
from tests.support.certificates import DAY, identity
from tests.support.outside_issuer import write_issuers
from tests.support.ports import free_address, free_port
from tests.support.programs import Creditd, Started
from tests.support.tokens import bearer, write_public_key
from tests.telemetry.alarm import Alarm, alarm

LISTENING: Final = '"message":"listening"'

SKEW_SECONDS: Final = 600

CALL_SECONDS: Final = 9.0

OTHER_VERSION: Final = "import creditd; creditd.__version__ = '0.0.1'; import creditd.cli as c; c.main(['serve'])"

SPENDER: Final = bearer("app", ["SERVICE"], "credits.spend credits.read")


@dataclass
class TroubledService:
    """A server that is troubled on purpose, two more beside it, and their database."""

    postgres: EmbeddedPostgres
    main: Creditd
    started: Started
    others: tuple[Started, ...]

    @contextmanager
    def pushed(self, call: Callable[[Any, int], object], threads: int = 8, token: str = SPENDER) -> Iterator[None]:
        """Have calls made on several threads until the block ends, each over a connection of its own."""
        ended = threading.Event()

        def push(number: int) -> None:
            options = [("grpc.use_local_subchannel_pool", 1)]
            while not ended.is_set():
                with grpc.insecure_channel(self.main.settings["CREDITD_LISTEN"], options=options) as channel:
                    stub = CreditServiceStub(channel)
                    metadata = (("authorization", token),) if token else ()
                    for turn in range(100):
                        if ended.is_set():
                            break
                        with suppress(grpc.RpcError):
                            call(partial(_called, stub, metadata), number + turn * threads)

        pushing = [threading.Thread(target=push, args=(number,), daemon=True) for number in range(threads)]
        for thread in pushing:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in pushing:
                thread.join()


def _called(stub: Any, metadata: tuple[tuple[str, str], ...], name: str, request: Any) -> None:
    getattr(stub, name)(request, metadata=metadata, timeout=CALL_SECONDS)


def reserve(account_id: str, ttl_seconds: int = 0) -> credit.ReserveRequest:
    """Return a request to hold a credit."""
    request = credit.ReserveRequest(account_id=account_id, credit_type="chat", amount=1, request_id=uuid7())
    if ttl_seconds:
        request.ttl.FromSeconds(ttl_seconds)
    return request


def _settings(folder: Path, url: str, **more: str) -> dict[str, str]:
    return {
        "CREDITD_DATABASE_URL": url,
        "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(folder)),
        "CREDITD_PAGE_TOKEN_SECRET": "of the battery of alerts",
        "CREDITD_LISTEN": free_address(),
        "CREDITD_METRICS_LISTEN": free_address(),
        "CREDITD_DRAIN_SECONDS": "0",
        "CREDITD_SIGN_UP_CREDITS": "chat=1000000",
        "CREDITD_REQUIRE_LEAST_PRIVILEGE": "false",
        "CREDITD_ADDRESS_CALLS_PER_MINUTE": "0",
        **{f"CREDITD_{name.upper()}": value for name, value in more.items()},
    }


def _main_settings(folder: Path, url: str) -> dict[str, str]:
    (folder / "empty").mkdir()
    nobody = {"issuer": "https://id.example", "audience": "credits", "subject_prefix": "x:"}
    nobody["jwks_url"] = f"http://{free_address()}/keys"
    return _settings(
        folder,
        url,
        backup_folder=str(folder / "empty"),
        backup_hours="0",
        rate_limits_redis_url=f"redis://{free_address()}/0",
        issuers_file=str(write_issuers(folder, nobody)),
        stripe_api_key="sk_test_alerts",
        stripe_webhook_secrets="whsec_alerts",
        stripe_api_url=f"http://{free_address()}",
        user_calls_per_minute="1",
    )


def _astray_settings(folder: Path) -> dict[str, str]:
    """Return the settings of a server without a database, whose certificates end and whose backups are old."""
    (folder / "old").mkdir()
    add_backup(BackupFolder(folder / "old"), dt.datetime.now(dt.UTC) - dt.timedelta(hours=30))
    authority = identity("authority", end=DAY / 2)
    own = identity("server", authority, end=10 * DAY)
    (folder / "ca.pem").write_bytes(authority.certificate_pem)
    (folder / "server.pem").write_bytes(own.certificate_pem)
    (folder / "server.key").write_bytes(own.key_pem)
    return _settings(
        folder,
        f"postgresql://nobody@{free_address()}/none",
        backup_folder=str(folder / "old"),
        backup_hours="24",
        tls_certificate_file=str(folder / "server.pem"),
        tls_key_file=str(folder / "server.key"),
        tls_client_ca_file=str(folder / "ca.pem"),
    )


@contextmanager
def troubled_service(folder: Path) -> Iterator[tuple[TroubledService, Alarm]]:
    """Run the database, three servers and their Prometheus until the block ends."""
    postgres = EmbeddedPostgres(folder / "postgres", settings={"fsync": "off"}, tcp_port=free_port())
    postgres.start()
    with ExitStack() as stack:
        stack.callback(postgres.stop)
        url = postgres.tcp_url
        migrate(url)
        main = Creditd(folder, _main_settings(folder, url))
        (folder / "beside").mkdir()
        nowhere = f"postgresql://nobody@{free_address()}/none"
        backups = {"backup_folder": str(folder / "beside"), "backup_hours": "24", "backup_database_url": nowhere}
        beside = Creditd(folder, _settings(folder, url, **backups))
        beside.settings["SKEW_SECONDS"] = str(SKEW_SECONDS)
        roots = beside.environment()["PYTHONPATH"]
        skewed = Path(__file__).parents[1] / "clocks" / "skewed"
        beside.settings["PYTHONPATH"] = os.pathsep.join([str(skewed), roots])
        astray = Creditd(folder, _astray_settings(folder))
        addresses = [creditd.settings["CREDITD_METRICS_LISTEN"] for creditd in (main, beside, astray)]
        # What is of a folder of backups is the same of all servers of a job.
        targets = {"creditd": addresses[:2], "creditd-astray": addresses[2:]}
        # First, so that it sees what is counted from nothing on.
        watching = stack.enter_context(alarm(folder, targets))
        started = stack.enter_context(main.started("serve"))
        others = (stack.enter_context(beside.program(OTHER_VERSION)), stack.enter_context(astray.started("serve")))
        for server in (started, *others):
            server.says(LISTENING)
        yield TroubledService(postgres, main, started, others), watching
