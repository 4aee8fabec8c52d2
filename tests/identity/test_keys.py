"""The keys of access tokens: rotated without a restart, trusted as long as they have to be, and no longer."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jwt
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import OperationalError

from credit.v1 import access_service_pb2 as access_pb
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import identity_service_pb2 as pb
from creditd.bootstrap import IdentityCore
from creditd.cli.main import main
from creditd.identity.key_ring import MOST_KEYS, URGENT_SECONDS
from creditd.identity.storage.schema import IDENTITY
from creditd.identity.token_keys import AHEAD_SECONDS, MARGIN_SECONDS
from creditd.storage.schema import migrate
from creditd.telemetry.metrics_server import MetricsServer
from tests.support.patience import eventually
from tests.support.person import Person
from tests.support.postgres import admin_url, create_database, drop_database
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("G3")

AWAY = "identity_away"


def identity_of(service: RunningService) -> IdentityCore:
    assert service.identity is not None
    return service.identity


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def kids(person: Person) -> set[str]:
    return {key.kid for key in person.stranger.identity.GetKeys(pb.GetKeysRequest()).keys}


def is_served(person: Person, token: str) -> bool:
    """Tell whether a token opens its user's account."""
    stubs = person.service.as_bearer(token)
    subject = jwt.decode(token, options={"verify_signature": False})["sub"]
    try:
        stubs.credit.GetBalance(credit.GetBalanceRequest(account_id=subject))
    except Exception:  # noqa: BLE001 - whatever it is refused for.
        return False
    return True


def test_the_keys_verify_what_was_signed_elsewhere(person: Person) -> None:
    """As another service would do it that knows nothing of ours but the set of keys."""
    token = person.log_in().tokens.access_token
    document = json.loads(identity_of(person.service).key_ring.jwks() or b"")
    keys = jwt.PyJWKSet.from_dict(document)
    claims = jwt.decode(
        token,
        keys[kid_of(token)].key,
        algorithms=["EdDSA"],
        audience="creditd",
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    assert claims["iss"] == "creditd"
    shown = person.stranger.identity.GetKeys(pb.GetKeysRequest()).keys
    assert [(key.kid, key.kty, key.crv, key.x, key.alg) for key in shown] == [
        (key["kid"], key["kty"], key["crv"], key["x"], key["alg"]) for key in document["keys"]
    ]


def test_a_rotation_is_seen_without_a_restart_and_what_was_signed_before_stays_good(person: Person) -> None:
    identity, clock = identity_of(person.service), person.service.clock
    before = person.log_in().tokens.access_token
    made = identity.key_ring.rotate()
    identity.load_keys()
    assert kids(person) >= {made.kid, kid_of(before)}
    # It is published before it signs.
    assert kid_of(person.log_in().tokens.access_token) == kid_of(before)
    clock.advance(AHEAD_SECONDS)
    late = person.log_in().tokens.access_token
    assert kid_of(late) == made.kid
    assert is_served(person, late)
    assert is_served(person, before)
    clock.advance(identity.config.access_token_lifetime_seconds + MARGIN_SECONDS)
    identity.load_keys()
    assert kid_of(before) not in kids(person)
    assert kid_of(person.log_in().tokens.access_token) == made.kid


def test_a_key_that_another_process_has_made_is_taken_up_by_itself(person: Person) -> None:
    config = identity_of(person.service).config
    other = IdentityCore(config, person.service.clock)
    made = other.key_ring.rotate()
    other.close()
    assert eventually(lambda: made.kid in kids(person))


def test_after_an_urgent_rotation_nothing_counts_that_was_signed_before(person: Person) -> None:
    identity, clock = identity_of(person.service), person.service.clock
    before = person.log_in().tokens.access_token
    assert is_served(person, before)
    made = identity.key_ring.rotate(urgent=True)
    clock.advance(URGENT_SECONDS)
    identity.load_keys()
    assert kids(person) == {made.kid}
    refusal = refused(person.service.as_bearer(before).identity.Revoke, pb.RevokeRequest(all_sessions=True))
    assert (refusal.reason, refusal.metadata["problem"]) == ("TOKEN_INVALID", "kid")
    assert is_served(person, person.log_in().tokens.access_token)


def test_a_key_that_has_ended_is_not_believed_though_the_database_is_away(person: Person) -> None:
    clock, url = person.service.clock, create_database(admin_url(), AWAY)
    migrate(url, IDENTITY)
    core = IdentityCore(replace(identity_of(person.service).config, identity_database_url=url), clock)
    core.load_keys()
    (before,) = core.key_ring.trusted
    made = core.key_ring.rotate(urgent=True)
    core.load_keys()
    assert core.issuer.keys.find(before.kid)
    core.close()
    drop_database(admin_url(), AWAY)
    clock.advance(URGENT_SECONDS)
    with pytest.raises(OperationalError):
        core.load_keys()
    assert not core.issuer.keys.find(before.kid)
    assert core.issuer.keys.find(made.kid)
    core.close()


def test_of_two_servers_that_start_at_once_one_makes_the_first_key(person: Person) -> None:
    """The one that comes second finds it."""
    identity = identity_of(person.service)
    others = [IdentityCore(identity.config, person.service.clock) for _ in range(2)]
    for other in others:
        other.load_keys()
        assert {key.kid for key in other.key_ring.trusted} == kids(person)
        other.close()


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningService]:
    """Run a service that nobody has used yet, and have commands reach its databases as it does."""
    with running_service(tmp_path, signs_in=True) as service:
        config = identity_of(service).config
        monkeypatch.setenv("CREDITD_IDENTITY_DATABASE_URL", config.identity_database_url)
        monkeypatch.setenv("CREDITD_IDENTITY_KEY_ENCRYPTION_KEY", config.identity_key_encryption_key)
        monkeypatch.setenv("CREDITD_DATABASE_URL", service.core.config.database_url)
        yield service


