"""Identity as it is configured, and what becomes of it, and of nothing else, if it cannot be served."""

from pathlib import Path

import grpc
import jwt
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import identity_service_pb2 as pb
from creditd.config import Config, ConfigError, require_fit
from tests.support.patience import eventually
from tests.support.person import Person
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
IDENTITY = "credit.v1.IdentityService"


def health_of(service: RunningService, name: str) -> int:
    stub = health_pb2_grpc.HealthStub(service.channel())
    status: int = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=20).status
    return status


@pytest.mark.requirement("G3")
def test_tokens_say_and_live_as_configured(tmp_path: Path) -> None:
    unusual = {
        "identity_issuer": "https://id.example",
        "identity_audience": "credits of ours",
        "access_token_lifetime_seconds": 61,
        "refresh_token_lifetime_seconds": 3_600,
    }
    with running_service(tmp_path, signs_in=True, **unusual) as service:
        person = Person(service, "ann@example.org")
        person.register()
        begin = int(service.seconds)
        tokens = person.log_in().tokens
        end = int(service.seconds)
        claims = jwt.decode(tokens.access_token, options={"verify_signature": False})
        assert (claims["iss"], claims["aud"]) == ("https://id.example", "credits of ours")
        assert claims["exp"] - claims["iat"] == 61
        assert begin <= tokens.refresh_token_expire_time.seconds - 3_600 <= end
        mine = service.as_bearer(tokens.access_token)
        mine.identity.Revoke(pb.RevokeRequest(refresh_token="another one"))
        assert health_of(service, IDENTITY) == SERVING


@pytest.mark.requirement("G3")
def test_with_another_key_identity_is_not_served_and_the_rest_is(tmp_path: Path) -> None:
    with running_service(tmp_path, signs_in=True) as first:
        others = {"identity_database_url": first.config.identity_database_url, "identity_key_encryption_key": "x" * 32}
        with running_service(tmp_path, **others) as service:
            assert eventually(lambda: health_of(service, IDENTITY) == NOT_SERVING)
            assert eventually(lambda: health_of(service, "credit.v1.CreditService") == SERVING)
            refusal = refused(service.as_bearer("").identity.GetKeys, pb.GetKeysRequest())
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
            staff = service.as_caller("staff", "ADMIN")
            assert staff.credit.ListCreditTypes(credit.ListCreditTypesRequest()).credit_types


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"identity_key_encryption_key": ""}, "needs CREDITD_IDENTITY_KEY_ENCRYPTION_KEY"),
        ({"identity_key_encryption_key": "short"}, "32 characters or more"),
        ({"database_url": "postgresql://host/identity"}, "a database of its own"),
        ({"jwt_issuer": "creditd"}, "CREDITD_IDENTITY_ISSUER is CREDITD_JWT_ISSUER"),
        ({"identity_issuer": ""}, "CREDITD_IDENTITY_ISSUER is ''"),
        ({"access_token_lifetime_seconds": 59}, "60 or more"),
    ],
)
def test_what_does_not_fit_together_is_refused(settings: dict[str, object], complaint: str) -> None:
    complete: dict[str, object] = {
        "identity_database_url": "postgresql://host/identity",
        "identity_key_encryption_key": "k" * 32,
    }
    require_fit(Config(**complete))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=complaint):
        require_fit(Config(**complete | settings))  # type: ignore[arg-type]
