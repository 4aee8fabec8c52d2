"""People of an outside issuer are served as their tokens say, and stay apart from everybody else's."""

import time
from collections.abc import Iterator
from typing import Any

import grpc
import jwt
import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1.admin_service_pb2 import GetAccountRequest
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from tests.support.outside_issuer import OutsideIssuer, outside_issuer, write_issuers
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service
from tests.support.tokens import KEY, KEY_ID, bearer

pytestmark = pytest.mark.requirement("G4")


@pytest.fixture(scope="module")
def shop() -> Iterator[OutsideIssuer]:
    """Return an issuer whose buyers are our users."""
    with outside_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory, shop: OutsideIssuer) -> Iterator[RunningService]:
    """Run a service that believes the issuer, beside the key file that all tests have."""
    folder = tmp_path_factory.mktemp("issuers")
    entry = shop.entry(claims={"roles": "realm.roles"}, roles={"buyer": "USER", "clerk": "SUPPORT"})
    with running_service(folder, issuers_file=str(write_issuers(folder, entry))) as service:
        yield service


def ask(service: RunningService, account_id: str, token: str) -> Any:
    """Ask for a balance; return the answer, or how it was refused."""
    stub = CreditServiceStub(service.channel())
    request, metadata = credit.GetBalanceRequest(account_id=account_id), (("authorization", token),)
    try:
        return stub.GetBalance(request, metadata=metadata, timeout=10).account_balance.account_id
    except grpc.RpcError:
        refusal = refused(stub.GetBalance, request, metadata=metadata, timeout=10)
        return refusal.code.name, refusal.reason, refusal.metadata.get("problem", "")


def test_somebody_of_an_outside_issuer_is_served_under_the_issuers_prefix(
    trusting: RunningService, shop: OutsideIssuer
) -> None:
    buyer = shop.bearer(sub="ann", realm={"roles": ["buyer"]})
    assert ask(trusting, "shop:ann", buyer) == "shop:ann"
    assert ask(trusting, "ann", buyer) == ("PERMISSION_DENIED", "PERMISSION_DENIED", "")
    assert ask(trusting, "ann", bearer("ann", ["USER"])) == "ann"
    assert ask(trusting, "shop:ann", bearer("ann", ["USER"])) == ("PERMISSION_DENIED", "PERMISSION_DENIED", "")


def test_a_method_that_is_not_hot_knows_the_issuer_too(trusting: RunningService, shop: OutsideIssuer) -> None:
    stub = AdminServiceStub(trusting.channel())
    request = GetAccountRequest(name="accounts/nobody")
    clerk = (("authorization", shop.bearer(realm={"roles": ["clerk"]})),)
    buyer = (("authorization", shop.bearer(realm={"roles": ["buyer", "ADMIN"]})),)
    assert refused(stub.GetAccount, request, metadata=clerk).reason == "ACCOUNT_NOT_FOUND"
    assert refused(stub.GetAccount, request, metadata=buyer).reason == "PERMISSION_DENIED"


def test_bad_tokens_of_an_outside_issuer_are_refused(trusting: RunningService, shop: OutsideIssuer) -> None:
    invalid = "UNAUTHENTICATED", "TOKEN_INVALID"
    assert ask(trusting, "ann", shop.bearer(aud="other")) == (*invalid, "aud")
    assert ask(trusting, "ann", shop.bearer(aud=None)) == (*invalid, "claim missing")
    assert ask(trusting, "ann", shop.bearer(nbf=int(time.time()) + 600)) == (*invalid, "nbf")
    assert ask(trusting, "ann", shop.bearer(realm={"roles": "ADMIN"})) == (*invalid, "roles")
    assert ask(trusting, "ann", shop.bearer(exp=int(time.time()) - 60)) == ("UNAUTHENTICATED", "TOKEN_EXPIRED", "")
    # Their key does not sign for us, nor ours for them.
    assert ask(trusting, "ann", shop.bearer(iss=None)) == (*invalid, "kid")
    claims = {"iss": shop.name, "aud": "credit", "sub": "ann", "exp": int(time.time()) + 600}
    assert ask(trusting, "ann", "Bearer " + jwt.encode(claims, KEY, "EdDSA", {"kid": KEY_ID})) == (*invalid, "kid")
    assert ask(trusting, "ann", "Bearer " + jwt.encode(claims, KEY, "EdDSA", {"kid": shop.kid})) == (
        *invalid,
        "signature",
    )
