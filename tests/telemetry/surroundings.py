"""A service with a secret in every place that takes one, and everything around it, as processes."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit

import grpc

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import identity_service_pb2 as identity
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit.v1.identity_service_pb2_grpc import IdentityServiceStub
from credit.v1.payment_admin_service_pb2_grpc import PaymentAdminServiceStub
from credit.v1.payment_service_pb2_grpc import PaymentServiceStub
from creditd.config import SETTINGS, variable
from creditd.development.postgres import EmbeddedPostgres
from creditd.development.postgres.logins import IDENTITY_LOGIN, server_url
from creditd.identity.storage.schema import IDENTITY
from creditd.storage.schema import migrate
from tests.support.market import Front, open_front
from tests.support.patience import eventually, patience
from tests.support.ports import free_address, free_port
from tests.support.postgres import create_database
from tests.support.programs import PATIENCE_SECONDS, Creditd, Started
from tests.support.tokens import bearer, write_public_key
from tests.telemetry.canaries import Life, canary
from tests.telemetry.collector import collecting

SECONDS: Final = patience(30)

LISTENING: Final = '"message":"listening"'

USERS: Final = "users"
"""The name of identity's database."""

STUBS: Final[dict[str, Any]] = {
    "credit": CreditServiceStub,
    "admin": AdminServiceStub,
    "payment": PaymentServiceStub,
    "payment_admin": PaymentAdminServiceStub,
    "identity": IdentityServiceStub,
}

PRIVATE: Final = (identity.LoginResponse, identity.RefreshResponse, identity.EnrolTotpResponse)
"""Answers that have a secret, for their caller alone."""


