"""A token is believed only if one of our public keys' private halves signed it, for us, and its time is not over."""

import base64
import json
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from creditd.development.tokens import make_signing_key, sign_token
from creditd.server.authentication import tokens
from creditd.server.authentication.callers import LEEWAY_SECONDS, MAX_ACCOUNTS, Caller
from creditd.server.authentication.issuers import Issuer
from creditd.server.authentication.keys import InvalidKey, KeySet, read_public_keys
from creditd.server.authentication.tokens import TokenVerifier
from creditd.server.refusals import TokenExpired, TokenInvalid

NOW = 1_800_000_000

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

KEYS: dict[str, PrivateKey] = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "RS256": rsa.generate_private_key(65_537, 2_048),
}


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        """Start at NOW."""
        self.now = float(NOW)

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name, key in KEYS.items():
        write_public_key(folder / f"{name}.pem", key)
    return folder


@pytest.fixture
def verifier(folder: Path, clock: Clock) -> TokenVerifier:
    return verifier_of(folder, clock)


def verifier_of(folder: Path, clock: Callable[[], float], name: str = "", audience: str = "") -> TokenVerifier:
    return TokenVerifier([Issuer(keys_of(*sorted(folder.glob("*.pem"))), name, audience)], clock=clock)


def keys_of(*files: Path) -> KeySet:
    return KeySet(read_public_keys(files))


def write_public_key(file: Path, key: Any) -> Path:
    file.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file


def bearer(algorithm: str = "EdDSA", *, kid: str | None = None, header: Any = None, **claims: Any) -> str:
    """Return an authorization header; a claim of None is left out."""
    stated = {"sub": "quiz", "exp": NOW + 600, "roles": ["SERVICE"], "scope": "credits.spend credits.read"} | claims
    payload = {name: value for name, value in stated.items() if value is not None}
    headers = {"kid": kid or algorithm} | (header or {})
    # PyJWT's encoder for claims would keep us from writing wrong ones.
    content = json.dumps(payload).encode()
    return "Bearer " + jwt.PyJWS().encode(content, KEYS[algorithm], algorithm=algorithm, headers=headers)


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def problem_of(verifier: TokenVerifier, header: str) -> str:
    with pytest.raises(TokenInvalid) as refusal:
        verifier.verify(header)
    return str(refusal.value.facts["problem"])


@pytest.mark.requirement("G4")
@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_of_any_of_our_keys_says_who_calls(verifier: TokenVerifier, algorithm: str) -> None:
    caller = Caller("quiz", frozenset({"SERVICE"}), frozenset({"credits.spend", "credits.read"}), "quiz")
    assert verifier.verify(bearer(algorithm)) == caller
    assert verifier.verify(bearer(algorithm)) == caller


def test_roles_that_are_none_of_ours_are_left_out(verifier: TokenVerifier) -> None:
    caller = verifier.verify(bearer(roles=["ADMIN", "admin", "OWNER", 7, ["USER"], {}], scope=None))
    assert caller == Caller("quiz", frozenset({"ADMIN"}), frozenset(), "quiz")