def test_commands_list_and_rotate_and_say_when_there_are_too_many(
    installation: RunningService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "list"]) == 0
    listed = capsys.readouterr().out
    assert listed.splitlines()[0].split() == ["kid", "state", "create_time", "sign_time", "expire_time"]
    assert " signs " in listed
    assert main(["keys", "rotate"]) == 0
    assert "will sign" in capsys.readouterr().out
    for _ in range(MOST_KEYS - 2):
        identity_of(installation).key_ring.rotate()
    assert main(["keys", "rotate"]) == 1
    assert f"there are {MOST_KEYS} keys" in capsys.readouterr().err
    # A key that somebody else has does not wait for that.
    assert main(["keys", "rotate", "--urgent"]) == 0
    assert capsys.readouterr().out.count(" will sign ") >= 1
    monkeypatch.setenv("CREDITD_IDENTITY_KEY_ENCRYPTION_KEY", "x" * 32)
    assert main(["keys", "list"]) == 2
    assert "another CREDITD_IDENTITY_KEY_ENCRYPTION_KEY" in capsys.readouterr().err


def test_the_first_administrator_gives_others_their_roles_once_a_second_factor_was_shown(
    installation: RunningService, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["admin", "create", "--email", "Root@Example.org"]) == 0
    made = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert main(["admin", "create", "--email", "root@example.org"]) == 1
    assert "registered already" in capsys.readouterr().err
    root = Person(installation, made["email"], made["password"])
    session = root.signed_in()
    mine = session.stubs
    assert jwt.decode(session.tokens.access_token, options={"verify_signature": False})["sub"] == made["user_id"]
    request = access_pb.GrantRoleRequest(subject="ann", role="ROLE_SUPPORT", reason="a test", request_id="1")
    assert eventually(lambda: refused(mine.access.GrantRole, request).reason == "MFA_REQUIRED")
    _, codes = session.enrol()
    stepped = installation.as_bearer(session.step_up(codes[0]))
    assert stepped.access.GrantRole(request).role_grant.subject == "ann"


def test_the_keys_are_a_document_that_needs_no_token(person: Person) -> None:
    identity = identity_of(person.service)
    documents = {"/.well-known/jwks.json": identity.key_ring.jwks, "/later": lambda: None}
    server = MetricsServer("127.0.0.1", 0, CollectorRegistry(), token="for scrapers", documents=documents)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/.well-known/jwks.json", timeout=20) as answer:
            assert {key["kid"] for key in json.load(answer)["keys"]} == kids(person)
            assert answer.headers["Cache-Control"] == "public, max-age=300"
        for path, status in (("/later", 503), ("/metrics", 401), ("/.well-known/other", 401)):
            with pytest.raises(urllib.error.HTTPError) as failed:
                urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=20)
            assert failed.value.code == status
    finally:
        server.close()
