"""A password changed: the others' sessions end, and a lost answer is given again."""

from typing import Any

import grpc
import psycopg
import pytest

from credit.v1 import identity_service_pb2 as pb
from creditd.identity.password_hashes import PasswordHashes
from tests.support.patience import eventually
from tests.support.person import PASSWORD, Person
from tests.support.refusals import read_refusal, refused

pytestmark = pytest.mark.requirement("G3")

NEW = "battery staple horse"


def changing(**fields: str) -> pb.ChangePasswordRequest:
    """Return the request to change a password."""
    return pb.ChangePasswordRequest(
        **{"current_password": PASSWORD, "new_password": NEW, "request_id": "change-1"} | fields
    )


def test_a_password_is_changed_and_every_session_is_revoked(person: Person) -> None:
    others = [person.log_in() for _ in range(2)]
    mine = person.service.as_bearer(others[0].tokens.access_token)
    answer = mine.identity.ChangePassword(changing())
    for other in others:
        request = person.refreshing(other.tokens.refresh_token)
        assert refused(person.stranger.identity.Refresh, request).reason == "REFRESH_TOKEN_INVALID"
    assert person.refresh(answer.tokens.refresh_token).user_id
    assert refused(person.stranger.identity.Login, person.logging_in()).reason == "SIGN_IN_FAILED"
    assert person.log_in(password=NEW).user_id == others[0].user_id


def test_a_lost_answer_is_given_again(person: Person) -> None:
    mine = person.service.as_bearer(person.log_in().tokens.access_token)
    mine.identity.ChangePassword(changing())
    answer, call = mine.identity.ChangePassword.with_call(changing())
    assert ("replayed", "true") in call.trailing_metadata()
    assert person.refresh(answer.tokens.refresh_token).user_id


def test_a_request_is_of_one_password(person: Person) -> None:
    mine = person.signed_in().stubs
    mine.identity.ChangePassword(changing())
    for current in (PASSWORD, NEW):
        again = changing(current_password=current, new_password="another staple horse")
        refusal = refused(mine.identity.ChangePassword, again)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
        assert (refusal.metadata["request_id"], refusal.metadata["used_by"]) == ("change-1", "ChangePassword")
    assert person.log_in(password=NEW).user_id


WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid"
"""How many wait for this transaction's end."""


def log_in_meanwhile(person: Person, rows: psycopg.Connection, change: str, password_hash: str) -> Any:
    """Sign in by the password so far while the user's row is changed, and return the call."""
    with rows.transaction():
        rows.execute(change, [password_hash, person.email])
        call = person.stranger.identity.Login.future(person.logging_in())
        # It has seen the password so far by now, and compared it.
        assert eventually(lambda: rows.execute(WAITING).fetchone() == (1,))
    return call


def test_whoever_signs_in_while_the_password_is_changed_is_as_late_as_it_seems(
    person: Person, rows: psycopg.Connection
) -> None:
    """Or the session would outlive the change, which revokes every session."""
    change = "UPDATE users SET password_hash = %s, update_time = update_time + interval '1 second' WHERE email = %s"
    call = log_in_meanwhile(person, rows, change, PasswordHashes().hash(NEW))
    assert read_refusal(call.exception()).reason == "SIGN_IN_FAILED"
    assert person.log_in(password=NEW).user_id


def test_another_hash_of_the_same_password_keeps_nobody_out(person: Person, rows: psycopg.Connection) -> None:
    change = "UPDATE users SET password_hash = %s WHERE email = %s"
    call = log_in_meanwhile(person, rows, change, PasswordHashes().hash(PASSWORD))
    assert call.result().user_id


def test_a_password_that_nobody_can_have_chosen_is_not_compared(person: Person, rows: psycopg.Connection) -> None:
    """One character of Unicode may be eighteen once it is normal: what strangers have hashed is bounded after that."""
    long = "x" * 200
    rows.execute("UPDATE users SET password_hash = %s WHERE email = %s", [PasswordHashes().hash(long), person.email])
    assert refused(person.stranger.identity.Login, person.logging_in(password=long)).reason == "SIGN_IN_FAILED"


def test_whoever_does_not_know_the_password_changes_nothing(person: Person) -> None:
    """Someone may have found a device that is signed in."""
    answer = person.log_in()
    mine = person.service.as_bearer(answer.tokens.access_token)
    refusal = refused(mine.identity.ChangePassword, changing(current_password="a guess of mine"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "SIGN_IN_FAILED")
    assert person.refresh(answer.tokens.refresh_token).user_id
    assert person.log_in().user_id


@pytest.mark.parametrize(("new", "rule"), [("short", "8 to 128"), ("password123", "commonly"), ("{email}", "email")])
def test_the_new_one_keeps_the_rules(person: Person, new: str, rule: str) -> None:
    mine = person.service.as_bearer(person.log_in().tokens.access_token)
    refusal = refused(mine.identity.ChangePassword, changing(new_password=new.format(email=person.email)))
    assert (refusal.reason, refusal.violations) == ("PASSWORD_UNSUITABLE", ["new_password"])
    assert rule in refusal.metadata["rule"]
    assert person.log_in().user_id


def test_of_two_changes_at_once_with_the_same_old_password_one_is_done(person: Person) -> None:
    mine = person.service.as_bearer(person.log_in().tokens.access_token)
    first = mine.identity.ChangePassword.future(changing(request_id="one", new_password="the first of two"))
    second = mine.identity.ChangePassword.future(changing(request_id="two", new_password="the second of two"))
    codes = sorted(call.code().name for call in (first, second))
    assert codes == ["OK", "UNAUTHENTICATED"]