def test_the_scheme_may_be_written_in_any_case(verifier: TokenVerifier) -> None:
    assert verifier.verify(bearer().replace("Bearer", "bearer")).subject == "quiz"


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("", "missing"),
        ("Bearer", "malformed"),
        ("Bearer ", "malformed"),
        ("Basic cXVpejpzZWNyZXQ=", "malformed"),
        ("Bearer a.b.c", "malformed"),
        ("Bearer " + "a" * 9_000, "malformed"),
        ("Bearer ก.ข.ค", "malformed"),
        ("Bearer \ud800", "malformed"),
        ("Bearer " + base64.urlsafe_b64encode(b"[" * 5_000).decode() + ".e30.", "malformed"),
        ("Bearer " + encoded(["alg"]) + ".e30.AA", "malformed"),
        ("Bearer " + encoded({"alg": "EdDSA", "kid": 7}) + ".e30.AA", "malformed"),
        ("Bearer " + encoded({"alg": "EdDSA", "kid": "unknown"}) + ".e30.AA", "kid"),
        ("Bearer " + encoded({"alg": "EdDSA"}) + ".e30.AA", "kid"),
        ("Bearer " + encoded({"alg": "EdDSA", "kid": "EdDSA", "crit": ["b64"], "b64": True}) + ".e30.AA", "crit"),
    ],
)
def test_what_is_no_token_of_ours_is_refused(verifier: TokenVerifier, header: str, problem: str) -> None:
    assert problem_of(verifier, header) == problem


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
def test_an_unsigned_token_is_refused(verifier: TokenVerifier, algorithm: str) -> None:
    claims = encoded({"sub": "quiz", "exp": NOW + 600, "roles": ["SUPER_ADMIN"]})
    for kid in KEYS:
        header = encoded({"alg": algorithm, "kid": kid})
        assert problem_of(verifier, f"Bearer {header}.{claims}.") in {"alg", "malformed"}


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
@pytest.mark.parametrize("kid", KEYS)
def test_a_public_key_is_no_shared_secret(verifier: TokenVerifier, folder: Path, algorithm: str, kid: str) -> None:
    header = encoded({"alg": algorithm, "kid": kid})
    claims = encoded({"sub": "quiz", "exp": NOW + 600, "roles": ["SUPER_ADMIN"]})
    signer = jwt.get_algorithm_by_name(algorithm)
    for secret in ((folder / f"{kid}.pem").read_bytes(), (folder / f"{kid}.pem").read_bytes().strip()):
        # HMACAlgorithm.prepare_key refuses a PEM; an attacker would not.
        signature = base64.urlsafe_b64encode(signer.sign(f"{header}.{claims}".encode(), secret)).rstrip(b"=").decode()
        assert problem_of(verifier, f"Bearer {header}.{claims}.{signature}") == "alg"


@pytest.mark.requirement("G4")
def test_a_token_cannot_choose_another_algorithm_for_a_key(verifier: TokenVerifier) -> None:
    assert problem_of(verifier, bearer("ES256", kid="RS256")) == "alg"
    token = jwt.encode({"sub": "quiz", "exp": NOW + 600}, KEYS["RS256"], algorithm="PS256", headers={"kid": "RS256"})
    assert problem_of(verifier, f"Bearer {token}") == "alg"


def test_a_token_of_somebody_elses_key_is_refused(verifier: TokenVerifier) -> None:
    stranger = ed25519.Ed25519PrivateKey.generate()
    token = jwt.encode({"sub": "quiz", "exp": NOW + 600}, stranger, algorithm="EdDSA", headers={"kid": "EdDSA"})
    assert problem_of(verifier, f"Bearer {token}") == "signature"


def test_a_token_that_was_changed_is_refused(verifier: TokenVerifier) -> None:
    header = bearer()
    verifier.verify(header)
    start, _, signature = header.rsplit(".", 2)
    forged = encoded({"sub": "quiz", "exp": NOW + 600, "roles": ["SUPER_ADMIN"]})
    assert problem_of(verifier, f"{start}.{forged}.{signature}") == "signature"


