"""Each pod's settings are those that its command takes, and each secret among them is a file of a Secret."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from creditd.cli.main import main
from creditd.config.settings import SETTINGS, variable
from tests.deployment.installation import Installation, Pod
from tests.support.certificates import identity
from tests.support.tokens import write_public_key

pytestmark = [pytest.mark.manifests, pytest.mark.requirement("I5", "I7")]

SECRETS = {variable(setting.name) for setting in SETTINGS.values() if setting.is_secret}

DATABASE = "postgresql://user:password@db.example.org/credit?sslmode=verify-full&sslrootcert={ca}"


def content(folder: Path, name: str, *, is_live: bool) -> bytes:
    """Return what a file of a pod might hold, by its name."""
    made = identity("creditd")
    texts = {
        "tls.crt": made.certificate_pem,
        "tls.key": made.key_pem,
        "ca.crt": made.certificate_pem,
        "database-ca.crt": made.certificate_pem,
        "main.pem": write_public_key(folder).read_bytes(),
        "token": b"a.b.c",
        "api-key": b"sk_live_0123456789" if is_live else b"sk_test_0123456789",
        "audit-key.pem": Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "backup-key": b"ab" * 32,
        "url": b"rediss://user:password@redis.example.org:6379/0",
        "webhook-secrets": b"c2VjcmV0IHRoYXQgaXMgbG9uZw==",
        "database-url": DATABASE.format(ca="/ca").encode(),
        "identity-database-url": DATABASE.replace("/credit", "/identity").format(ca="/ca").encode(),
        "backup-database-url": DATABASE.format(ca="/ca").encode(),
    }
    return texts.get(name, b"0123456789abcdef0123456789abcdef")


def in_a_folder(pod: Pod, folder: Path) -> dict[str, str]:
    """Make the files that a pod's settings name; return its environment with their places."""
    environment = {}
    made: dict[Path, bytes] = {}
    for name, value in pod.environment.items():
        source = pod.source_of(value)
        if value in pod.folders:
            place = folder / value.lstrip("/")
            place.mkdir()
            environment[name] = str(place)
            continue
        if source is None:
            environment[name] = value
            continue
        file = folder / source[0] / source[1]
        file.parent.mkdir(exist_ok=True)
        environment[name] = str(file)
        made[file] = b""
    for file in made:
        file.write_bytes(content(folder, file.name, is_live=environment.get("CREDITD_PAYMENTS_LIVE") == "true"))
    for file in made:
        # A pair is of one certificate.
        if file.name == "tls.key":
            pair = identity("creditd")
            file.write_bytes(pair.key_pem)
            file.with_name("tls.crt").write_bytes(pair.certificate_pem)
    return environment


def test_the_service_finds_no_fault_with_them(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for pod in installation.pods:
        if not pod.is_ours:
            continue
        with monkeypatch.context() as patch:
            folder = tmp_path / pod.component
            folder.mkdir()
            for name, value in in_a_folder(pod, folder).items():
                patch.setenv(name, value)
            assert main(["config", "check"]) == 0, f"{pod.name}: {capsys.readouterr().err}"
        shutil.rmtree(folder)


def test_every_secret_is_a_file_of_a_secret_of_its_own(installation: Installation) -> None:
    assert installation.of("Secret") == {}
    for pod in installation.pods:
        assert not SECRETS & pod.environment.keys()
        for name, value in pod.environment.items():
            if name.removesuffix("_FILE") in SECRETS or name.endswith(("KEY_FILE", "TOKEN_FILE")):
                assert pod.source_of(value) is not None, f"{pod.name}: {name}"
                assert value.startswith("/run/secrets/"), f"{pod.name}: {name}"


def test_files_of_secrets_are_for_the_pods_group_alone(installation: Installation) -> None:
    for pod in installation.pods:
        for volume in pod.spec["volumes"]:
            source = volume.get("secret") or volume.get("projected")
            assert source is None or source["defaultMode"] == 0o440, f"{pod.name}: {volume['name']}"


def test_the_adapter_holds_its_own_token_and_no_other_secret(production: Installation) -> None:
    assert held(production.pod("webhooks")) == {"creditd-webhooks", "creditd-webhooks-tls"}


def test_nobody_but_the_job_has_the_owners_password(production: Installation) -> None:
    assert [pod.component for pod in production.pods if "creditd-migrate" in held(pod)] == ["migrate"]
    assert held(production.pod("migrate")) == {"creditd-migrate"}


def held(pod: Pod) -> set[str]:
    """Return the Secrets that a pod holds."""
    return {volume["secret"]["secretName"] for volume in pod.spec["volumes"] if "secret" in volume}


def test_names_by_which_a_server_is_called_are_services(production: Installation) -> None:
    callers: Mapping[str, str] = {"webhooks": "CREDITD_WEBHOOKS_SERVICE", "console": "CREDITD_CONSOLE_SERVICE"}
    for component, name in callers.items():
        service, _, port = production.pod(component).environment[name].partition(":")
        assert {"port": int(port), "name": "grpc", "targetPort": "grpc"}.items() <= (
            production.of("Service")[service]["spec"]["ports"][0].items()
        )
