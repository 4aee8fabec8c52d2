"""Promo codes are made, redeemed, listed and ended (F1, F2)."""

from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from credit.v1 import account_pb2
from credit.v1 import promo_code_pb2 as code_pb
from credit.v1 import promo_service_pb2 as pb
from credit.v1.account_flag_pb2 import VELOCITY_KIND_PROMO_ATTEMPTS, ListAccountFlagsRequest
from creditd.ledger.ids import uuid7
from creditd.server.fingerprints import fingerprint
from creditd.service.promo.promo_attempts import MOST_WRONG_CODES
from tests.contract.at_once import was_replayed
from tests.support.customer import Customer, kind_of
from tests.support.patience import eventually
from tests.support.promos import (
    code_now,
    counted,
    ending,
    make_code,
    make_due,
    making,
    percent_bonus,
    percent_discount,
    redeeming,
    terms,
)
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("F1", "F2")


def why(call: Any, request: Any) -> tuple[str, str]:
    """Return the code and the reason of a refusal."""
    refusal = refused(call, request)
    return refusal.code.name, refusal.reason


def state_of(code: code_pb.PromoCode) -> str:
    """Return where a code stands."""
    return code_pb.PromoCodeState.Name(code.state).removeprefix("PROMO_CODE_STATE_")


@pytest.fixture
def owner(customer: Customer) -> SimpleNamespace:
    """Return the customer as a user, who redeems."""
    return customer.service.as_caller(customer.account_id, "USER")


def test_a_code_gives_its_credits_once_and_the_ledger_says_by_which(customer: Customer, owner: SimpleNamespace) -> None:
    code = make_code(customer.staff, terms(seconds=3_600))
    request = redeeming(customer.account_id, code.display_code.lower().replace("-", " "))
    answer, call = owner.promo.RedeemPromoCode.with_call(request)
    entry = answer.entry
    assert (kind_of(entry), entry.amount, answer.balance.available) == ("PROMO", 50, 50)
    assert dict(entry.metadata) == {"promo_code": code.name}
    (part,) = customer.wallet().grants
    assert 3_598 < part.expire_time.seconds - entry.create_time.seconds <= 3_600
    assert not was_replayed(call)
    again, call = owner.promo.RedeemPromoCode.with_call(request)
    assert (again, was_replayed(call)) == (answer, True)
    assert why(owner.promo.RedeemPromoCode, redeeming(customer.account_id, code.display_code)) == (
        "FAILED_PRECONDITION",
        "PROMO_ALREADY_USED",
    )
    now = code_now(customer.staff, code)
    assert (now.used_count, now.given_amount, now.most_amount, state_of(now)) == (1, 50, 5_000, "ACTIVE")
    found = counted(customer.service.config.database_url, code)
    assert (found["claims"], found["finished"], found["grants"]) == (1, 1, 1)


def test_the_same_request_id_with_another_code_is_refused_and_takes_no_use(customer: Customer) -> None:
    code, other = make_code(customer.staff), make_code(customer.staff)
    request = redeeming(customer.account_id, code.display_code)
    customer.staff.promo.RedeemPromoCode(request)
    reused = redeeming(customer.account_id, other.display_code, request_id=request.request_id)
    assert why(customer.staff.promo.RedeemPromoCode, reused) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    assert code_now(customer.staff, other).used_count == 0


@pytest.mark.requirement("C1")
def test_a_suspended_account_may_redeem_and_a_closed_one_may_not(customer: Customer) -> None:
    code, other = make_code(customer.staff), make_code(customer.staff)
    customer.top_up(1)
    customer.staff.admin.SetAccountStatus(customer.becoming(account_pb2.ACCOUNT_STATUS_SUSPENDED))
    assert (
        customer.staff.promo.RedeemPromoCode(redeeming(customer.account_id, code.display_code)).balance.available == 51
    )
    closing = customer.becoming(account_pb2.ACCOUNT_STATUS_CLOSED, allow_balance=True)
    customer.staff.admin.SetAccountStatus(closing)
    refusal = why(customer.staff.promo.RedeemPromoCode, redeeming(customer.account_id, other.display_code))
    assert refusal == ("FAILED_PRECONDITION", "ACCOUNT_CLOSED")
    assert code_now(customer.staff, other).used_count == 0