@dataclass
class Surroundings:
    """A service that runs, with everything around it."""

    life: Life
    postgres: EmbeddedPostgres
    front: Front
    creditd: Creditd
    workers: Started
    adapter: Started
    adapter_url: str

    @contextmanager
    def caller(self, subject: str, *roles: str, scope: str = "") -> Iterator[SimpleNamespace]:
        """Give stubs whose calls carry a token, which is to be kept, over a connection of their own."""
        header = bearer(subject, roles, scope)
        self.life.keep(f"token of {subject}", header.rpartition(".")[2])
        with self.stubs((("authorization", header), ("x-api-key", self.life.canaries["x-api-key"]))) as stubs:
            yield stubs

    @contextmanager
    def stubs(self, metadata: tuple[tuple[str, str], ...]) -> Iterator[SimpleNamespace]:
        """Give stubs, each of whose calls is made with this metadata; what is refused is seen, and is no failure."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(self.creditd.settings["CREDITD_LISTEN"], options=options) as channel:
            stubs = {name: stub(channel) for name, stub in STUBS.items()}

            def calling(name: str) -> Callable[..., Any]:
                return lambda method, request: self._call(getattr(stubs[name], method), request, metadata)

            yield SimpleNamespace(**{name: calling(name) for name in stubs})

    def _call(self, method: Any, request: Any, metadata: tuple[tuple[str, str], ...]) -> Any:
        try:
            answer = method(request, metadata=metadata, timeout=SECONDS)
            if hasattr(answer, "__next__"):
                answer = list(answer)
        except grpc.RpcError as error:
            refused: Any = error
            self.life.see("answers", (refused.details(), refused.debug_error_string(), refused.trailing_metadata()))
            return None
        if not isinstance(answer, PRIVATE):
            self.life.see("answers", answer)
        return answer

    def is_serving(self) -> bool:
        """Tell whether a call that needs the database is answered."""
        with self.stubs((("authorization", bearer("probe", ["SERVICE"], "credits.read")),)) as probe:
            return probe.credit("GetBalance", credit.GetBalanceRequest(account_id="probe")) is not None


def is_place(name: str) -> bool:
    """Tell whether a setting says where a database is: its password is what is kept."""
    return name.endswith("database_url")


def secret_settings(life: Life, front: Front) -> dict[str, str]:
    """Return a secret of its own for each setting that is one, but for where databases are."""
    made = {name: canary(name) for name, setting in SETTINGS.items() if setting.is_secret and not is_place(name)}
    made["stripe_api_key"] = f"sk_test_{made['stripe_api_key']}"
    made["omise_secret_key"] = f"skey_test_{made['omise_secret_key']}"
    for name, secret in made.items():
        life.keep(name, secret)
    # Nothing answers there: each server then counts by itself.
    made["rate_limits_redis_url"] = f"redis://:{made['rate_limits_redis_url']}@{free_address()}/0"
    # What the fakes sign with, and another that is valid too.
    for name in ("stripe_webhook_secrets", "omise_webhook_secrets", "lemonsqueezy_webhook_secrets"):
        made[name] = f"{front.fakes.webhook_secret},{made[name]}"
    return made


def settings(life: Life, folder: Path, front: Front, places: dict[str, str], collector: str) -> dict[str, str]:
    """Return what the service is configured by: every other secret in a file, the others in the environment."""
    given = {
        "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(folder)),
        "CREDITD_LISTEN": free_address(),
        "CREDITD_METRICS_LISTEN": free_address(),
        "CREDITD_LOG_LEVEL": "DEBUG",
        "CREDITD_DRAIN_SECONDS": "0",
        "CREDITD_OTLP_ENDPOINT": collector,
        "CREDITD_PAYMENT_POLL_INTERVAL_SECONDS": "0.2",
        # Nobody answers there: every purchase by it fails, with all that a client says of that.
        "CREDITD_OMISE_API_URL": f"http://127.0.0.1:{free_port()}",
    }
    for name, value in front.fakes.settings.items():
        if not SETTINGS[name].is_secret and name != "omise_api_url":
            given[variable(name)] = ",".join(value) if isinstance(value, tuple) else str(value).lower()
    for number, (name, value) in enumerate({**places, **secret_settings(life, front)}.items()):
        if number % 2:
            given[variable(name)] = value
        else:
            (folder / f"secret-{name}").write_text(value)
            given[f"{variable(name)}_FILE"] = str(folder / f"secret-{name}")
    return given


@contextmanager
def database(life: Life, folder: Path) -> Iterator[tuple[EmbeddedPostgres, dict[str, str]]]:
    """Run a PostgreSQL that asks for a password, and give it with the settings of who serves."""
    postgres = EmbeddedPostgres(folder / "postgres", settings={"fsync": "off"}, tcp_port=free_port())
    postgres.start()
    try:
        life.keep("the database's password", urlsplit(postgres.tcp_url).password or "")
        migrate(postgres.tcp_url)
        users = create_database(postgres.tcp_url, USERS)
        migrate(users, IDENTITY)
        identity_url = server_url(users, IDENTITY.role, IDENTITY_LOGIN)
        yield postgres, {"database_url": server_url(postgres.tcp_url), "identity_database_url": identity_url}
    finally:
        postgres.stop()


@contextmanager
def open_surroundings() -> Iterator[Surroundings]:
    """Run two workers and the adapter, with fake providers and a collector around them."""
    life = Life()
    life.keep("x-api-key", canary("header"))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="canaries-")))
        postgres, places = stack.enter_context(database(life, folder))
        front = stack.enter_context(open_front(webhook_secret=life.keep("webhooks", canary("webhooks"))))
        collector = stack.enter_context(collecting(lambda trace: life.see("traces", trace)))
        creditd = Creditd(folder, settings(life, folder, front, places, collector))
        workers = stack.enter_context(creditd.started("serve", "--workers", "2"))
        workers.says(LISTENING, times=2)
        token = bearer("webhooks", ["SERVICE"], "payments.ingest").removeprefix("Bearer ")
        (folder / "token").write_text(life.keep("the adapter's token", token))
        address = free_address()
        passing = {
            "CREDITD_WEBHOOKS_LISTEN": address,
            "CREDITD_WEBHOOKS_SERVICE": creditd.settings["CREDITD_LISTEN"],
            "CREDITD_WEBHOOKS_TOKEN_FILE": str(folder / "token"),
            "CREDITD_LOG_LEVEL": "DEBUG",
        }
        adapter = stack.enter_context(Creditd(folder, passing).started("webhooks"))
        adapter.says("listening for webhooks")
        front.fakes.outgoing.deliver_to(f"http://{address}")
        around = Surroundings(life, postgres, front, creditd, workers, adapter, f"http://{address}")
        eventually(around.is_serving, PATIENCE_SECONDS)
        yield around
