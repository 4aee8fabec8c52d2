"""Every RPC by every role and every bad identity: the right code each time, and no row changed by a refusal (D3)."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import grpc
import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from psycopg import sql

from creditd.bootstrap.credit import SERVICES
from creditd.bootstrap.identity import IDENTITY_SERVICES
from creditd.server.authorization.policy import RULES
from tests.contract.access import matrix
from tests.contract.access.lawful import ACCOUNT, REQUESTS, named
from tests.contract.access.matrix import ROLES, may
from tests.support.office import Office
from tests.support.refusals import details_of, read_refusal
from tests.support.service import RunningService
from tests.support.tokens import KEY, KEY_ID, bearer

pytestmark = pytest.mark.requirement("D3")

METHODS: Mapping[str, MethodDescriptor] = {
    method.name: method for service in (*SERVICES, *IDENTITY_SERVICES) for method in service.methods
}

TOLD_APART = {"audit_events", "audit_seals", "entry_seals", "sealing"}
"""Tables that a refusal does leave something in, and is meant to; and what is sealed meanwhile, whoever calls."""

OF_WORKERS = {"runs": ["due_time"]}
"""Columns that are written meanwhile, whoever calls, by table: an executor is told of a run that was given up."""


class Identity(NamedTuple):
    """Who calls, by which token, and what has to come of it: OK stands for being let in."""

    header: str
    outcome: str


def bad_identities(rpc: str) -> Iterator[Identity]:
    """Return tokens that say nothing."""
    good = bearer("boss", ["ADMIN"])
    claims = {"sub": "boss", "roles": ["ADMIN"], "exp": int(time.time()) + 600}
    forged = jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": KEY_ID})
    early = jwt.encode(claims | {"nbf": 2**33, "exp": 2**34}, KEY, algorithm="EdDSA", headers={"kid": KEY_ID})
    unsigned = jwt.encode(claims, "", algorithm="none", headers={"kid": KEY_ID})
    for header in ("", "Bearer ", "Basic YWxhZGRpbg==", good[:-4], *(f"Bearer {t}" for t in (forged, early, unsigned))):
        yield Identity(header, "OK" if rpc in matrix.WITHOUT_TOKEN else "TOKEN_INVALID")
    over = bearer("boss", ["ADMIN"], ttl_seconds=-3_600)
    yield Identity(over, "OK" if rpc in matrix.WITHOUT_TOKEN else "TOKEN_EXPIRED")


def staff_and_owners(rpc: str, now: float) -> Iterator[Identity]:
    """Return every role, on its own account and on another one's, with and without a second factor."""
    for_everyone = matrix.FOR_EVERYONE | matrix.WITHOUT_TOKEN
    for role in ROLES:
        for subject in (ACCOUNT, "somebody"):
            is_let_in = may(rpc, role, owns=subject == ACCOUNT and named(rpc))
            allowed = "OK" if is_let_in else "PERMISSION_DENIED"
            yield Identity(bearer(subject, [role], mfa_time=now), allowed)
            needs = rpc in matrix.WITH_SECOND_FACTOR or (role == "SUPER_ADMIN" and rpc not in for_everyone)
            yield Identity(bearer(subject, [role]), "MFA_REQUIRED" if is_let_in and needs else allowed)
    everyone = "OK" if rpc in matrix.FOR_EVERYONE | matrix.WITHOUT_TOKEN else "PERMISSION_DENIED"
    yield Identity(bearer(ACCOUNT, [], "credits.spend credits.read"), everyone)
    yield Identity(bearer(ACCOUNT, ["OWNER", "admin"]), everyone)