@pytest.mark.parametrize(
    ("claims", "problem"),
    [
        ({"exp": None}, "claim missing"),
        ({"sub": None}, "claim missing"),
        ({"sub": 7}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": "x" * 256}, "sub"),
        ({"sub": "a\0b"}, "sub"),
        ({"sub": "a\ud800b"}, "sub"),
        ({"exp": "tomorrow"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": float("nan")}, "exp"),
        ({"exp": float("inf")}, "exp"),
        ({"nbf": "now"}, "nbf"),
        ({"nbf": NOW + LEEWAY_SECONDS + 1}, "nbf"),
        ({"roles": "ADMIN"}, "roles"),
        ({"roles": {"ADMIN": 1}}, "roles"),
        ({"scope": ["credits.spend"]}, "scope"),
        ({"person": ""}, "person"),
        ({"person": 7}, "person"),
        ({"person": "x" * 256}, "person"),
        ({"person": "a\0b"}, "person"),
        ({"person": "a\ud800b"}, "person"),
        ({"amr": "otp"}, "amr"),
        ({"amr": {"otp": True}}, "amr"),
        ({"amr": ["pwd", ["otp"]]}, "amr"),
        ({"amr": ["otp"], "auth_time": "now"}, "auth_time"),
        ({"amr": ["otp"], "auth_time": True}, "auth_time"),
        ({"amr": ["otp"], "auth_time": float("nan")}, "auth_time"),
        ({"amr": ["otp"], "auth_time": float("-inf")}, "auth_time"),
        ({"amr": ["otp"], "auth_time": -1}, "auth_time"),
        ({"amr": ["otp"], "auth_time": NOW + LEEWAY_SECONDS + 1}, "auth_time"),
        ({"auth_time": "now"}, "auth_time"),
        ({"accounts": "ann"}, "accounts"),
        ({"accounts": {"ann": 1}}, "accounts"),
        ({"accounts": []}, "accounts"),
        ({"accounts": ["ann", 7]}, "accounts"),
        ({"accounts": ["ann", ""]}, "accounts"),
        ({"accounts": ["a*n"]}, "accounts"),
        ({"accounts": ["a**"]}, "accounts"),
        ({"accounts": ["x" * 256]}, "accounts"),
        ({"accounts": [f"a{number}" for number in range(MAX_ACCOUNTS + 1)]}, "accounts"),
    ],
)
def test_claims_that_do_not_fit_are_refused(verifier: TokenVerifier, claims: dict[str, Any], problem: str) -> None:
    assert problem_of(verifier, bearer(**claims)) == problem


def test_who_stands_behind_a_caller_is_the_caller_unless_it_is_said(verifier: TokenVerifier) -> None:
    assert verifier.verify(bearer()).person == "quiz"
    assert verifier.verify(bearer(person="ann")).person == "ann"


@pytest.mark.requirement("D5")
@pytest.mark.parametrize(
    ("methods", "mfa_time"),
    [
        (None, 0),
        ([], 0),
        (["pwd"], 0),
        (["pwd", "otp"], NOW - 60),
        (["mfa"], NOW - 60),
        (["hwk"], NOW - 60),
        (["pwd", "sms", "tel", "pin", "kba", "swk", "fpt", "face", "OTP"], 0),
    ],
)
def test_a_second_factor_counts_from_when_it_was_shown(
    verifier: TokenVerifier, methods: list[str] | None, mfa_time: float
) -> None:
    assert verifier.verify(bearer(amr=methods, auth_time=NOW - 60)).mfa_time == mfa_time


@pytest.mark.requirement("D5")
def test_a_second_factor_without_its_time_counts_for_nothing(verifier: TokenVerifier) -> None:
    assert verifier.verify(bearer(amr=["pwd", "otp"])).mfa_time == 0
    assert verifier.verify(bearer(amr=["pwd", "otp"], auth_time=NOW + LEEWAY_SECONDS)).mfa_time == NOW + LEEWAY_SECONDS


def test_a_caller_may_be_bound_to_accounts_and_their_prefixes(verifier: TokenVerifier) -> None:
    assert verifier.verify(bearer()).accounts == ()
    assert verifier.verify(bearer(accounts=["ann", "school-*", "*"])).accounts == ("ann", "school-*", "*")


def test_clocks_may_be_a_little_apart(verifier: TokenVerifier) -> None:
    assert verifier.verify(bearer(exp=NOW - LEEWAY_SECONDS + 1, nbf=NOW + LEEWAY_SECONDS)).subject == "quiz"


def test_a_token_ends_although_it_was_believed_before(verifier: TokenVerifier, clock: Clock) -> None:
    header = bearer()
    assert verifier.verify(header).subject == "quiz"
    clock.now = NOW + 600 + LEEWAY_SECONDS - 0.001
    assert verifier.verify(header).subject == "quiz"
    clock.now = NOW + 600 + LEEWAY_SECONDS
    for _ in range(2):
        with pytest.raises(TokenExpired):
            verifier.verify(header)


@pytest.mark.requirement("G4")
def test_issuer_and_audience_are_checked_where_they_are_configured(folder: Path, clock: Clock) -> None:
    strict = verifier_of(folder, clock, name="https://id.example", audience="credit")
    assert strict.verify(bearer(iss="https://id.example", aud=["other", "credit"])).subject == "quiz"
    assert problem_of(strict, bearer(iss="https://evil.example", aud="credit")) == "iss"
    assert problem_of(strict, bearer(iss=["https://id.example"], aud="credit")) == "iss"
    assert problem_of(strict, bearer(iss="https://id.example", aud="other")) == "aud"
    assert problem_of(strict, bearer(iss="https://id.example")) == "claim missing"
    assert problem_of(strict, bearer(aud="credit")) == "claim missing"


def test_issuer_and_audience_do_not_matter_where_they_are_not(folder: Path, clock: Clock) -> None:
    lenient = verifier_of(folder, clock, name="", audience="")
    assert lenient.verify(bearer(iss="https://anyone.example", aud="anything")).subject == "quiz"


def test_a_token_without_kid_is_for_the_only_key(folder: Path, clock: Clock) -> None:
    only = TokenVerifier([Issuer(keys_of(folder / "EdDSA.pem"))], clock=clock)
    token = jwt.encode({"sub": "quiz", "exp": NOW + 600}, KEYS["EdDSA"], algorithm="EdDSA")
    assert only.verify(f"Bearer {token}").subject == "quiz"


@pytest.mark.requirement("G4")
def test_keys_rotate_side_by_side(folder: Path, clock: Clock, tmp_path: Path) -> None:
    write_public_key(tmp_path / "EdDSA.pem", KEYS["EdDSA"])
    write_public_key(tmp_path / "RS256.pem", KEYS["RS256"])
    both = verifier_of(tmp_path, clock)
    assert both.verify(bearer("EdDSA")) == both.verify(bearer("RS256"))
    (tmp_path / "EdDSA.pem").unlink()
    assert problem_of(verifier_of(tmp_path, clock), bearer("EdDSA")) == "kid"
    assert folder.exists()


def test_only_so_many_tokens_are_remembered(
    verifier: TokenVerifier, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "CACHED_TOKENS", 3)
    headers = [bearer(sub=f"caller {number}") for number in range(5)]
    for header in headers:
        verifier.verify(header)
        verifier.verify(headers[0])
    assert len(verifier._verified) == 3
    clock.now += 1
    assert [verifier.verify(header).subject for header in headers] == [f"caller {number}" for number in range(5)]


def test_no_token_is_kept_in_memory(verifier: TokenVerifier) -> None:
    header = bearer()
    verifier.verify(header)
    assert header.split(".")[2] not in repr(vars(verifier))


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65_537, 1_024),  # noqa: S505 - that is what is to be refused.
        ec.generate_private_key(ec.SECP384R1()),
    ],
    ids=["short RSA", "P-384"],
)
def test_unfit_keys_are_not_read(tmp_path: Path, key: Any) -> None:
    with pytest.raises(InvalidKey):
        read_public_keys([write_public_key(tmp_path / "key.pem", key)])


