"""Roles are stored, add up, may end by themselves, and are given and taken under the rules of the matrix (D3)."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import access_service_pb2 as pb
from credit.v1.role_grant_pb2 import Role
from creditd.domain.controls import access as domain
from creditd.domain.controls.access import MAX_TEMPORARY_SECONDS
from creditd.service.controls import roles
from creditd.storage.controls import access
from tests.support.office import Office, creating, granting, reason_of, revoking, updating
from tests.support.patience import eventually
from tests.support.postgres import as_administrator
from tests.support.refusals import refused
from tests.support.service import running_service

pytestmark = pytest.mark.requirement("D3")


def test_a_role_that_is_granted_counts_with_the_token_that_is_out(office: Office, subject: str) -> None:
    assert office.roles_of(subject, "USER") == {"USER"}
    assert not office.may_read(subject, "another", "USER")
    grant = office.grant(subject, "SUPPORT", reason="on call")
    assert office.roles_of(subject, "USER") == {"USER", "SUPPORT"}
    assert office.may_read(subject, "another", "USER")
    assert office.access_of(subject, "USER").role_grants == [grant]
    assert (grant.granted_by, grant.reason, grant.HasField("expire_time")) == ("boss", "on call", False)


def test_a_role_that_is_revoked_counts_no_more(office: Office, subject: str) -> None:
    office.grant(subject, "SUPPORT")
    office.grant(subject, "FINANCE")
    ended = office.revoke(subject, "SUPPORT")
    assert (ended.revoked_by, ended.revoke_reason) == ("boss", "a test")
    assert office.roles_of(subject, "USER") == {"USER", "FINANCE"}
    office.revoke(subject, "FINANCE")
    assert not office.may_read(subject, "another", "USER")


def test_what_a_token_states_goes_on_beside_what_is_stored(office: Office, subject: str) -> None:
    office.grant(subject, "SUPPORT")
    assert office.roles_of(subject, "FINANCE") == {"FINANCE", "SUPPORT"}
    office.revoke(subject, "SUPPORT")
    assert office.roles_of(subject, "FINANCE") == {"FINANCE"}


def test_a_temporary_role_ends_by_the_clock_and_without_a_look(
    office: Office, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.grant(subject, "SUPPORT", ttl={"seconds": 3_600})
    office.grant(subject, "FINANCE")
    monkeypatch.setattr(office.service.server.credit.access.poller, "load", lambda: None)
    office.service.clock.advance(3_590)
    assert office.roles_of(subject, "USER") == {"USER", "SUPPORT", "FINANCE"}
    office.service.clock.advance(11)
    assert office.roles_of(subject, "USER") == {"USER", "FINANCE"}
    assert [grant.role for grant in office.access_of(subject, "USER").role_grants] == [Role.ROLE_FINANCE]


def test_a_grant_of_a_role_replaces_the_one_that_is_in_force(office: Office, subject: str) -> None:
    first = office.grant(subject, "SUPPORT", ttl={"seconds": 60})
    second = office.grant(subject, "SUPPORT")
    request = pb.ListRoleGrantsRequest(subject=subject, show_ended=True)
    listed = office.admin.access.ListRoleGrants(request).role_grants
    assert [grant.name for grant in listed] == [second.name, first.name]
    assert [grant.HasField("revoke_time") for grant in listed] == [False, True]
    office.service.clock.advance(61)
    assert office.roles_of(subject) == {"SUPPORT"}


@pytest.mark.requirement("D2")
def test_every_change_is_told_in_the_audit_log(office: Office, subject: str) -> None:
    """With what was before and after; a change that is refused, or made already, is none."""
    by, request = office.admin.access, granting(subject, "SUPPORT", reason="on call")
    by.GrantRole(request)
    by.GrantRole(request)
    by.RevokeRole(revoking(subject, "SUPPORT"))
    assert reason_of(by.RevokeRole, revoking(subject, "SUPPORT")) == "ROLE_GRANT_NOT_FOUND"
    account = by.CreateServiceAccount(creating(subject, scopes=["credits.read"])).service_account
    by.UpdateServiceAccount(updating(account, disabled=True))
    told = office.told_of(subject)
    assert [(actor, kind) for actor, kind, _, _ in told] == [
        ("boss", "role.grant"),
        ("boss", "role.revoke"),
        ("boss", "service_account.create"),
        ("boss", "service_account.update"),
    ]
    granted, revoked, _, updated = told
    assert (granted[2], granted[3]["role"], granted[3]["reason"]) == (None, "SUPPORT", "on call")
    assert (revoked[2]["revoke_time"], revoked[3]["revoked_by"]) == (None, "boss")
    assert (updated[2]["disabled"], updated[3]["disabled"]) == (False, True)


@pytest.mark.parametrize("role", ["USER", "PREMIUM", "SUPPORT", "FINANCE", "SERVICE", ""])
def test_raising_and_lowering_need_an_administrator(office: Office, subject: str, role: str) -> None:
    held = office.version()
    by = office.as_one("nobody", role, scope="credits.admin credits.spend credits.read")
    for call, request in (
        (by.access.GrantRole, granting(subject, "USER")),
        (by.access.RevokeRole, revoking(subject, "USER")),
        (by.access.CreateServiceAccount, creating(subject)),
        (by.access.ListRoleGrants, pb.ListRoleGrantsRequest()),
        (by.access.ListServiceAccounts, pb.ListServiceAccountsRequest()),
    ):
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert office.version() == held


def test_a_role_of_administration_that_is_stored_suffices(office: Office, subject: str) -> None:
    office.grant(subject, "ADMIN")
    by = office.as_one(subject, "USER")
    assert by.access.GrantRole(granting(f"{subject}-2", "SUPPORT")).role_grant.granted_by == subject
    office.revoke(subject, "ADMIN")
    assert reason_of(by.access.GrantRole, granting(f"{subject}-3", "SUPPORT")) == "PERMISSION_DENIED"


def test_nobody_raises_himself(office: Office) -> None:
    """Nor by a service account that the same person stands behind."""
    by = office.as_one("self", "ADMIN", person="Ann")
    by.access.CreateServiceAccount(creating("robot-of-ann"))
    held = office.version()
    for subject in ("self", "Ann", "serviceAccounts/robot-of-ann"):
        refusal = refused(by.access.GrantRole, granting(subject, "FINANCE"))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "OWN_ROLE")
    assert office.version() == held


def test_what_a_person_gives_their_second_account_does_not_count(office: Office, subject: str) -> None:
    """Which person stands behind an account is told by its token alone, and so at each call."""
    office.as_one("first", "ADMIN", person="Ann").access.GrantRole(granting(subject, "FINANCE"))
    office.await_effect()
    assert office.roles_of(subject, "USER", person="Ann") == {"USER"}
    assert office.access_of(subject, "USER", person="Ann").role_grants == []
    assert office.roles_of(subject, "USER", person="Bob") == {"USER", "FINANCE"}


def test_super_admin_is_given_and_taken_by_super_admins_alone(office: Office, subject: str) -> None:
    for request, call in (
        (granting(subject, "SUPER_ADMIN"), "GrantRole"),
        (revoking(subject, "SUPER_ADMIN"), "RevokeRole"),
    ):
        refusal = refused(getattr(office.admin.access, call), request)
        assert (refusal.reason, refusal.metadata["allowed"]) == ("PERMISSION_DENIED", "SUPER_ADMIN")
    office.grant(subject, "SUPER_ADMIN", ttl={"seconds": 60})
    assert office.roles_of(subject) == {"SUPER_ADMIN"}


def test_a_person_and_a_service_account_of_one_id_share_no_role(office: Office, subject: str) -> None:
    """Whichever came first, and whoever chose the id."""
    name = f"serviceAccounts/{subject}"
    office.grant(subject, "FINANCE")
    office.as_one("maker", "ADMIN").access.CreateServiceAccount(creating(subject))
    office.grant(subject, "PREMIUM")
    assert office.roles_of(subject, "SERVICE") == set()
    grant = office.grant(name, "SUPPORT")
    assert office.roles_of(subject, "SERVICE") == {"SUPPORT"}
    assert office.access_of(subject, "SERVICE").role_grants == [grant]
    assert office.roles_of(subject, "USER") == {"USER", "FINANCE", "PREMIUM"}
    # Nor has a person who is called as the service account is.
    assert office.roles_of(name, "USER") == {"USER"}
    office.revoke(name, "SUPPORT")
    assert office.roles_of(subject, "SERVICE") == set()
    refusal = refused(office.admin.access.GrantRole, granting(f"{name}-2", "SUPPORT"))
    assert (refusal.reason, refusal.metadata["service_account"]) == ("SERVICE_ACCOUNT_NOT_FOUND", f"{name}-2")


def test_a_change_is_decided_by_what_is_in_force_once_nobody_else_changes_it(office: Office, subject: str) -> None:
    """Here a role ends, and is given anew by another server, while a change waits for its turn."""
    office.grant(subject, "SUPPORT", ttl={"seconds": 60})
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    url = office.service.config.database_url
    with (
        psycopg.connect(as_administrator(url), autocommit=True) as looking,
        psycopg.connect(url) as other,
        ThreadPoolExecutor(1) as threads,
    ):
        other.execute("SELECT version FROM access_versions FOR UPDATE")
        under_way = threads.submit(office.admin.access.GrantRole, granting(subject, "SUPPORT"))
        eventually(lambda: looking.execute(waiting).fetchone() != (0,))
        office.service.clock.advance(61)
        other.execute(
            "INSERT INTO role_grants VALUES (gen_random_uuid(), %s, 'SUPPORT', 'x', 'x', '', to_timestamp(%s))",
            [subject, office.service.seconds],
        )
        other.commit()
        grant = under_way.result(10).role_grant
    listed = office.admin.access.ListRoleGrants(pb.ListRoleGrantsRequest(subject=subject, show_ended=True)).role_grants
    assert [one.name for one in listed if not one.HasField("revoke_time") and not one.HasField("expire_time")] == [
        grant.name
    ]
    office.await_effect()
    assert office.access_of(subject).role_grants == [grant]


def test_the_last_super_admin_stays(tmp_path: Path) -> None:
    """One for a time does not count, and two who are taken it from at once do not lose it both."""
    with running_service(tmp_path) as service:
        keep_the_last_super_admin(Office(service))
        keep_one_who_can_act(Office(service))


def keep_the_last_super_admin(office: Office) -> None:
    """Take the role from all who have it, at an office of the test's own."""
    names = ["last-1", "last-2"]
    for name in names:
        office.grant(name, "SUPER_ADMIN")
    office.grant("last-3", "SUPER_ADMIN", ttl={"seconds": 3_600})

    def revoke(name: str) -> str:
        return reason_of(office.super_admin.access.RevokeRole, revoking(name, "SUPER_ADMIN"))

    with ThreadPoolExecutor(2) as threads:
        outcomes = dict(zip(names, threads.map(revoke, names), strict=True))
    assert sorted(outcomes.values()) == ["LAST_SUPER_ADMIN", "OK"]
    (left,) = (name for name, outcome in outcomes.items() if outcome != "OK")
    for by, request in (
        (office.super_admin.access.RevokeRole, revoking(left, "SUPER_ADMIN")),
        (office.super_admin.access.GrantRole, granting(left, "SUPER_ADMIN", ttl={"seconds": 60})),
    ):
        refusal = refused(by, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LAST_SUPER_ADMIN")
    assert revoke("last-3") == "OK"
    office.grant(left, "SUPER_ADMIN")


def keep_one_who_can_act(office: Office) -> None:
    """Take the role from whoever else has it for good: neither a service nor a second account is left alone with it."""

    def revoke(name: str) -> str:
        return reason_of(office.super_admin.access.RevokeRole, revoking(name, "SUPER_ADMIN"))

    (known,) = office.admin.access.ListRoleGrants(pb.ListRoleGrantsRequest()).role_grants
    office.admin.access.CreateServiceAccount(creating("robot"))
    office.grant("serviceAccounts/robot", "SUPER_ADMIN")
    assert revoke(known.subject) == "LAST_SUPER_ADMIN"
    core = office.service.core
    with core.database.transaction() as connection:
        access.grant_outside(connection, "ann", "SUPER_ADMIN", core.clock.now(), core.make_id, "a new installation")
    eventually(lambda: office.roles_of("ann") == {"SUPER_ADMIN"})
    assert revoke(known.subject) == "OK"
    for second in ("ann-2", "bob"):
        office.as_one("ann", "USER").access.GrantRole(granting(second, "SUPER_ADMIN"))
    office.await_effect()
    assert revoke("ann") == "LAST_SUPER_ADMIN"
    by = office.as_one("ann-2", "USER", person="ann").access
    assert reason_of(by.GrantRole, granting("carl", "SUPPORT")) == "PERMISSION_DENIED"
    assert revoke("ann") == "LAST_SUPER_ADMIN"
    # Whoever has acted by the role is known to be somebody else than who gave it.
    assert reason_of(office.as_one("bob", "USER").access.GrantRole, granting("carl", "SUPPORT")) == "OK"
    assert [revoke("ann"), revoke("ann-2"), revoke("bob")] == ["OK", "OK", "LAST_SUPER_ADMIN"]
    assert revoke("serviceAccounts/robot") == "OK"


def test_a_request_id_has_one_effect_and_one_answer(office: Office, subject: str) -> None:
    by, request = office.admin.access, granting(subject, "SUPPORT")
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(by.GrantRole, [request] * 4))
    assert answers == answers[:1] * 4
    _, call = by.GrantRole.with_call(request)
    assert ("replayed", "true") in call.trailing_metadata()
    other = granting(subject, "FINANCE", request_id=request.request_id)
    refusal = refused(by.GrantRole, other)
    assert (refusal.reason, refusal.metadata["used_by"]) == ("REQUEST_ID_REUSED", "ROLE_GRANT")
    listed = by.ListRoleGrants(pb.ListRoleGrantsRequest(subject=subject, show_ended=True)).role_grants
    assert listed == [answers[0].role_grant]
    taking = revoking(subject, "SUPPORT")
    assert by.RevokeRole(taking) == by.RevokeRole(taking)


