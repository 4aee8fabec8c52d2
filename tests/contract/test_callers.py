"""Who calls is told by a token, and decides before anything is looked up (H2, D3)."""

from collections.abc import Mapping
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from credit.v1 import credit_service_pb2 as credit
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit.v1.support_service_pb2_grpc import SupportServiceStub
from tests.contract.leaks import tells_nothing_of_our_insides
from tests.contract.requests_taken import METHODS
from tests.support.customer import Customer
from tests.support.refusals import refused
from tests.support.service import RunningService
from tests.support.tokens import KEY, KEY_ID, bearer

UNKNOWN = "01890000-0000-7000-8000-000000000000"

BATCHES = {
    "BatchReserve": credit.BatchReserveRequest(),
    "BatchConfirm": credit.BatchConfirmRequest(),
    "BatchDeduct": credit.BatchDeductRequest(),
}

OWN = {
    *(
        "GetBalance",
        "GetHistoricalBalance",
        "GetUsageSummary",
        "GetReservation",
        "ListReservations",
        "ListTransactions",
        "WatchBalance",
    )
}
"""What a user may call, for the account that is theirs."""


FAR_SECONDS = 2**33
"""A time that is to come, however long after their collection the tests run."""


def signed(key: Any = KEY, algorithm: str = "EdDSA", kid: str | None = KEY_ID, **claims: Any) -> str:
    """Return an authorization header whose token is as asked for, and outlasts a run of all tests."""
    stated = {"sub": "app", "roles": ["ADMIN"], "exp": FAR_SECONDS} | claims
    stated = {name: value for name, value in stated.items() if value is not None}
    return "Bearer " + jwt.encode(stated, key, algorithm=algorithm, headers={"kid": kid} if kid else {})


def unsigned() -> str:
    """Return a token of the algorithm "none"."""
    return "Bearer " + jwt.encode({"sub": "app", "roles": ["ADMIN"], "exp": FAR_SECONDS}, "", algorithm="none")


PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

BAD_TOKENS: Mapping[str, str] = {
    "none": "",
    "no scheme": bearer("app", ["ADMIN"]).removeprefix("Bearer "),
    "another scheme": "Basic YXBwOmFwcA==",
    "no token": "Bearer ",
    "no JWT": "Bearer x.y.z",
    "cut off": bearer("app", ["ADMIN"])[:-4],
    "changed": bearer("app", ["USER"]).replace("Bearer eyJ", "Bearer eyI"),
    "unsigned": unsigned(),
    "another's key": signed(Ed25519PrivateKey.generate()),
    "the public key as a secret": signed(PUBLIC.hex(), "HS256"),
    "an unknown key": signed(kid="../../secret"),
    "an endless key id": signed(kid="k" * 5_000),
    "no key id, and a signature of nobody's": signed(Ed25519PrivateKey.generate(), kid=None),
    "no subject": signed(sub=None),
    "an empty subject": signed(sub=""),
    "no end": signed(exp=None),
    "not yet valid": signed(nbf=FAR_SECONDS - 600),
    "roles that are no list": signed(roles="ADMIN"),
    "far too long": "Bearer " + "x" * 9_000,
}


def stubs(service: RunningService) -> dict[str, Any]:
    """Return every call by its name, without a token."""
    channel = service.channel()
    return {
        **vars(CreditServiceStub(channel)),
        **vars(AdminServiceStub(channel)),
        **vars(SupportServiceStub(channel)),
    }


@pytest.mark.requirement("D3", "H2")
@pytest.mark.parametrize("problem", BAD_TOKENS)
def test_a_token_that_does_not_verify_is_refused(customer: Customer, problem: str) -> None:
    customer.top_up(10)
    call = stubs(customer.service)["Deduct"]
    header = BAD_TOKENS[problem]
    refusal = refused(call, customer.deducting(1), metadata=[("authorization", header)] if header else [])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
    assert tells_nothing_of_our_insides(refusal)
    assert not header[10:] or header[10:60] not in refusal.message
    assert customer.figures() == (10, 0)


@pytest.mark.requirement("H2")
def test_a_token_whose_time_is_over_is_refused_as_such(customer: Customer) -> None:
    """So that its caller knows to fetch a new one."""
    customer.top_up(10)
    metadata = [("authorization", bearer("app", ["ADMIN"], ttl_seconds=-60))]
    refusal = refused(stubs(customer.service)["Deduct"], customer.deducting(1), metadata=metadata)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")
    assert customer.figures() == (10, 0)


def request_of(method: str, customer: Customer) -> Any:
    """Return a request that an administrator's call would be taken with."""
    return BATCHES[method] if method in BATCHES else METHODS[method].make(customer)


