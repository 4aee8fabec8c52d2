"""Registering and signing in: what is answered, what a token says, and what nobody is told."""

import grpc
import jwt
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import identity_service_pb2 as pb
from tests.support.person import Person
from tests.support.refusals import RefusedCall, refused

pytestmark = pytest.mark.requirement("G3")


def claims_of(token: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_who_has_registered_signs_in_and_calls(person: Person) -> None:
    answer = person.log_in()
    mine = person.service.as_bearer(answer.tokens.access_token)
    balance = mine.credit.GetBalance(credit.GetBalanceRequest(account_id=answer.user_id))
    assert balance.account_balance.account_id == answer.user_id


def test_a_token_says_who_and_how_and_not_what_may_be_done(person: Person) -> None:
    answer = person.log_in()
    claims, now = claims_of(answer.tokens.access_token), person.service.clock.now() // 1_000_000
    assert {name: claims[name] for name in ("iss", "aud", "sub", "person", "roles", "scope", "amr")} == {
        "iss": "creditd",
        "aud": "creditd",
        "sub": answer.user_id,
        "person": answer.user_id,
        "roles": ["USER"],
        "scope": "",
        "amr": ["pwd"],
    }
    assert claims["exp"] == answer.tokens.access_token_expire_time.seconds
    assert claims["exp"] - claims["iat"] == 900  # type: ignore[operator]
    assert claims["iat"] == claims["nbf"] == claims["auth_time"]
    assert abs(now - claims["iat"]) <= 5  # type: ignore[operator]
    assert len({claims_of(person.log_in().tokens.access_token)["jti"], claims["jti"]}) == 2
    assert jwt.get_unverified_header(answer.tokens.access_token)["alg"] == "EdDSA"


def test_nobody_touches_another_ones_account(person: Person) -> None:
    mine = person.service.as_bearer(person.log_in().tokens.access_token)
    refusal = refused(mine.credit.GetBalance, credit.GetBalanceRequest(account_id="somebody-else"))
    assert refusal.reason == "PERMISSION_DENIED"


def test_an_email_is_the_same_in_any_case_and_a_password_however_it_is_typed(person: Person) -> None:
    decomposed = Person(person.service, f"two.{person.email}", "pass\u0065\u0301wörd one")
    decomposed.register()
    composed = Person(person.service, decomposed.email.upper(), "pass\u00e9wörd one")
    assert composed.log_in().user_id


def how(refusal: RefusedCall) -> tuple[object, ...]:
    """Return all that is told of a refusal, but for what names the call."""
    metadata = {name: value for name, value in refusal.metadata.items() if name != "correlation_id"}
    return refusal.code, refusal.message, refusal.reason, metadata, refusal.localized.message, refusal.violations


def test_a_wrong_password_and_an_unknown_email_are_alike_in_text_and_in_work(person: Person) -> None:
    """The time is that of the hashes and the transactions: they are counted."""
    identity, told, work = person.service.identity, [], []
    assert identity is not None
    for request in (
        person.logging_in(password="wrong horse battery"),
        person.logging_in(email=f"nobody.{person.email}"),
        person.logging_in(password="x"),
        person.logging_in(email=f"nobody.{person.email}", password="x"),
    ):
        before = identity.hashes.made
        told.append(how(refused(person.stranger.identity.Login, request)))
        work.append(identity.hashes.made - before)
    assert told[0][0] is grpc.StatusCode.UNAUTHENTICATED
    assert told[0][2] == "SIGN_IN_FAILED"
    assert set(map(str, told)) == {str(told[0])}
    assert work == [1, 1, 1, 1]


def test_registering_a_known_email_changes_nothing_and_tells_nothing(person: Person) -> None:
    identity = person.service.identity
    assert identity is not None
    before = identity.hashes.made
    person.stranger.identity.Register(person.registering(password="another password"))
    person.stranger.identity.Register(person.registering(email=f"new.{person.email}"))
    assert identity.hashes.made - before == 2
    assert person.log_in().user_id
    refusal = refused(person.stranger.identity.Login, person.logging_in(password="another password"))
    assert refusal.reason == "SIGN_IN_FAILED"


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("1234567", "8 to 128 characters"),
        ("x" * 64 + "y" * 65, "8 to 128 characters"),
        # One character to who types it, eighteen to who compares.
        ("\ufdfa" * 8, "8 to 128 characters"),
        ("Password123", "no password that is commonly used"),
        ("aaaaaaaaaaaa", "no password that is commonly used"),
        ("Somebody@Example.org", "not the email"),
    ],
)
def test_a_password_that_anybody_guesses_or_that_is_too_short_is_refused(
    person: Person, password: str, rule: str
) -> None:
    request = pb.RegisterRequest(email="somebody@example.org", password=password)
    refusal = refused(person.stranger.identity.Register, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PASSWORD_UNSUITABLE")
    assert (refusal.violations, refusal.metadata["rule"]) == (["password"], rule)


@pytest.mark.parametrize("password", ["horse 8!", "x" * 127 + "y", "pässwörter sind lang", "🐎" * 7 + "🔋"])
def test_the_shortest_and_the_longest_are_counted_in_characters(person: Person, password: str) -> None:
    one = Person(person.service, f"{abs(hash(password))}@example.org", password)
    one.register()
    assert one.log_in().user_id


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b@c", "a b@example.org", f"{'x' * 250}@example.org", "a\0@example.org"]
)
def test_what_is_no_email_is_refused(person: Person, email: str) -> None:
    for call, request in (("Register", pb.RegisterRequest), ("Login", pb.LoginRequest)):
        refusal = refused(getattr(person.stranger.identity, call), request(email=email, password="irrelevant here"))
        assert (refusal.reason, refusal.violations) == ("INVALID_FIELD", ["email"])