def test_a_role_that_nobody_granted_is_not_revoked(office: Office, subject: str) -> None:
    refusal = refused(office.admin.access.RevokeRole, revoking(subject, "SUPPORT"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "ROLE_GRANT_NOT_FOUND")
    assert refusal.metadata["role"] == "SUPPORT"


def test_role_grants_are_listed_page_by_page(office: Office, subject: str) -> None:
    for role in ("SUPPORT", "FINANCE", "PREMIUM"):
        office.grant(subject, role)
    office.revoke(subject, "FINANCE")
    seen, token = [], ""
    while True:
        request = pb.ListRoleGrantsRequest(subject=subject, page_size=1, page_token=token)
        page = office.admin.access.ListRoleGrants(request)
        seen += [grant.role for grant in page.role_grants]
        token = page.next_page_token
        if not token:
            break
    assert [Role.Name(role) for role in seen] == ["ROLE_PREMIUM", "ROLE_SUPPORT"]
    other = pb.ListRoleGrantsRequest(subject=subject, page_size=1, page_token=request.page_token, show_ended=True)
    assert refused(office.admin.access.ListRoleGrants, other).reason == "PAGE_TOKEN_INVALID"


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no time": ({"ttl": {"seconds": 0}}, "EXPIRY_OUT_OF_RANGE"),
    "less than no time": ({"ttl": {"seconds": -5}}, "EXPIRY_OUT_OF_RANGE"),
    "too long": ({"ttl": {"seconds": MAX_TEMPORARY_SECONDS + 1}}, "EXPIRY_OUT_OF_RANGE"),
    "until the past": ({"expire_time": Timestamp(seconds=1_000)}, "EXPIRY_IN_PAST"),
    "until far away": ({"expire_time": Timestamp(seconds=2**36)}, "EXPIRY_OUT_OF_RANGE"),
    "without a reason": ({"reason": ""}, "INVALID_FIELD"),
    "without a request id": ({"request_id": ""}, "INVALID_FIELD"),
    "a reason that cannot be stored": ({"reason": "\0"}, "INVALID_FIELD"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_grant_that_cannot_be_is_refused(office: Office, subject: str, fault: str) -> None:
    fields, reason = BAD[fault]
    held = office.version()
    assert reason_of(office.admin.access.GrantRole, granting(subject, "SUPPORT", **fields)) == reason
    assert reason_of(office.admin.access.GrantRole, pb.GrantRoleRequest(subject=subject)) == "INVALID_FIELD"
    assert reason_of(office.admin.access.GrantRole, granting("", "SUPPORT")) == "INVALID_FIELD"
    assert reason_of(office.admin.access.GrantRole, granting("x\0", "SUPPORT")) == "INVALID_FIELD"
    assert office.version() == held


def test_there_are_no_more_role_grants_than_servers_keep(
    office: Office, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.grant(subject, "SUPPORT")
    monkeypatch.setattr(roles, "MAX_ROLE_GRANTS", 1)
    refusal = refused(office.admin.access.GrantRole, granting(f"{subject}-2", "SUPPORT"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ACCESS_FULL")
    assert office.grant(subject, "SUPPORT", ttl={"seconds": 60}).subject == subject
    assert domain.MAX_ROLE_GRANTS > 1


@pytest.mark.parametrize("table", ["role_grants", "role_revocations"])
def test_what_was_granted_and_revoked_is_never_changed(office: Office, subject: str, table: str) -> None:
    """Not even by the owner of the database."""
    office.grant(subject, "SUPPORT")
    office.revoke(subject, "SUPPORT")
    for change in ("UPDATE {} SET grant_id = grant_id", "DELETE FROM {}", "TRUNCATE {} CASCADE"):
        with (
            psycopg.connect(office.service.config.database_url) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
        ):
            connection.execute(change.format(table))
