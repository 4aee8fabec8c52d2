"""API keys of service accounts: shown once, stored hashed, exchanged for short tokens, rotated with an overlap."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import grpc
import jwt
import psycopg
import pytest
from google.protobuf.duration_pb2 import Duration

from credit.v1 import access_service_pb2 as access
from credit.v1 import api_key_service_pb2 as pb
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1.payment_admin_service_pb2_grpc import PaymentAdminServiceStub
from creditd.identity.api_keys import MAX_LIVE_KEYS
from creditd.identity.storage import api_keys
from tests.support.office import Office, creating, granting, updating
from tests.support.patience import eventually
from tests.support.refusals import RefusedCall, refused
from tests.support.service import RunningService

pytestmark = pytest.mark.requirement("G3")

DAY_SECONDS = 86_400
UNKNOWN = "apiKeys/01890000-0000-7000-8000-000000000000"


class KeyDesk:
    """Whoever keeps the keys of one service account, in a word each."""

    def __init__(self, service: RunningService, account: str) -> None:
        """Keep those of ``account`` at ``service``."""
        self.service = service
        self.account = account

    def as_one(self, subject: str = "boss", *roles: str) -> SimpleNamespace:
        """Return the stub of somebody who has just shown a second factor; of an administrator, unless it is said."""
        stubs = self.service.as_caller(subject, *(roles or ("ADMIN",)), mfa_time=round(self.service.seconds))
        return stubs.api_keys  # type: ignore[no-any-return]

    @property
    def stranger(self) -> Any:
        """Return the stub of whoever has no token."""
        return self.service.as_bearer("").api_keys

    def creating(self, **fields: Any) -> pb.CreateApiKeyRequest:
        """Return a request for a key."""
        stated = {"service_account_id": self.account, "reason": "a test", "request_id": uuid4().hex} | fields
        return pb.CreateApiKeyRequest(**stated)

    def create(self, **fields: Any) -> pb.CreateApiKeyResponse:
        """Create a key."""
        made: pb.CreateApiKeyResponse = self.as_one().CreateApiKey(self.creating(**fields))
        return made

    def rotating(self, key: pb.ApiKey, **fields: Any) -> pb.RotateApiKeyRequest:
        """Return a request for a key in place of another one."""
        return pb.RotateApiKeyRequest(**{"name": key.name, "reason": "a test", "request_id": uuid4().hex} | fields)

    def revoke(self, name: str) -> pb.ApiKey:
        """Revoke a key."""
        request = pb.RevokeApiKeyRequest(name=name, reason="lost")
        key: pb.ApiKey = self.as_one().RevokeApiKey(request).api_key
        return key

    def exchange(self, secret: str) -> pb.ExchangeApiKeyResponse:
        """Get a token for a key."""
        answer: pb.ExchangeApiKeyResponse = self.stranger.ExchangeApiKey(pb.ExchangeApiKeyRequest(secret=secret))
        return answer

    def refusal(self, secret: str) -> RefusedCall:
        """Return how a key is refused."""
        return refused(self.stranger.ExchangeApiKey, pb.ExchangeApiKeyRequest(secret=secret))


@pytest.fixture
def desk(service: RunningService, request: pytest.FixtureRequest) -> KeyDesk:
    return KeyDesk(service, re.sub("[^a-z0-9_]", "-", request.node.name[:60]))


@pytest.fixture
def rows(service: RunningService) -> Iterator[psycopg.Connection]:
    """Return a connection to identity's database, as its owner."""
    with psycopg.connect(service.config.identity_database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def uses(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the hashes that are looked up, one for each statement."""
    found: list[bytes] = []
    use = api_keys.use

    def counted(connection: Any, secret_hash: bytes, now: Any) -> api_keys.KeyUser | None:
        found.append(secret_hash)
        return use(connection, secret_hash, now)

    monkeypatch.setattr(api_keys, "use", counted)
    return found


def test_a_key_gives_a_short_token_that_may_do_what_its_service_account_may(desk: KeyDesk) -> None:
    office = Office(desk.service)
    account = office.admin.access.CreateServiceAccount(creating(desk.account, scopes=["credits.read"])).service_account
    office.await_effect()
    made = desk.create()
    answer = desk.exchange(made.secret)
    assert answer.service_account_id == desk.account
    claims = jwt.decode(answer.access_token, options={"verify_signature": False})
    assert (claims["sub"], claims["roles"], claims["scope"], claims["amr"]) == (desk.account, ["SERVICE"], "", [])
    assert claims["exp"] - claims["iat"] <= 900
    mine = desk.service.as_bearer(answer.access_token).credit
    assert mine.GetBalance(credit.GetBalanceRequest(account_id="ann"))
    spending = credit.DeductRequest(account_id="ann", credit_type="spec", amount=1, request_id="one")
    assert refused(mine.Deduct, spending).reason == "PERMISSION_DENIED"
    # Disabled, it may do nothing more with tokens and keys that are out.
    office.admin.access.UpdateServiceAccount(updating(account, disabled=True))
    office.await_effect()
    assert refused(mine.GetBalance, credit.GetBalanceRequest(account_id="ann")).reason == "PERMISSION_DENIED"
    again = desk.service.as_bearer(desk.exchange(made.secret).access_token).credit
    assert refused(again.GetBalance, credit.GetBalanceRequest(account_id="ann")).reason == "PERMISSION_DENIED"


@pytest.mark.requirement("D2")
def test_what_is_refused_of_a_key_is_told_in_the_audit_log(desk: KeyDesk) -> None:
    name = f"support.{desk.account}"
    creating = desk.creating(reason="for a friend")
    assert refused(desk.as_one(name, "SUPPORT").CreateApiKey, creating).reason == "PERMISSION_DENIED"
    query = "SELECT kind, refusal, reason, request_id FROM audit_events WHERE actor = %s"

    def told() -> list[tuple[str, ...]]:
        with psycopg.connect(desk.service.config.database_url) as connection:
            return connection.execute(query, [name]).fetchall()

    assert eventually(lambda: told() == [("api_key.create", "PERMISSION_DENIED", "for a friend", creating.request_id)])


@pytest.mark.requirement("D3")
def test_a_key_in_somebodys_name_has_none_of_their_roles(desk: KeyDesk) -> None:
    """Or whoever keeps keys could raise himself, and act as somebody else."""
    office = Office(desk.service)
    office.grant(desk.account, "FINANCE")
    reading = payment_admin.ListPaymentEventsRequest()
    theirs = desk.service.as_caller(desk.account, "USER").payment_admin
    assert theirs.ListPaymentEvents(reading) is not None
    token = desk.exchange(desk.create().secret).access_token
    mine = PaymentAdminServiceStub(desk.service.channel())
    metadata = (("authorization", f"Bearer {token}"),)
    assert refused(mine.ListPaymentEvents, reading, metadata=metadata).reason == "PERMISSION_DENIED"
    # Nor has a service account that is called like them, unless it is given one as such.
    office.as_one("Ann", "ADMIN").access.CreateServiceAccount(creating(desk.account))
    office.grant(desk.account, "FINANCE")
    assert refused(mine.ListPaymentEvents, reading, metadata=metadata).reason == "PERMISSION_DENIED"
    # Whoever created the key stands behind its service, and so may not be who gives it a role.
    office.as_one("another", "ADMIN").access.GrantRole(granting(f"serviceAccounts/{desk.account}", "FINANCE"))
    office.await_effect()
    assert mine.ListPaymentEvents(reading, metadata=metadata) is not None


@pytest.mark.requirement("D3")
def test_behind_a_service_is_whoever_created_the_key_that_it_shows(desk: KeyDesk) -> None:
    """Or an administrator could raise himself by a key of another's service, and approve what he has asked for."""
    office, name = Office(desk.service), f"serviceAccounts/{desk.account}"
    office.as_one("Ann", "ADMIN").access.CreateServiceAccount(creating(desk.account))
    carl = office.as_one("carl", "ADMIN", person="Carl")
    theirs = desk.service.as_bearer(desk.exchange(desk.create().secret).access_token).access
    mine = carl.api_keys.CreateApiKey(desk.creating())
    second = carl.api_keys.RotateApiKey(desk.rotating(desk.create().api_key))
    carl.access.GrantRole(granting(name, "FINANCE"))
    office.await_effect()
    told = theirs.GetMyAccess(access.GetMyAccessRequest())
    assert (told.person, len(told.role_grants)) == ("boss", 1)
    for key in (mine, second):
        told = desk.service.as_bearer(desk.exchange(key.secret).access_token).access.GetMyAccess(
            access.GetMyAccessRequest()
        )
        assert (told.person, len(told.role_grants)) == ("Carl", 0)


def test_a_secret_is_shown_once_and_stored_hashed(desk: KeyDesk, rows: psycopg.Connection) -> None:
    made = desk.create(reason="for the quiz")
    assert re.fullmatch(r"ck_[A-Za-z0-9_-]{43}", made.secret)
    key = made.api_key
    assert made.secret.startswith(key.prefix)
    assert len(key.prefix) == 11
    assert (key.created_by, key.reason, key.service_account_id) == ("boss", "for the quiz", desk.account)
    assert key.expire_time.seconds - key.create_time.seconds == 365 * DAY_SECONDS
    (shown,) = desk.as_one().ListApiKeys(pb.ListApiKeysRequest(service_account_id=desk.account)).api_keys
    assert shown == key
    found = rows.execute("SELECT k::text, secret_hash FROM api_keys k WHERE service_account_id = %s", (desk.account,))
    ((text, secret_hash),) = found.fetchall()
    assert made.secret[11:] not in text
    assert bytes(secret_hash) == sha256(made.secret.encode()).digest()
    assert desk.create().secret != made.secret


def test_keys_that_do_not_count_are_alike_in_answer_and_in_what_they_cost(desk: KeyDesk, uses: list[bytes]) -> None:
    revoked, short = desk.create(), desk.create(ttl=Duration(seconds=60))
    desk.revoke(revoked.api_key.name)
    desk.service.clock.advance(60)
    changed = revoked.secret[:-1] + ("A" if revoked.secret[-1] != "A" else "B")
    refusals = [desk.refusal(secret) for secret in (changed, revoked.secret, short.secret)]
    assert len(uses) == 3
    for refusal in (*refusals, desk.refusal("ck_short"), desk.refusal("x"), desk.refusal("ck_" + "ก" * 40)):
        assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
        assert (refusal.reason, refusal.message) == ("API_KEY_INVALID", "the API key is not valid")
        assert set(refusal.metadata) == {"correlation_id"}


def test_a_key_is_rotated_with_an_overlap(desk: KeyDesk) -> None:
    first = desk.create(ttl=Duration(seconds=30 * DAY_SECONDS))
    second = desk.as_one().RotateApiKey(desk.rotating(first.api_key, overlap=Duration(seconds=3_600)))
    assert second.secret != first.secret
    assert second.api_key.expire_time.seconds - second.api_key.create_time.seconds == 30 * DAY_SECONDS
    for secret in (first.secret, second.secret):
        assert desk.exchange(secret).service_account_id == desk.account
    desk.service.clock.advance(3_600)
    assert desk.refusal(first.secret).reason == "API_KEY_INVALID"
    assert desk.exchange(second.secret).access_token
    third = desk.as_one().RotateApiKey(desk.rotating(second.api_key, overlap=Duration(), ttl=Duration(seconds=7_200)))
    assert desk.refusal(second.secret).reason == "API_KEY_INVALID"
    assert desk.exchange(third.secret).access_token
    # One that ends sooner is not lengthened by it.
    fourth = desk.as_one().RotateApiKey(desk.rotating(third.api_key, overlap=Duration(seconds=DAY_SECONDS)))
    desk.service.clock.advance(7_200)
    assert desk.refusal(third.secret).reason == "API_KEY_INVALID"
    assert desk.refusal(fourth.secret).reason == "API_KEY_INVALID"
    again = refused(desk.as_one().RotateApiKey, desk.rotating(third.api_key))
    assert (again.code.name, again.reason) == ("NOT_FOUND", "API_KEY_NOT_FOUND")


def test_a_repeat_is_answered_without_the_secret(desk: KeyDesk) -> None:
    request = desk.creating()
    made = desk.as_one().CreateApiKey(request)
    again, call = desk.as_one().CreateApiKey.with_call(request)
    assert (again.api_key, again.secret) == (made.api_key, "")
    assert dict(call.trailing_metadata()).get("replayed") == "true"
    rotating = desk.rotating(made.api_key, overlap=Duration())
    rotated = desk.as_one().RotateApiKey(rotating)
    repeat = desk.as_one().RotateApiKey(rotating)
    assert (repeat.api_key, repeat.secret) == (rotated.api_key, "")
    assert desk.exchange(rotated.secret).access_token
    for other in ({"reason": "another"}, {"service_account_id": "other"}, {"ttl": Duration(seconds=60)}):
        changed = desk.creating(**{"request_id": request.request_id} | other)
        refusal = refused(desk.as_one().CreateApiKey, changed)
        assert (refusal.reason, refusal.metadata["used_by"]) == ("REQUEST_ID_REUSED", "CreateApiKey")
    assert refused(desk.as_one().CreateApiKey, desk.creating(request_id=rotating.request_id)).reason == (
        "REQUEST_ID_REUSED"
    )
    # The ids of another caller's requests are its own.
    assert desk.as_one("other").CreateApiKey(request).secret


def test_one_request_makes_one_key_however_often_it_comes_at_once(desk: KeyDesk) -> None:
    request, stub = desk.creating(), desk.as_one()
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(stub.CreateApiKey, [request] * 8))
    assert len({answer.api_key.name for answer in made}) == 1
    assert len([answer for answer in made if answer.secret]) == 1


def test_a_revoked_key_stays_as_it_was_revoked(desk: KeyDesk) -> None:
    made = desk.create()
    first = desk.revoke(made.api_key.name)
    assert (first.revoked_by, first.revoke_reason) == ("boss", "lost")
    desk.service.clock.advance(10)
    assert desk.revoke(made.api_key.name) == first
    (shown,) = desk.as_one().ListApiKeys(pb.ListApiKeysRequest(service_account_id=desk.account)).api_keys
    assert shown == first
    for call, request in (
        (desk.as_one().RevokeApiKey, pb.RevokeApiKeyRequest(name=UNKNOWN, reason="lost")),
        (desk.as_one().RotateApiKey, desk.rotating(pb.ApiKey(name=UNKNOWN))),
        (desk.as_one().RotateApiKey, desk.rotating(first)),
    ):
        refusal = refused(call, request)
        assert (refusal.reason, refusal.metadata["api_key"]) == ("API_KEY_NOT_FOUND", request.name)


def test_a_service_account_has_so_many_keys_that_count(desk: KeyDesk) -> None:
    made = [desk.create() for _ in range(MAX_LIVE_KEYS)]
    refusal = refused(desk.as_one().CreateApiKey, desk.creating())
    assert (refusal.code.name, refusal.reason) == ("FAILED_PRECONDITION", "API_KEYS_FULL")
    assert refusal.metadata["maximum"] == str(MAX_LIVE_KEYS)
    desk.revoke(made[0].api_key.name)
    assert desk.create().secret
    listed = pb.ListApiKeysRequest(service_account_id=desk.account, page_size=15)
    first = desk.as_one().ListApiKeys(listed)
    listed.page_token = first.next_page_token
    second = desk.as_one().ListApiKeys(listed)
    names = [key.name for page in (first, second) for key in page.api_keys]
    assert len(first.api_keys) == 15
    assert len(set(names)) == len(names) == MAX_LIVE_KEYS + 1
    assert names == sorted(names, reverse=True)
    assert not second.next_page_token
    listed.service_account_id = "other"
    assert refused(desk.as_one().ListApiKeys, listed).reason == "PAGE_TOKEN_INVALID"


def test_its_use_is_noted_to_the_hour(desk: KeyDesk, rows: psycopg.Connection) -> None:
    made = desk.create()

    def row() -> tuple[Any, ...]:
        found = rows.execute(
            "SELECT xmin::text, last_use_time FROM api_keys WHERE service_account_id = %s", (desk.account,)
        ).fetchone()
        assert found is not None
        return found

    assert row()[1] is None
    # Early in an hour, which does not end while the test runs.
    desk.service.clock.advance(3_660 - int(desk.service.seconds) % 3_600)
    desk.exchange(made.secret)
    first = row()
    assert (first[1].minute, first[1].second) == (0, 0)
    desk.service.clock.advance(1_800)
    desk.exchange(made.secret)
    desk.exchange(made.secret)
    assert row() == first
    desk.service.clock.advance(3_600)
    desk.exchange(made.secret)
    assert (row()[1] - first[1]).total_seconds() == 3_600


def test_administrators_with_a_second_factor_keep_keys_and_nobody_else(desk: KeyDesk) -> None:
    made = desk.create()
    acts = {
        "CreateApiKey": desk.creating(),
        "RotateApiKey": desk.rotating(made.api_key),
        "RevokeApiKey": pb.RevokeApiKeyRequest(name=made.api_key.name, reason="lost"),
    }
    listing = pb.ListApiKeysRequest(service_account_id=desk.account)
    without = desk.service.as_caller("boss", "ADMIN").api_keys
    for name, request in acts.items():
        assert refused(getattr(without, name), request).reason == "MFA_REQUIRED"
        for role in ("USER", "PREMIUM", "SUPPORT", "FINANCE", "SERVICE"):
            refusal = refused(getattr(desk.as_one("somebody", role), name), request)
            assert refusal.reason == "PERMISSION_DENIED"
        assert refused(getattr(desk.stranger, name), request).reason == "TOKEN_INVALID"
    assert refused(desk.as_one("somebody", "FINANCE").ListApiKeys, listing).reason == "PERMISSION_DENIED"
    assert len(without.ListApiKeys(listing).api_keys) == 1
    assert desk.exchange(made.secret).access_token
