"""A second factor: enrolled with the password, each code once, and a token that says so."""

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import jwt
import psycopg
import pytest

from credit.v1 import identity_service_pb2 as pb
from creditd.identity.attempts import TRIES_OF_CODE, WINDOW_SECONDS
from creditd.identity.second_factors import PENDING_SECONDS
from tests.support.person import Person, Phone, SignedIn
from tests.support.refusals import read_refusal, refused

pytestmark = pytest.mark.requirement("G3")


def enrolled(person: Person) -> tuple[SignedIn, Phone, list[str]]:
    """Return somebody's session, their authenticator, which was confirmed, and their recovery codes."""
    mine = person.signed_in()
    return mine, *mine.enrol()


def why_not(mine: SignedIn, code: str) -> tuple[str, str]:
    refusal = refused(mine.stubs.identity.StepUp, mine.stepping_up(code))
    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
    return refusal.reason, refusal.metadata.get("problem", "")


def test_a_token_says_that_a_second_factor_was_shown_and_when(person: Person) -> None:
    mine, phone, _ = enrolled(person)
    person.service.clock.advance(300)
    answer = mine.stubs.identity.StepUp(mine.stepping_up(phone.code()))
    claims: dict[str, Any] = jwt.decode(answer.access_token, options={"verify_signature": False})
    now = person.service.clock.now() // 1_000_000
    assert claims["amr"] == ["pwd", "otp"]
    assert abs(claims["auth_time"] - now) <= 2
    assert claims["exp"] == answer.access_token_expire_time.seconds
    assert (
        person.service.as_bearer(answer.access_token).identity.Revoke(pb.RevokeRequest(all_sessions=True)) is not None
    )


def test_a_code_counts_once(person: Person) -> None:
    mine, phone, _ = enrolled(person)
    assert why_not(mine, phone.code()) == ("SECOND_FACTOR_INVALID", "used")
    code = phone.next_code()
    assert mine.step_up(code)
    assert why_not(mine, code) == ("SECOND_FACTOR_INVALID", "used")
    assert why_not(mine, phone.code(-1)) == ("SECOND_FACTOR_INVALID", "used")
    assert mine.step_up(phone.next_code())


def test_of_many_at_once_with_one_code_one_counts(person: Person) -> None:
    mine, phone, _ = enrolled(person)
    code = phone.next_code()

    def attempt(_: int) -> str:
        try:
            return "given" if mine.step_up(code) else ""
        except grpc.RpcError as error:
            return read_refusal(error).reason

    with ThreadPoolExecutor(TRIES_OF_CODE) as threads:
        ends = sorted(threads.map(attempt, range(TRIES_OF_CODE)))
    assert ends == ["SECOND_FACTOR_INVALID"] * (TRIES_OF_CODE - 1) + ["given"]


def test_a_telephone_s_clock_may_be_half_a_minute_off(person: Person) -> None:
    mine, phone, _ = enrolled(person)
    person.service.clock.advance(300)
    assert why_not(mine, phone.code(2)) == ("SECOND_FACTOR_INVALID", "wrong")
    assert why_not(mine, phone.code(-2)) == ("SECOND_FACTOR_INVALID", "wrong")
    assert mine.step_up(phone.code(-1))
    assert mine.step_up(phone.code(1))
    assert why_not(mine, phone.code()) == ("SECOND_FACTOR_INVALID", "used")


def test_a_recovery_code_counts_once_and_however_it_is_typed(person: Person) -> None:
    mine, _, codes = enrolled(person)
    assert len(set(codes)) == 10
    assert mine.step_up(codes[0])
    assert why_not(mine, codes[0]) == ("SECOND_FACTOR_INVALID", "wrong")
    assert mine.step_up(codes[1].lower().replace("-", " "))
    assert why_not(mine, codes[1]) == ("SECOND_FACTOR_INVALID", "wrong")


def test_recovery_codes_are_replaced_for_a_code_of_the_authenticator_alone(person: Person) -> None:
    mine, phone, codes = enrolled(person)
    regenerate = mine.stubs.identity.RegenerateRecoveryCodes
    assert refused(regenerate, mine.regenerating(codes[0])).reason == "SECOND_FACTOR_INVALID"
    fresh = regenerate(mine.regenerating(phone.next_code())).recovery_codes
    assert not set(fresh) & set(codes)
    assert why_not(mine, codes[0]) == ("SECOND_FACTOR_INVALID", "wrong")
    assert mine.step_up(fresh[0])