@pytest.mark.requirement("D3")
@pytest.mark.parametrize("method", [*METHODS, *BATCHES])
def test_no_method_answers_without_a_token(customer: Customer, method: str) -> None:
    customer.top_up(10)
    refusal = refused(stubs(customer.service)[method], request_of(method, customer), timeout=20)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
    assert refusal.metadata["problem"] == "missing"


@pytest.mark.requirement("D3")
@pytest.mark.parametrize("method", [*METHODS, *BATCHES])
@pytest.mark.parametrize("role", ["USER", "PREMIUM", "SERVICE", "NOBODY"])
def test_no_method_answers_who_may_not_call_it(customer: Customer, method: str, role: str) -> None:
    """A user on another's account, a service without a scope, somebody without a role."""
    customer.top_up(10)
    metadata = [("authorization", bearer("somebody", [role]))]
    request = request_of(method, customer)
    held = customer.balance()
    refusal = refused(stubs(customer.service)[method], request, timeout=20, metadata=metadata)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert refusal.metadata["method"].endswith(f"/{method}")
    assert tells_nothing_of_our_insides(refusal)
    assert customer.balance() == held


@pytest.mark.requirement("D3")
@pytest.mark.parametrize("method", METHODS)
def test_a_user_reads_their_own_account_and_does_nothing_else(customer: Customer, method: str) -> None:
    customer.top_up(10)
    request = METHODS[method].make(customer)
    metadata = [("authorization", bearer(customer.account_id, ["USER"]))]
    call = stubs(customer.service)[method]
    if method not in OWN:
        assert refused(call, request, metadata=metadata, timeout=20).code == grpc.StatusCode.PERMISSION_DENIED
        return
    answer = call(request, metadata=metadata, timeout=20)
    if hasattr(answer, "__next__"):
        assert next(answer)
        answer.cancel()


@pytest.mark.requirement("D3")
def test_a_refusal_does_not_tell_whether_anything_exists(customer: Customer) -> None:
    """A user gets the same word for by word about another's account, reservation, and what never was."""
    customer.top_up(100)
    name = customer.hold(5)
    unseen = customer.another("unseen")
    metadata = [("authorization", bearer("somebody", ["USER"])), ("x-correlation-id", "same")]
    calls = stubs(customer.service)

    def told(method: str, request: Any) -> Any:
        refusal = refused(calls[method], request, metadata=metadata, timeout=20)
        return refusal.code, refusal.message, refusal.metadata, refusal.localized.message, refusal.violations

    for method in ("Confirm", "Refund", "ExtendReservation", "GetReservation"):
        answers = []
        for reservation in (
            name,
            name[:-36] + UNKNOWN,
            name.replace(customer.account_id, unseen.account_id),
            "no name",
        ):
            request: Any = METHODS[method].make(customer)
            request.name = reservation
            answers.append(told(method, request))
        assert answers == [answers[0]] * 4, method
    for method in ("GetBalance", "ListTransactions", "Deduct", "GetAccount"):
        answers = [told(method, METHODS[method].make(one)) for one in (customer, unseen)]
        assert answers[0] == answers[1], method
    assert not unseen.entries("")


@pytest.mark.requirement("D3")
def test_a_scope_opens_what_it_is_for_and_nothing_else(customer: Customer) -> None:
    customer.top_up(10)
    spend = customer.service.as_caller("spender", "SERVICE", scope="credits.spend")
    read = customer.service.as_caller("reader", "SERVICE", scope="credits.read other.scope")
    assert spend.credit.Deduct(customer.deducting(1)).balance.available == 9
    balance = credit.GetBalanceRequest(account_id=customer.account_id)
    assert refused(spend.credit.GetBalance, balance).code == grpc.StatusCode.PERMISSION_DENIED
    assert read.credit.GetBalance(balance).account_balance.account_id == customer.account_id
    assert refused(read.credit.Deduct, customer.deducting(1)).code == grpc.StatusCode.PERMISSION_DENIED
    assert refused(read.admin.RemoveCredits, customer.removing(1)).code == grpc.StatusCode.PERMISSION_DENIED
    assert customer.figures() == (9, 0)


@pytest.mark.requirement("D3")
def test_several_roles_add_up(customer: Customer) -> None:
    both = customer.service.as_caller(customer.account_id, "USER", "SUPPORT")
    another = customer.another("x")
    another.balance()
    assert both.credit.GetBalance(credit.GetBalanceRequest(account_id=another.account_id))
    assert refused(both.credit.Deduct, customer.deducting(1)).code == grpc.StatusCode.PERMISSION_DENIED