def test_a_token_that_is_no_longer_good_does_not_keep_its_bearer_from_signing_in(person: Person) -> None:
    stale = person.service.as_bearer("no.token.atall")
    assert stale.identity.Login(person.logging_in()).user_id
    assert refused(stale.identity.Revoke, pb.RevokeRequest(all_sessions=True)).reason == "TOKEN_INVALID"


def test_what_is_stored_is_no_password_and_no_token(person: Person, rows: psycopg.Connection) -> None:
    tokens = person.log_in().tokens
    stored = rows.execute("SELECT u::text || s::text FROM users u JOIN sessions s USING (user_id)").fetchall()
    events = rows.execute("SELECT e::text FROM security_events e").fetchall()
    keys = rows.execute("SELECT k::text FROM token_keys k").fetchall()
    text = str((stored, events, keys))
    assert [secret for secret in (person.password, tokens.access_token, tokens.refresh_token) if secret in text] == []
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in text


def test_a_hash_of_weaker_parameters_is_renewed_by_the_next_sign_in(person: Person, rows: psycopg.Connection) -> None:
    from argon2 import PasswordHasher  # noqa: PLC0415

    weak = PasswordHasher(1, 1_024, 1).hash(person.password)
    rows.execute("UPDATE users SET password_hash = %s WHERE email = %s", [weak, person.email])
    person.log_in()
    row = rows.execute("SELECT password_hash FROM users WHERE email = %s", [person.email]).fetchone()
    assert row is not None
    assert "m=19456,t=2,p=1" in row[0]
    assert person.log_in().user_id


def test_what_happened_is_stored_and_stays(person: Person, rows: psycopg.Connection) -> None:
    user_id = person.log_in().user_id
    refused(person.stranger.identity.Login, person.logging_in(password="wrong horse battery"))
    kinds = rows.execute("SELECT kind FROM security_events WHERE user_id = %s ORDER BY event_id", [user_id]).fetchall()
    assert [kind for (kind,) in kinds] == ["REGISTERED", "SIGNED_IN", "SIGN_IN_FAILED"]
    for change in ("UPDATE security_events SET kind = ''", "DELETE FROM security_events", "TRUNCATE security_events"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows.execute(change)


def test_what_happened_long_ago_is_removed_and_nothing_else(person: Person, rows: psycopg.Connection) -> None:
    identity = person.service.identity
    assert identity is not None
    with identity.database.transaction() as connection, pytest.raises(DBAPIError, match="permission denied"):
        connection.execute(text("DELETE FROM security_events"))
    before = rows.execute("SELECT count(*) FROM security_events").fetchone()
    rows.execute(
        "INSERT INTO security_events SELECT ('01800000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'SIGNED_IN', "
        "NULL, '', 0, now() - n * interval '100 days' FROM generate_series(1, 9) n"
    )
    assert identity.remove_old_events() == 6
    assert identity.remove_old_events() == 0
    left = rows.execute("SELECT count(*), min(create_time) > now() - interval '301 days' FROM security_events")
    assert before is not None
    assert left.fetchone() == (before[0] + 3, True)