def test_whoever_has_the_session_alone_enrols_nothing(person: Person) -> None:
    mine = person.signed_in()
    identity = mine.stubs.identity
    assert refused(identity.EnrolTotp, mine.enrolling(password="a guess of mine")).reason == "SIGN_IN_FAILED"
    refusal = refused(identity.ConfirmTotp, mine.confirming("123456"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SECOND_FACTOR_MISSING")
    assert refused(identity.StepUp, mine.stepping_up("123456")).reason == "SECOND_FACTOR_MISSING"


def test_what_was_not_confirmed_does_not_count(person: Person) -> None:
    mine = person.signed_in()
    identity = mine.stubs.identity
    phone = Phone(person, identity.EnrolTotp(mine.enrolling()).secret)
    assert refused(identity.StepUp, mine.stepping_up(phone.code())).reason == "SECOND_FACTOR_MISSING"
    assert refused(identity.ConfirmTotp, mine.confirming(phone.code(5))).reason == "SECOND_FACTOR_INVALID"


def test_what_waits_to_be_confirmed_does_not_wait_for_long(person: Person) -> None:
    mine = person.signed_in()
    identity = mine.stubs.identity
    phone = Phone(person, identity.EnrolTotp(mine.enrolling()).secret)
    person.service.clock.advance(PENDING_SECONDS)
    assert refused(identity.ConfirmTotp, mine.confirming(phone.code())).reason == "SECOND_FACTOR_MISSING"
    # The access token ends with the second wait.
    mine = person.signed_in()
    identity = mine.stubs.identity
    phone = Phone(person, identity.EnrolTotp(mine.enrolling()).secret)
    person.service.clock.advance(PENDING_SECONDS - 30)
    assert identity.ConfirmTotp(mine.confirming(phone.code())).recovery_codes


def test_another_password_ends_what_somebody_had_begun_to_enrol(person: Person) -> None:
    thief = person.signed_in()
    phone = Phone(person, thief.stubs.identity.EnrolTotp(thief.enrolling()).secret)
    change = pb.ChangePasswordRequest(
        current_password=person.password, new_password="battery staple horse", request_id="change"
    )
    tokens = person.signed_in().stubs.identity.ChangePassword(change).tokens
    mine = SignedIn(person, tokens)
    assert refused(thief.stubs.identity.ConfirmTotp, thief.confirming(phone.code())).reason == "SESSION_OVER"
    assert refused(mine.stubs.identity.ConfirmTotp, mine.confirming(phone.code())).reason == "SECOND_FACTOR_MISSING"


def test_another_authenticator_needs_the_one_so_far_or_a_recovery_code(person: Person) -> None:
    mine, phone, codes = enrolled(person)
    identity = mine.stubs.identity
    assert refused(identity.EnrolTotp, mine.enrolling()).reason == "SECOND_FACTOR_INVALID"
    answer = identity.EnrolTotp(mine.enrolling(codes[0]))
    # The one so far goes on until the new one is confirmed.
    assert mine.step_up(phone.next_code())
    other = Phone(person, answer.secret)
    fresh = identity.ConfirmTotp(mine.confirming(other.code())).recovery_codes
    assert why_not(mine, phone.next_code()) == ("SECOND_FACTOR_INVALID", "wrong")
    assert why_not(mine, codes[1]) == ("SECOND_FACTOR_INVALID", "wrong")
    assert mine.step_up(fresh[0])


def test_codes_are_tried_so_often(person: Person) -> None:
    mine, phone, _ = enrolled(person)
    for _ in range(TRIES_OF_CODE):
        assert why_not(mine, phone.code(9)) == ("SECOND_FACTOR_INVALID", "wrong")
    assert refused(mine.stubs.identity.StepUp, mine.stepping_up(phone.code(1))).reason == "SIGN_IN_LIMITED"
    person.service.clock.advance(WINDOW_SECONDS)
    # The access token has ended by then.
    mine = person.signed_in()
    assert mine.step_up(phone.code())


def test_a_token_whose_session_is_over_is_not_stepped_up_though_the_user_has_another(person: Person) -> None:
    """The access token of somebody who was thrown out lives on; what the user does meanwhile is of no use to it."""
    mine, phone, _ = enrolled(person)
    other = person.signed_in()
    mine.stubs.identity.Revoke(pb.RevokeRequest(refresh_token=mine.tokens.refresh_token))
    code, identity = phone.next_code(), mine.stubs.identity
    assert why_not(mine, code) == ("SESSION_OVER", "")
    for call, request in (
        (identity.EnrolTotp, mine.enrolling(code)),
        (identity.ConfirmTotp, mine.confirming(code)),
        (identity.RegenerateRecoveryCodes, mine.regenerating(code)),
    ):
        assert refused(call, request).reason == "SESSION_OVER"
    assert other.step_up(code)


def test_a_session_is_shown_by_its_current_token_and_by_its_own_user(person: Person) -> None:
    mine, phone, _ = enrolled(person)
    code = phone.next_code()
    current = person.refresh(mine.tokens.refresh_token).tokens
    stranger = Person(person.service, f"stranger.{person.email}")
    stranger.register()
    for shown in (mine.tokens.refresh_token, stranger.log_in().tokens.refresh_token, "crt_none", ""):
        refusal = refused(mine.stubs.identity.StepUp, pb.StepUpRequest(code=code, refresh_token=shown))
        assert refusal.reason == ("SESSION_OVER" if shown else "INVALID_FIELD")
    # It is shown, and not used up.
    assert SignedIn(person, current).step_up(code)
    assert person.refresh(current.refresh_token).user_id


def test_what_says_nothing_of_a_code_is_no_try_of_it(person: Person) -> None:
    """Or whoever has an access token could keep its user from stepping up."""
    mine, phone, _ = enrolled(person)
    code = phone.next_code()
    for _ in range(TRIES_OF_CODE + 1):
        request = pb.StepUpRequest(code="000000", refresh_token="crt_none")
        assert refused(mine.stubs.identity.StepUp, request).reason == "SESSION_OVER"
    assert mine.step_up(code)


def test_secrets_are_stored_encrypted_and_codes_hashed(person: Person, rows: psycopg.Connection) -> None:
    mine = person.signed_in()
    answer = mine.stubs.identity.EnrolTotp(mine.enrolling())
    assert answer.secret in answer.uri
    assert answer.uri.startswith("otpauth://totp/creditd%3A")
    code = Phone(person, answer.secret).code()
    codes = mine.stubs.identity.ConfirmTotp(mine.confirming(code)).recovery_codes
    stored = rows.execute(
        "SELECT a::text, c::text FROM authenticators a JOIN recovery_codes c USING (user_id)"
    ).fetchall()
    raw = base64.b32decode(answer.secret).hex()
    bare = [code.replace("-", "").encode().hex() for code in codes]
    assert [secret for secret in (answer.secret, raw, *codes, *bare) if secret in str(stored)] == []
