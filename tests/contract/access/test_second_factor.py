"""What changes access, and what only SUPER_ADMIN may do, needs a second factor that was shown recently (D5)."""

from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest

from credit.v1 import access_service_pb2 as pb
from credit.v1 import credit_service_pb2 as credit
from tests.support.office import Office, creating, granting, reason_of, revoking
from tests.support.refusals import refused
from tests.support.service import running_service

pytestmark = pytest.mark.requirement("D5")

BALANCE = credit.GetBalanceRequest(account_id="somebody")


def shown(office: Office, seconds_ago: float, *roles: str) -> SimpleNamespace:
    """Return the stubs of somebody who showed a second factor some time ago."""
    return office.service.as_caller("boss", *roles, mfa_time=round(office.service.seconds - seconds_ago))


def test_changes_of_access_need_one(office: Office, subject: str) -> None:
    by, held = office.service.as_caller("boss", "ADMIN"), office.version()
    for call, request in (
        (by.access.GrantRole, granting(subject, "SUPPORT")),
        (by.access.RevokeRole, revoking(subject, "SUPPORT")),
        (by.access.CreateServiceAccount, creating(subject)),
        (by.access.UpdateServiceAccount, pb.UpdateServiceAccountRequest()),
    ):
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "MFA_REQUIRED")
        assert refusal.metadata["maximum_seconds"] == "900"
    assert office.version() == held
    assert by.access.ListRoleGrants(pb.ListRoleGrantsRequest())


def test_it_has_to_be_recent(office: Office, subject: str) -> None:
    assert reason_of(shown(office, 880, "ADMIN").access.GrantRole, granting(subject, "SUPPORT")) == "OK"
    assert reason_of(shown(office, 902, "ADMIN").access.GrantRole, granting(subject, "FINANCE")) == "MFA_REQUIRED"


def test_one_that_was_recent_when_the_token_was_verified_grows_old(office: Office, subject: str) -> None:
    by = shown(office, 800, "ADMIN")
    assert reason_of(by.access.GrantRole, granting(subject, "SUPPORT")) == "OK"
    office.service.clock.advance(102)
    assert reason_of(by.access.GrantRole, granting(subject, "FINANCE")) == "MFA_REQUIRED"


def test_who_may_not_do_it_at_all_is_told_that(office: Office, subject: str) -> None:
    by = office.service.as_caller("boss", "FINANCE")
    assert reason_of(by.access.GrantRole, granting(subject, "SUPPORT")) == "PERMISSION_DENIED"


def test_what_is_done_by_the_role_super_admin_alone_needs_one(office: Office, subject: str) -> None:
    call = office.service.as_caller(subject, "SUPER_ADMIN").credit.GetBalance
    assert reason_of(call, BALANCE) == "MFA_REQUIRED"
    assert reason_of(shown(office, 0, "SUPER_ADMIN").credit.GetBalance, BALANCE) == "ACCOUNT_NOT_FOUND"
    assert reason_of(shown(office, 902, "SUPER_ADMIN").credit.GetBalance, BALANCE) == "MFA_REQUIRED"


def test_what_is_done_by_another_role_needs_none(office: Office, subject: str) -> None:
    both = office.service.as_caller(subject, "SUPER_ADMIN", "SUPPORT")
    assert reason_of(both.credit.GetBalance, BALANCE) == "ACCOUNT_NOT_FOUND"
    own = office.service.as_caller(subject, "SUPER_ADMIN", "USER")
    assert reason_of(own.credit.GetBalance, credit.GetBalanceRequest(account_id=subject)) == "OK"
    assert reason_of(own.credit.GetBalance, BALANCE) == "MFA_REQUIRED"


def test_a_caller_is_told_until_when_it_is_recent(office: Office, subject: str) -> None:
    assert not office.access_of(subject, "ADMIN").HasField("second_factor_end_time")
    now = round(office.service.seconds)
    answer = office.access_of(subject, "ADMIN", mfa_time=now - 100)
    assert answer.second_factor_end_time.seconds == now + 800
    assert not office.access_of(subject, "ADMIN", mfa_time=now - 1_000).HasField("second_factor_end_time")


def test_it_has_to_be_as_recent_as_configured(tmp_path: Path, subject: str) -> None:
    with running_service(tmp_path, mfa_seconds=60.0) as service:
        office = Office(service)
        assert reason_of(shown(office, 50, "ADMIN").access.GrantRole, granting(subject, "SUPPORT")) == "OK"
        refusal = refused(shown(office, 62, "ADMIN").access.GrantRole, granting(subject, "FINANCE"))
        assert (refusal.reason, refusal.metadata["maximum_seconds"]) == ("MFA_REQUIRED", "60")