def test_each_reason_is_told(customer: Customer) -> None:
    redeem, account_id = customer.staff.promo.RedeemPromoCode, customer.account_id
    early = make_code(customer.staff, terms(start_time=customer.after(3_600)))
    refusal = refused(redeem, redeeming(account_id, early.display_code))
    assert (refusal.reason, refusal.metadata["problem"]) == ("PROMO_NOT_APPLICABLE", "NOT_YET")
    assert state_of(early) == "SCHEDULED"
    bonus = make_code(customer.staff, percent_bonus(10))
    refusal = refused(redeem, redeeming(account_id, bonus.display_code))
    assert (refusal.reason, refusal.metadata["problem"]) == ("PROMO_NOT_APPLICABLE", "NEEDS_PURCHASE")
    ended = make_code(customer.staff)
    assert state_of(customer.staff.promo.EndPromoCode(ending(ended)).promo_code) == "ENDED"
    assert why(redeem, redeeming(account_id, ended.display_code)) == ("FAILED_PRECONDITION", "PROMO_EXPIRED")
    single = make_code(customer.staff, terms(total_limit=1))
    redeem(redeeming(customer.another("first").account_id, single.display_code))
    assert why(redeem, redeeming(account_id, single.display_code)) == ("FAILED_PRECONDITION", "PROMO_EXHAUSTED")
    assert state_of(code_now(customer.staff, single)) == "EXHAUSTED"
    assert why(redeem, redeeming(account_id, "nobodys")) == ("NOT_FOUND", "PROMO_NOT_FOUND")


def test_it_ends_at_its_time_and_not_before(customer: Customer) -> None:
    code = make_code(customer.staff, terms(expire_time=customer.after(60), account_limit=2))
    redeem = customer.staff.promo.RedeemPromoCode
    redeem(redeeming(customer.account_id, code.display_code))
    customer.service.clock.advance(61)
    assert why(redeem, redeeming(customer.account_id, code.display_code))[1] == "PROMO_EXPIRED"
    assert state_of(code_now(customer.staff, code)) == "EXPIRED"


HOSTILE = [
    "<script>alert(1)</script>",
    "\u202e\u05e9\u05dc\u05d5\u05dd",
    "'; DROP TABLE promo_codes; --",
    "%00",
    "a" * 200,
]