def test_a_private_key_is_not_taken_for_a_public_one(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(KEYS["EdDSA"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(InvalidKey, match="no public key"):
        read_public_keys([file])


def test_development_tokens_are_believed_for_their_time(tmp_path: Path) -> None:
    key = make_signing_key(tmp_path / "keys")
    verifier = TokenVerifier([Issuer(keys_of(key.public_file), "dev", "credit")], clock=time.time)
    token = sign_token(key, "me", ["USER", "ADMIN"], ["credits.read"], issuer="dev", audience="credit")
    caller = Caller("me", frozenset({"USER", "ADMIN"}), frozenset({"credits.read"}), "me")
    believed = verifier.verify(f"Bearer {token}")
    assert believed._replace(mfa_time=0.0) == caller
    assert time.time() - believed.mfa_time < 60
    assert verifier.verify("Bearer " + sign_token(key, "me", ["USER"], issuer="dev", audience="credit")).mfa_time == 0
    over = sign_token(key, "me", ["USER"], lifetime_seconds=-LEEWAY_SECONDS - 1, issuer="dev", audience="credit")
    with pytest.raises(TokenExpired):
        verifier.verify(f"Bearer {over}")


def test_a_signing_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(make_signing_key, [folder] * 8))
    token = sign_token(made[0], "me", ["USER"])
    for key in made:
        verifier = TokenVerifier([Issuer(keys_of(key.public_file))], clock=time.time)
        assert verifier.verify(f"Bearer {token}").subject == "me"
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {
        "development.key": 0o600,
        "development.pem": 0o600,
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_remembered_token_is_verified_once(verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verifying anew takes a hundred times as long."""
    header = bearer()
    callers = [verifier.verify(header)]
    monkeypatch.setattr(jwt, "decode", None)
    callers += [verifier.verify(header) for _ in range(1_000)]
    assert callers == callers[:1] * 1_001
