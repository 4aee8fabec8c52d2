"""Refresh tokens: used once, a second use by others ends the session, a lost answer is given again."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import psycopg
import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import identity_service_pb2 as pb
from creditd.identity.refresh_tokens import PREFIX, RefreshTokens
from creditd.identity.sessions import MAX_SESSIONS
from creditd.identity.storage import sessions
from creditd.identity.storage.sessions import REMOVED_AT_ONCE
from tests.support.person import Person
from tests.support.refusals import read_refusal, refused

pytestmark = pytest.mark.requirement("G3")

DAYS_SECONDS = 86_400


def why_not(person: Person, token: str, **fields: Any) -> str:
    refusal = refused(person.stranger.identity.Refresh, person.refreshing(token, **fields))
    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
    return refusal.reason


def test_tokens_are_renewed_and_each_is_used_once(person: Person) -> None:
    first = person.log_in()
    second = person.refresh(first.tokens.refresh_token)
    third = person.refresh(second.tokens.refresh_token)
    tokens = [answer.tokens.refresh_token for answer in (first, second, third)]
    assert len(set(tokens)) == 3
    assert first.tokens.refresh_token_expire_time == third.tokens.refresh_token_expire_time
    mine = person.service.as_bearer(third.tokens.access_token)
    assert mine.credit.GetBalance(credit.GetBalanceRequest(account_id=third.user_id))


def test_a_token_that_is_used_a_second_time_ends_its_session(person: Person, rows: psycopg.Connection) -> None:
    other = person.log_in().tokens.refresh_token
    stolen = person.log_in().tokens.refresh_token
    current = person.refresh(stolen).tokens.refresh_token
    assert why_not(person, stolen) == "REFRESH_TOKEN_REUSED"
    assert why_not(person, current) == "REFRESH_TOKEN_INVALID"
    assert why_not(person, stolen) == "REFRESH_TOKEN_INVALID"
    assert person.refresh(other).user_id
    found = rows.execute("SELECT count(*) FROM security_events WHERE kind = 'REFRESH_TOKEN_REUSED'").fetchone()
    assert found is not None
    assert found[0] >= 1


def test_the_oldest_token_is_recognised_too(person: Person) -> None:
    first = token = person.log_in().tokens.refresh_token
    for _ in range(3):
        token = person.refresh(token).tokens.refresh_token
    assert why_not(person, first) == "REFRESH_TOKEN_REUSED"
    assert why_not(person, token) == "REFRESH_TOKEN_INVALID"


def test_a_lost_answer_is_given_again_to_the_same_request(person: Person) -> None:
    token = person.log_in().tokens.refresh_token
    request = person.refreshing(token)
    first = person.stranger.identity.Refresh(request)
    again, call = person.stranger.identity.Refresh.with_call(request)
    assert again.tokens.refresh_token == first.tokens.refresh_token
    assert ("replayed", "true") in call.trailing_metadata()
    assert person.refresh(again.tokens.refresh_token).user_id


def test_the_same_request_much_later_is_a_second_use(person: Person) -> None:
    request = person.refreshing(person.log_in().tokens.refresh_token)
    current = person.stranger.identity.Refresh(request).tokens.refresh_token
    person.service.clock.advance(31)
    assert refused(person.stranger.identity.Refresh, request).reason == "REFRESH_TOKEN_REUSED"
    assert why_not(person, current) == "REFRESH_TOKEN_INVALID"


def test_a_lost_answer_is_not_given_again_once_its_token_was_used(person: Person) -> None:
    request = person.refreshing(person.log_in().tokens.refresh_token)
    person.refresh(person.stranger.identity.Refresh(request).tokens.refresh_token)
    assert refused(person.stranger.identity.Refresh, request).reason == "REFRESH_TOKEN_REUSED"


def test_of_many_at_once_with_one_token_one_wins_and_the_session_ends(person: Person) -> None:
    token, stubs = person.log_in().tokens.refresh_token, person.stranger

    def attempt(_: int) -> str:
        try:
            return str(stubs.identity.Refresh(person.refreshing(token)).tokens.refresh_token)
        except grpc.RpcError as error:
            return read_refusal(error).reason

    with ThreadPoolExecutor(8) as threads:
        ends = list(threads.map(attempt, range(8)))
    (won,) = [end for end in ends if end.startswith(PREFIX)]
    assert ends.count("REFRESH_TOKEN_REUSED") == 1
    assert why_not(person, won) == "REFRESH_TOKEN_INVALID"


def test_of_many_at_once_with_one_request_all_have_the_same_answer(person: Person) -> None:
    request, stubs = person.refreshing(person.log_in().tokens.refresh_token), person.stranger
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(stubs.identity.Refresh, [request] * 8))
    (token,) = {answer.tokens.refresh_token for answer in answers}
    assert person.refresh(token).user_id


@pytest.mark.parametrize("token", ["x", "crt_", "crt_AAAA", "crt_" + "A" * 91, "crt_é", "crt_" + "A" * 90 + "!"])
def test_a_token_that_is_made_up_is_none(person: Person, token: str) -> None:
    assert why_not(person, token) == "REFRESH_TOKEN_INVALID"


def test_a_forged_one_ends_nobody_s_session(person: Person) -> None:
    """Who knows the id of a session, and what tokens look like, has no seal for them."""
    good = person.log_in().tokens.refresh_token
    identity = person.service.identity
    assert identity is not None
    read = RefreshTokens(identity.cipher.key("refresh tokens")).read(good)
    assert read is not None
    forged = RefreshTokens(b"another key").first(read.session_id)
    assert why_not(person, forged.text) == "REFRESH_TOKEN_INVALID"
    changed = good[:-1] + ("A" if good[-1] != "A" else "Q")
    assert why_not(person, changed) == "REFRESH_TOKEN_INVALID"
    assert person.refresh(good).user_id


def test_a_session_ends_with_its_time_however_often_it_was_refreshed(person: Person) -> None:
    token = person.log_in().tokens.refresh_token
    person.service.clock.advance(29 * DAYS_SECONDS)
    token = person.refresh(token).tokens.refresh_token
    person.service.clock.advance(DAYS_SECONDS)
    assert why_not(person, token) == "REFRESH_TOKEN_INVALID"


def test_an_access_token_ends_with_its_time(person: Person) -> None:
    mine = person.service.as_bearer(person.log_in().tokens.access_token)
    person.service.clock.advance(900 + 29)
    assert mine.identity.Revoke(pb.RevokeRequest(refresh_token="none")) == pb.RevokeResponse()
    person.service.clock.advance(2)
    assert refused(mine.identity.Revoke, pb.RevokeRequest(all_sessions=True)).reason == "TOKEN_EXPIRED"


def test_a_session_is_revoked_by_its_own_user_alone(person: Person) -> None:
    mine, other = person.log_in(), Person(person.service, f"other.{person.email}")
    other.register()
    theirs = other.service.as_bearer(other.log_in().tokens.access_token)
    theirs.identity.Revoke(pb.RevokeRequest(refresh_token=mine.tokens.refresh_token))
    token = person.refresh(mine.tokens.refresh_token).tokens.refresh_token
    own = person.service.as_bearer(mine.tokens.access_token)
    own.identity.Revoke(pb.RevokeRequest(refresh_token=mine.tokens.refresh_token))
    assert why_not(person, token) == "REFRESH_TOKEN_INVALID"


def test_all_sessions_are_revoked_at_once(person: Person) -> None:
    answers = [person.log_in() for _ in range(3)]
    person.service.as_bearer(answers[0].tokens.access_token).identity.Revoke(pb.RevokeRequest(all_sessions=True))
    assert {why_not(person, answer.tokens.refresh_token) for answer in answers} == {"REFRESH_TOKEN_INVALID"}


def test_of_so_many_sessions_the_oldest_ends(person: Person, rows: psycopg.Connection) -> None:
    mine = person.log_in()
    # Older than it, by their ids.
    rows.execute(
        "INSERT INTO sessions SELECT ('01800000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, user_id, 0, "
        "token_hash, '', refresh_time, sign_in_time, expire_time, NULL, '' FROM sessions, generate_series(1, %s) n "
        "WHERE user_id = %s",
        [MAX_SESSIONS - 1, mine.user_id],
    )
    person.log_in()
    live = rows.execute(
        "SELECT session_id::text FROM sessions WHERE user_id = %s AND revoke_time IS NULL ORDER BY session_id",
        [mine.user_id],
    ).fetchall()
    assert (len(live), live[0][0]) == (MAX_SESSIONS, "01800000-0000-7000-8000-000000000002")
    assert person.refresh(mine.tokens.refresh_token).user_id


@pytest.mark.parametrize("request_", [pb.RevokeRequest(), pb.RevokeRequest(all_sessions=False)], ids=["none", "false"])
def test_what_is_to_be_revoked_is_said(person: Person, request_: pb.RevokeRequest) -> None:
    mine = person.service.as_bearer(person.log_in().tokens.access_token)
    assert refused(mine.identity.Revoke, request_).reason == "INVALID_FIELD"


def test_who_is_registered_elsewhere_is_nobody_here(person: Person) -> None:
    """Nor is it who writes a user's id in another form, or a service account that has it."""
    user_id = person.log_in().user_id
    forms = (user_id.upper(), user_id.replace("-", ""), f"{{{user_id}}}", f"urn:uuid:{user_id}")
    callers = [(subject, "USER") for subject in ("ann", "01975c5e-0000-7000-8000-000000000000", *forms)]
    for claims in (*callers, (user_id, "USER", "SERVICE")):
        caller = person.service.as_caller(*claims)
        request = pb.ChangePasswordRequest(current_password="irrelevant", new_password="also so", request_id="1")
        refusal = refused(caller.identity.ChangePassword, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND")


def test_sessions_that_have_ended_are_deleted_some_at_a_time(person: Person, rows: psycopg.Connection) -> None:
    live = person.log_in()
    rows.execute(
        "INSERT INTO sessions SELECT gen_random_uuid(), user_id, 0, token_hash, '', refresh_time, sign_in_time, "
        "sign_in_time, NULL, '' FROM sessions, generate_series(1, 2500) WHERE user_id = %s",
        [live.user_id],
    )
    identity = person.service.identity
    assert identity is not None
    with identity.database.transaction() as connection:
        assert sessions.remove_ended(connection, person.service.clock.now()) == REMOVED_AT_ONCE
        assert sessions.remove_ended(connection, person.service.clock.now()) == REMOVED_AT_ONCE
        assert 500 <= sessions.remove_ended(connection, person.service.clock.now()) < REMOVED_AT_ONCE
    assert person.refresh(live.tokens.refresh_token).user_id