def services(rpc: str) -> Iterator[Identity]:
    """Return services with each scope and with none, unlimited and limited to some accounts."""
    everyone = "OK" if rpc in matrix.FOR_EVERYONE | matrix.WITHOUT_TOKEN else "PERMISSION_DENIED"
    yield Identity(bearer(ACCOUNT, ["SERVICE"]), everyone)
    yield Identity(bearer(ACCOUNT, ["SERVICE"], "other.scope"), everyone)
    for scope, rpcs in matrix.SCOPES.items():
        opened = rpc in rpcs.split() or everyone == "OK"
        yield Identity(bearer("app", ["SERVICE"], scope), "OK" if opened else "PERMISSION_DENIED")
        for accounts, has in ((["other", "matrix-*"], True), (["other", "matri"], False)):
            is_about = rpc in matrix.ON_NO_ACCOUNT | matrix.WITHOUT_TOKEN or (has and named(rpc))
            limited = bearer("app", ["SERVICE"], scope, accounts=accounts)
            yield Identity(limited, "OK" if opened and is_about else "PERMISSION_DENIED")


class Door:
    """Calls any RPC by its descriptor."""

    def __init__(self, service: RunningService) -> None:
        """Call ``service`` on one connection."""
        self._channel = service.channel()

    def outcome(self, method: MethodDescriptor, header: str, request: Message) -> tuple[str, str]:
        """Return the code and the reason of a call, or of the items of a batch; OK for what is let in."""
        path = f"/{method.containing_service.full_name}/{method.name}"
        make = self._channel.unary_stream if method.server_streaming else self._channel.unary_unary
        call: Any = make(path, type(request).SerializeToString, GetMessageClass(method.output_type).FromString)
        metadata = [("authorization", header)] if header else []
        try:
            answer = call(request, metadata=metadata, timeout=20)
            if method.server_streaming:
                next(answer, None)
                answer.cancel()
        except grpc.RpcError as error:
            refusal = read_refusal(error)
            return refusal.code.name, refusal.reason
        for result in getattr(answer, "results", ()):
            if result.HasField("error") and details_of(result.error)["reason"] in CODES:
                return grpc.StatusCode.PERMISSION_DENIED.name, str(details_of(result.error)["reason"])
        return "OK", "OK"


CODES = {
    "TOKEN_INVALID": "UNAUTHENTICATED",
    "TOKEN_EXPIRED": "UNAUTHENTICATED",
    "MFA_REQUIRED": "UNAUTHENTICATED",
    "PERMISSION_DENIED": "PERMISSION_DENIED",
}


def contents(service: RunningService) -> dict[str, tuple[int, int]]:
    """Return how many rows each table has, and a sum over all of them."""
    found = {}
    with psycopg.connect(service.config.database_url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            query = sql.SQL(
                "SELECT count(*), coalesce(sum(hashtext((to_jsonb(t) - %s::text[])::text)::bigint), 0) FROM {} AS t"
            ).format(sql.Identifier(table))
            row = connection.execute(query, [OF_WORKERS.get(table, [])]).fetchone()
            assert row is not None
            found[table] = row
    return {table: row for table, row in found.items() if table not in TOLD_APART}


@pytest.fixture(scope="package")
def door(service: RunningService) -> Door:
    """Return a caller of anything."""
    return Door(service)


def test_the_matrix_knows_every_rpc_and_the_policy_too() -> None:
    """A new RPC needs a rule, a row of the matrix, and a request that would do something if it were let in."""
    assert set(METHODS) == matrix.known_rpcs()
    assert set(METHODS) == set(REQUESTS)
    assert {f"/{method.containing_service.full_name}/{name}" for name, method in METHODS.items()} <= set(RULES)


@pytest.mark.parametrize("rpc", METHODS)
def test_just_those_are_let_in_who_may_and_a_refusal_changes_nothing(office: Office, door: Door, rpc: str) -> None:
    service = office.service
    everybody = [*bad_identities(rpc), *staff_and_owners(rpc, round(service.seconds)), *services(rpc)]
    refused = [identity for identity in everybody if identity.outcome != "OK"]
    request = REQUESTS[rpc](service)
    before = contents(service)
    for identity in refused:
        outcome = door.outcome(METHODS[rpc], identity.header, request)
        assert outcome == (CODES[identity.outcome], identity.outcome), identity
    assert contents(service) == before
    for identity in everybody:
        if identity.outcome == "OK":
            code, reason = door.outcome(METHODS[rpc], identity.header, request)
            assert reason not in CODES, identity
            assert code not in {"UNIMPLEMENTED", "INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED"}, identity