@pytest.mark.parametrize("code", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_code_is_nobodys(customer: Customer, code: str) -> None:
    refusal = refused(customer.staff.promo.RedeemPromoCode, redeeming(customer.account_id, code))
    assert (refusal.code.name, refusal.reason) == ("NOT_FOUND", "PROMO_NOT_FOUND")
    assert code not in refusal.message


def test_who_goes_on_guessing_is_held_up_and_flagged(customer: Customer, owner: SimpleNamespace) -> None:
    code = make_code(customer.staff)
    for number in range(MOST_WRONG_CODES):
        # One that is tried again counts once.
        for _ in range(1 + (number == 0)):
            refused(owner.promo.RedeemPromoCode, redeeming(customer.account_id, f"guess{number:03}"))
    refusal = refused(owner.promo.RedeemPromoCode, redeeming(customer.account_id, code.display_code))
    assert (refusal.code.name, refusal.reason) == ("RESOURCE_EXHAUSTED", "PROMO_ATTEMPTS_LIMITED")
    assert refusal.retry is not None
    assert 3_500 < refusal.retry.retry_delay.seconds <= 3_600
    listed = ListAccountFlagsRequest(account_id=customer.account_id)
    (flag,) = customer.staff.admin.ListAccountFlags(listed).account_flags
    assert (flag.kind, flag.event_count, flag.suspended) == (VELOCITY_KIND_PROMO_ATTEMPTS, 11, False)
    others = customer.another("other")
    customer.staff.promo.RedeemPromoCode(redeeming(others.account_id, code.display_code))
    customer.service.clock.advance(3_601)
    owner.promo.RedeemPromoCode(redeeming(customer.account_id, code.display_code))


def test_a_request_id_that_was_used_tells_no_code_from_another(customer: Customer, owner: SimpleNamespace) -> None:
    """Whoever guesses with one, as often as the limit on calls lets through, learns nothing of any code."""
    redeemed, good = (make_code(customer.staff) for _ in range(2))
    ended, bonus = make_code(customer.staff), make_code(customer.staff, percent_bonus(10))
    customer.staff.promo.EndPromoCode(ending(ended))
    request = redeeming(customer.account_id, redeemed.display_code)
    first = owner.promo.RedeemPromoCode(request)
    status = customer.becoming(account_pb2.ACCOUNT_STATUS_ACTIVE)
    customer.staff.admin.SetAccountStatus(status)
    there = [redeemed.display_code.lower(), good.display_code, ended.display_code, bonus.display_code]
    guesses = [*there, "abc", "--", *(f"guess{number:03}" for number in range(MOST_WRONG_CODES + 1))]
    for request_id in (request.request_id, status.request_id):
        told = set()
        for guess in guesses:
            refusal = refused(owner.promo.RedeemPromoCode, redeeming(customer.account_id, guess, request_id=request_id))
            facts = {name: refusal.metadata[name] for name in ("used_by", "use_time")}
            told.add((refusal.code.name, refusal.reason, refusal.message, *facts.values()))
        (only,) = told
        assert only[:2] == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    again, call = owner.promo.RedeemPromoCode.with_call(request)
    assert (again, was_replayed(call)) == (first, True)


def test_an_owner_redeems_for_nobody_else_and_makes_no_codes(owner: SimpleNamespace) -> None:
    denied = ("PERMISSION_DENIED", "PERMISSION_DENIED")
    assert why(owner.promo.RedeemPromoCode, redeeming("somebody.else", "abc")) == denied
    assert why(owner.promo.CreatePromoCode, making()) == denied
    assert why(owner.promo.ListPromoCodes, pb.ListPromoCodesRequest()) == denied


def test_a_code_is_made_once_and_no_other_reads_the_same(customer: Customer) -> None:
    create, name = customer.staff.promo.CreatePromoCode, f"New-{uuid7()[-12:]}"
    request = making(name)
    tried = create(making(name, validate_only=True)).promo_code
    made, call = create.with_call(request)
    assert (tried.name, made.promo_code.display_code, was_replayed(call)) == (made.promo_code.name, name, False)
    again, call = create.with_call(request)
    assert (again.promo_code, was_replayed(call)) == (made.promo_code, True)
    assert why(create, making(name.upper().replace("-", " "))) == ("ALREADY_EXISTS", "PROMO_CODE_EXISTS")
    assert why(create, making(name, validate_only=True)) == ("ALREADY_EXISTS", "PROMO_CODE_EXISTS")
    other = making(f"x{name}", request_id=request.request_id)
    assert why(create, other) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")


@pytest.mark.parametrize(
    ("fields", "of"),
    [
        ({"display_code": "ab"}, terms()),
        ({"display_code": "שלום"}, terms()),
        ({}, terms(credits=0)),
        ({}, terms(total_limit=0)),
        ({}, percent_discount(100)),
        ({}, percent_bonus(10, minimum_amount=5)),
        ({"reason": ""}, terms()),
    ],
)
def test_what_makes_no_sense_is_refused(customer: Customer, fields: dict[str, str], of: code_pb.PromoTerms) -> None:
    assert why(customer.staff.promo.CreatePromoCode, making(of=of, **fields))[0] == "INVALID_ARGUMENT"


def test_a_credit_type_that_is_not_there_is_refused(customer: Customer) -> None:
    request = making(of=terms(credit_type="nothing"))
    assert why(customer.staff.promo.CreatePromoCode, request)[1] == "CREDIT_TYPE_NOT_FOUND"


def test_many_random_codes_are_made_by_one_call_each_with_its_own_count(customer: Customer) -> None:
    generate = customer.staff.promo.GeneratePromoCodes
    request = pb.GeneratePromoCodesRequest(
        prefix="VIP", count=250, terms=terms(total_limit=1), request_id=uuid7(), reason="a fair"
    )
    assert not generate(pb.GeneratePromoCodesRequest(**_fields(request), validate_only=True)).display_codes
    made, call = generate.with_call(request)
    assert len(set(made.display_codes)) == 250
    again, call = generate.with_call(request)
    assert (again, was_replayed(call)) == (made, True)
    first, second = made.display_codes[:2]
    for code in (first, second):
        customer.staff.promo.RedeemPromoCode(redeeming(customer.account_id, code))
    assert customer.balance().available == 100
    listed = _all(customer, series_id=made.series_id)
    assert {one.display_code for one in listed} == set(made.display_codes)
    assert len(_all(customer, series_id=made.series_id, state=code_pb.PROMO_CODE_STATE_EXHAUSTED)) == 2


def _fields(request: pb.GeneratePromoCodesRequest) -> dict[str, Any]:
    return {field.name: value for field, value in request.ListFields()}


def _all(customer: Customer, **fields: Any) -> list[code_pb.PromoCode]:
    found: list[code_pb.PromoCode] = []
    token = ""
    while True:
        request = pb.ListPromoCodesRequest(page_size=100, page_token=token, **fields)
        page = customer.staff.promo.ListPromoCodes(request)
        found += page.promo_codes
        token = page.next_page_token
        if not token:
            return found


def test_codes_are_listed_newest_first_by_what_they_are(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [make_code(customer.staff, of) for of in (terms(), percent_bonus(5), percent_discount(5), terms())]
    customer.staff.promo.EndPromoCode(ending(made[3]))
    monkeypatch.setattr("creditd.service.promo.promo_codes.SCANNED_ROWS", 3)
    names = {one.name for one in made}

    def listed(**fields: Any) -> list[str]:
        return [one.name for one in _all(customer, **fields) if one.name in names]

    assert listed() == [one.name for one in reversed(made)]
    assert listed(kind=code_pb.PROMO_KIND_PERCENT_BONUS) == [made[1].name]
    assert listed(state=code_pb.PROMO_CODE_STATE_ENDED) == [made[3].name]
    assert listed(code=f" {made[2].display_code.lower()} ") == [made[2].name]
    assert listed(code="--") == []
    wrong = pb.ListPromoCodesRequest(page_token="x")  # noqa: S106 - it is none.
    assert why(customer.staff.promo.ListPromoCodes, wrong)[1] == "PAGE_TOKEN_INVALID"
    unknown = pb.GetPromoCodeRequest(name="promoCodes/nobodys")
    assert why(customer.staff.promo.GetPromoCode, unknown) == ("NOT_FOUND", "PROMO_NOT_FOUND")


def test_what_was_claimed_and_not_given_is_given_by_itself(customer: Customer) -> None:
    code, url = make_code(customer.staff), customer.service.config.database_url
    _left_behind(url, code, customer.account_id, value=50)
    make_due(url)
    eventually(lambda: counted(url, code)["finished"] == 1)
    assert customer.balance().available == 50
    found = counted(url, code)
    assert (found["used"], found["grants"]) == (1, 1)


@pytest.mark.requirement("A7")
def test_a_request_that_was_cut_off_is_finished_by_its_repeat_and_by_no_other(customer: Customer) -> None:
    code, url = make_code(customer.staff, terms(account_limit=5)), customer.service.config.database_url
    request = redeeming(customer.account_id, code.display_code)
    _left_behind(url, code, customer.account_id, value=50, request=request)
    redeem = customer.staff.promo.RedeemPromoCode
    other = redeeming(customer.account_id, code.display_code.lower(), request_id=request.request_id)
    assert why(redeem, other) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    assert redeem(request).balance.available == 50
    found = counted(url, code)
    assert (found["used"], found["claims"], found["finished"], found["grants"]) == (1, 1, 1, 1)


def test_what_an_account_does_not_take_goes_back_to_the_code(customer: Customer) -> None:
    code, url = make_code(customer.staff), customer.service.config.database_url
    customer.top_up(1)
    closing = customer.becoming(account_pb2.ACCOUNT_STATUS_CLOSED, allow_balance=True)
    customer.staff.admin.SetAccountStatus(closing)
    request_id = _left_behind(url, code, customer.account_id, value=50)
    make_due(url)
    eventually(lambda: counted(url, code)["claims"] == 0)
    assert (counted(url, code)["used"], counted(url, code)["given"]) == (0, 0)
    # Whoever was slow with the first request cannot bring the credits any more.
    customer.staff.admin.SetAccountStatus(customer.becoming(account_pb2.ACCOUNT_STATUS_ACTIVE))
    late = redeeming(customer.account_id, code.display_code, request_id=request_id)
    assert why(customer.staff.promo.RedeemPromoCode, late)[1] == "REQUEST_ID_REUSED"
    customer.staff.promo.RedeemPromoCode(redeeming(customer.account_id, code.display_code))
    assert customer.balance().available == 51


def _left_behind(
    url: str, code: code_pb.PromoCode, account_id: str, value: int, request: pb.RedeemPromoCodeRequest | None = None
) -> str:
    """Leave a claim as a server that was killed leaves it, by a request or by any; return its request id."""
    request_id, content = (request.request_id, fingerprint(request)) if request else (uuid7(), 1)
    code_id = code.name.removeprefix("promoCodes/")
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE promo_codes SET used = used + 1, given = given + %s WHERE code = %s", (value, code_id)
        )
        connection.execute(
            """
            INSERT INTO promo_claims (code, account_id, ordinal, request_id, fingerprint, actor, value, credit_type,
                                      grant_id, claim_time, tries, next_try_time)
            VALUES (%s, %s, 1, %s, %s, 'tests', %s, 'chat', gen_random_uuid(), now(), 0, now() + interval '1 hour')
            """,
            (code_id, account_id, request_id, content, value),
        )
    return request_id
