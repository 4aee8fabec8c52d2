"""`creditd config check`: every setting with its value and its origin, every fault at once, and no secret."""

import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from creditd.config import SETTINGS, variable
from creditd.config.masks import NOT_SET, SET
from creditd.telemetry.redaction import CONTENT
from tests.support.certificates import identity
from tests.support.ports import free_address
from tests.support.programs import Creditd
from tests.support.tokens import write_public_key

SECRETS = [name for name, setting in SETTINGS.items() if setting.is_secret]


def canary(name: str) -> str:
    """Return a secret that a setting takes, and that is found wherever it stands."""
    return {"stripe_api_key": "sk_test_", "omise_secret_key": "skey_test_"}.get(name, "") + f"canary{name}canary"


def checked(creditd: Creditd, *flags: str) -> tuple[subprocess.CompletedProcess[str], dict[str, tuple[str, str]]]:
    """Return how the check ended, and each setting's value and origin."""
    done = creditd("config", "check", "--json", *flags)
    lines = json.loads(done.stdout)["settings"]
    return done, {line["name"]: (line["value"], line["origin"]) for line in lines}


@pytest.mark.requirement("I7")
def test_every_setting_has_its_value_and_where_that_comes_from(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a secret from a file")
    creditd = Creditd(
        tmp_path,
        {
            "CREDITD_LISTEN": "127.0.0.1:1",
            "CREDITD_METRICS_LISTEN": "127.0.0.1:2",
            "CREDITD_CREDIT_TYPES": "spec=0,gems=3",
            "CREDITD_PAGE_TOKEN_SECRET_FILE": str(tmp_path / "secret"),
        },
    )
    done, found = checked(creditd, "--listen", "127.0.0.1:3", "--workers", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert list(found) == [variable(name) for name in SETTINGS]
    assert found["CREDITD_LISTEN"] == ("127.0.0.1:3", "flag")
    assert found["CREDITD_WORKERS"] == ("2", "flag")
    assert found["CREDITD_METRICS_LISTEN"] == ("127.0.0.1:2", "environment")
    assert found["CREDITD_CREDIT_TYPES"] == ("spec=0,gems=3", "environment")
    assert found["CREDITD_PAGE_TOKEN_SECRET"] == (SET, "file")
    assert found["CREDITD_STRIPE_API_KEY"] == (NOT_SET, "default")
    assert found["CREDITD_REFLECTION"] == ("true", "default")
    table = creditd("config", "check")
    assert table.returncode == 0
    assert table.stdout.splitlines()[0].split() == ["setting", "value", "origin"]
    assert len(table.stdout.splitlines()) == len(SETTINGS) + 2


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("form", ["environment", "file"])
def test_of_a_secret_it_says_nothing_but_whether_it_is_set(tmp_path: Path, form: str) -> None:
    """Nor how long it is: a longer one makes no other output."""
    said = set()
    for length in (2, 50):
        settings = {}
        for name in SECRETS:
            value = canary(name) + "x" * length
            if form == "file":
                (tmp_path / name).write_text(value)
            settings[variable(name) + ("_FILE" if form == "file" else "")] = (
                str(tmp_path / name) if form == "file" else value
            )
        creditd = Creditd(tmp_path, settings)
        done, found = checked(creditd)
        outputs = [done.stdout, done.stderr, *vars(creditd("config", "check")).values()]
        assert not [output for output in outputs if "canary" in str(output)]
        assert {found[variable(name)] for name in SECRETS} == {(SET, form)}
        said.add((done.stdout, done.stderr))
    assert len(said) == 1


@pytest.mark.requirement("I7")
def test_all_faults_are_told_at_once_and_no_secret_in_them(tmp_path: Path) -> None:
    creditd = Creditd(
        tmp_path,
        {
            "CREDITD_LISTNE": "127.0.0.1:1",
            "CREDITD_STRIPE_API_KYE": canary("stripe_api_key"),
            "CREDITD_WORKERS": "many",
            "CREDITD_LOG_LEVEL": "LOUD",
            "CREDITD_PAGE_TOKEN_SECRET": "canary",
            "CREDITD_OMISE_SECRET_KEY": "skey_live_canary",
            "CREDITD_LEMONSQUEEZY_API_KEY": canary("lemonsqueezy_api_key"),
            "CREDITD_STRIPE_API_KEY_FILE": str(tmp_path / "canary"),
            "CREDITD_TLS_KEY_FILE": "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----",
            "CREDITD_OTLP_ENDPOINT": "http://me:canary@127.0.0.1:1",
            "CREDITD_OMISE_API_URL": "http://omise.example",
        },
    )
    done, found = checked(creditd)
    document = json.loads(done.stdout)
    assert done.returncode == 2
    assert document["fit"] is False
    assert done.stderr.splitlines() == [f"creditd config: {fault}" for fault in document["faults"]]
    wanted = (
        "CREDITD_LISTNE is not a setting; did you mean CREDITD_LISTEN?",
        "CREDITD_STRIPE_API_KYE is not a setting; did you mean CREDITD_STRIPE_API_KEY?",
        "CREDITD_WORKERS is 'many'; expected a whole number",
        "CREDITD_STRIPE_API_KEY_FILE does not name a text file that this user may read: No such file or directory",
        "CREDITD_LOG_LEVEL is 'LOUD'; expected",
        "CREDITD_PAGE_TOKEN_SECRET is set; expected 16 characters or more",
        "CREDITD_TLS_KEY_FILE is the content of a file; expected",
        "CREDITD_OMISE_API_URL is 'http://omise.example'; expected",
        "CREDITD_OMISE_SECRET_KEY is not a test key",
        "CREDITD_LEMONSQUEEZY_API_KEY is set but not CREDITD_LEMONSQUEEZY_WEBHOOK_SECRETS",
        "CREDITD_TLS_CERTIFICATE_FILE and CREDITD_TLS_KEY_FILE go together",
    )
    faults = document["faults"]
    assert [fault for fault in faults if not fault.startswith(wanted)] == []
    assert [want for want in wanted if not any(fault.startswith(want) for fault in faults)] == []
    assert found["CREDITD_WORKERS"] == ("cannot be read", "cannot be read")
    assert found["CREDITD_OTLP_ENDPOINT"] == ("http://me:[redacted]@127.0.0.1:1", "environment")
    assert "canary" not in (done.stdout + done.stderr).replace(str(tmp_path), "")


@pytest.mark.requirement("I7")
def test_what_keeps_a_command_from_starting_is_told_ahead(tmp_path: Path) -> None:
    """Certificates that do not fit, and what would be served in plaintext where others can read it."""
    for name in ("one", "other"):
        made = identity(name)
        (tmp_path / f"{name}.crt").write_bytes(made.certificate_pem)
        (tmp_path / f"{name}.key").write_bytes(made.key_pem)
    creditd = Creditd(
        tmp_path,
        {
            "CREDITD_METRICS_TLS_CERTIFICATE_FILE": str(tmp_path / "one.crt"),
            "CREDITD_METRICS_TLS_KEY_FILE": str(tmp_path / "other.key"),
            "CREDITD_METRICS_LISTEN": "0.0.0.0:1",
            "CREDITD_WEBHOOKS_LISTEN": "0.0.0.0:2",
            "CREDITD_TLS_CLIENT_CA_FILE": str(tmp_path / "one.key"),
        },
    )
    done, _ = checked(creditd)
    faults = json.loads(done.stdout)["faults"]
    assert done.returncode == 2
    assert len(faults) == 4
    assert "CREDITD_TLS_CLIENT_CA_FILE needs CREDITD_TLS_CERTIFICATE_FILE" in faults[0]
    assert "other.key is not the key of the certificate" in faults[1]
    assert "CREDITD_TLS_CLIENT_CA_FILE:" in faults[2]
    assert faults[3].startswith("CREDITD_WEBHOOKS_LISTEN: 0.0.0.0:2 is not a loopback address: set CREDITD_WEBHOOKS_LI")


def unfit_files(folder: Path) -> dict[str, tuple[str, str]]:
    """Return settings that name what can be read and not used, each with what a server says of it."""
    (folder / "text").write_text("neither a key nor a certificate")
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "private.pem").write_bytes(private)
    issuer = {"issuer": "one", "audience": "us", "jwks_url": "https://one.example/keys", "subject_prefix": "one:"}
    (folder / "issuers.json").write_text(json.dumps([issuer | {"ca_file": str(folder / "text")}]))
    text = str(folder / "text")
    return {
        "CREDITD_JWT_PUBLIC_KEY_FILES": (str(folder / "private.pem"), "holds no public key in PEM"),
        "CREDITD_ISSUERS_FILE": (str(folder / "issuers.json"), "holds no authorities in PEM"),
        "CREDITD_AUDIT_KEY_FILE": (text, "holds no private key in PEM without a password"),
        "CREDITD_METHOD_CALLS_PER_MINUTE": ("credit.v1.CreditService/GetBalances=1", "which is no RPC"),
        "CREDITD_DATABASE_URL": ("postgresql://host/name?sslmod=require", "did you mean sslmode?"),
        "CREDITD_IDENTITY_DATABASE_URL": ("postgresql://host/name?sslmode=always", 'invalid sslmode value: "always"'),
        "CREDITD_TLS_CERTIFICATE_FILE": (text, "holds no certificate in PEM"),
    }


@pytest.mark.requirement("I7")
def test_it_is_not_fit_where_serve_refuses_to_start(tmp_path: Path) -> None:
    """Each of these alone keeps a server from starting, and the check tells all of them in the same words."""
    unfit = unfit_files(tmp_path)
    around = {
        "CREDITD_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(tmp_path)),
        "CREDITD_IDENTITY_KEY_ENCRYPTION_KEY": "of the tests, and of nothing else",
        "CREDITD_TLS_KEY_FILE": "",
        "CREDITD_METRICS_LISTEN": "",
        "CREDITD_LISTEN": free_address(),
    }
    told = []
    for name, (value, why) in unfit.items():
        pair = {"CREDITD_TLS_KEY_FILE": value} if name == "CREDITD_TLS_CERTIFICATE_FILE" else {}
        done = Creditd(tmp_path, {**around, name: value, **pair})("serve")
        last = done.stderr.splitlines()[-1]
        assert (done.returncode, why in last, "Traceback" in done.stderr) == (2, True, False), (name, done.stderr)
        assert last.startswith(f"creditd serve: {name}"), last
        told.append(last.removeprefix("creditd serve: "))
    every = {**around, **{name: value for name, (value, _) in unfit.items()}}
    done, _ = checked(Creditd(tmp_path, {**every, "CREDITD_TLS_KEY_FILE": str(tmp_path / "text")}))
    faults = json.loads(done.stdout)["faults"]
    assert (done.returncode, sorted(faults)) == (2, sorted(told))


@pytest.mark.requirement("I7")
def test_it_is_not_fit_where_the_webhook_adapter_refuses_to_start(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("two words")
    settings = {
        "CREDITD_WEBHOOKS_SERVICE": "10.0.0.1:50051",
        "CREDITD_WEBHOOKS_TOKEN_FILE": str(tmp_path / "text"),
    }
    done, _ = checked(Creditd(tmp_path, settings))
    one, other = json.loads(done.stdout)["faults"]
    assert "10.0.0.1:50051 is not a loopback address: set CREDITD_WEBHOOKS_TLS_CA_FILE" in one
    assert "holds no token" in other


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("pasted", ["-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----", "canary" * 50])
def test_a_key_in_the_place_of_its_file_s_name_is_shown_nowhere(tmp_path: Path, pasted: str) -> None:
    files = [name for name in SETTINGS if name.endswith(("_file", "_files"))]
    creditd = Creditd(tmp_path, {variable(name): pasted for name in files})
    done, found = checked(creditd)
    assert done.returncode == 2
    assert {found[variable(name)][0] for name in files} == {CONTENT}
    outputs = [done, creditd("call", "GetBalance", "{}", "--ca", pasted), creditd("webhooks")]
    outputs += [Creditd(tmp_path, {"CREDITD_WEBHOOKS_TOKEN_FILE": pasted})("webhooks")]
    assert not [output for output in outputs if "canary" in output.stdout + output.stderr]


def test_the_one_thing_to_do_is_named(tmp_path: Path) -> None:
    for arguments in ((), ("chekc",)):
        done = Creditd(tmp_path)("config", *arguments)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert "check" in done.stderr
