"""Who has asked and who decides are looked up again in the transaction in which it is done (D4)."""

from types import SimpleNamespace

import psycopg
import pytest

from credit.v1.approval_pb2 import Approval
from tests.support.approving import approving
from tests.support.customer import Customer
from tests.support.office import Office, creating, reason_of, updating

pytestmark = pytest.mark.requirement("D4")


@pytest.fixture
def customer(office: Office, subject: str) -> Customer:
    """Return a customer with 100 credits."""
    service = office.service
    app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin")
    customer = Customer(service, app, service.as_caller("staff", "ADMIN"), f"of.{subject}")
    customer.top_up(100)
    return customer


def ask(customer: Customer, maker: SimpleNamespace) -> Approval:
    """Ask for a credit to be removed."""
    approval: Approval = maker.admin.RemoveCredits(customer.removing(1)).approval
    return approval


def test_a_maker_who_has_lost_the_role_cannot_have_it_done(office: Office, customer: Customer, subject: str) -> None:
    office.grant(subject, "FINANCE")
    asked = ask(customer, office.service.as_caller(subject, "USER"))
    office.revoke(subject, "FINANCE")
    approve = office.service.as_caller("faye", "FINANCE").approval.Approve
    assert reason_of(approve, approving(asked)) == "ROLE_LOST"
    assert customer.figures() == (100, 0)
    # The maker has it again, or another one: so the request may be meant again.
    office.grant(subject, "ADMIN")
    assert reason_of(approve, approving(asked)) == "OK"
    assert customer.figures() == (99, 0)


def test_a_maker_by_its_token_is_believed_as_it_was(office: Office, customer: Customer, subject: str) -> None:
    asked = ask(customer, office.service.as_caller(subject, "FINANCE"))
    assert reason_of(office.service.as_caller("faye", "FINANCE").approval.Approve, approving(asked)) == "OK"


def test_one_whose_role_was_just_revoked_decides_nothing_though_the_server_does_not_know_yet(
    office: Office, customer: Customer, subject: str
) -> None:
    grant = office.grant(subject, "FINANCE")
    asked = ask(customer, office.service.as_caller("fin", "FINANCE"))
    # As a server finds it that has not looked since: the version is as it was.
    with psycopg.connect(office.service.config.database_url) as owner:
        owner.execute(
            "INSERT INTO role_revocations VALUES (%s, 'boss', 'a test', to_timestamp(%s))",
            [grant.name.partition("/")[2], office.service.seconds],
        )
    decide = office.service.as_caller(subject, "USER").approval
    assert reason_of(decide.Approve, approving(asked)) == "ROLE_LOST"
    # A role that its token states is not lost by that.
    assert reason_of(office.service.as_caller(subject, "ADMIN").approval.Approve, approving(asked)) == "OK"


def test_a_service_that_was_disabled_has_lost_its_role(office: Office, customer: Customer, subject: str) -> None:
    ann = office.as_one("boss", "ADMIN", person="Ann").access
    account = ann.CreateServiceAccount(creating(subject)).service_account
    office.grant(account.name, "FINANCE")
    asked = ask(customer, office.service.as_caller(subject, "SERVICE"))
    assert asked.maker_person == "Ann"
    theirs = office.service.as_caller("ann", "FINANCE", person="Ann").approval
    assert reason_of(theirs.Approve, approving(asked)) == "OWN_APPROVAL"
    ann.UpdateServiceAccount(updating(account, disabled=True))
    bob = office.service.as_caller("bob", "FINANCE").approval
    assert reason_of(bob.Approve, approving(asked)) == "ROLE_LOST"
    assert customer.figures() == (100, 0)


@pytest.mark.requirement("D5")
def test_without_a_second_factor_a_super_administrator_of_finance_is_one_of_finance(
    office: Office, customer: Customer, subject: str
) -> None:
    without = office.service.as_caller(subject, "FINANCE", "SUPER_ADMIN").admin.RemoveCredits
    assert without(customer.removing(1)).approval.name
    recent = office.as_one(subject, "FINANCE", "SUPER_ADMIN").admin.RemoveCredits
    assert len(recent(customer.removing(1)).entries) == 1
    alone = office.service.as_caller(subject, "SUPER_ADMIN").admin.RemoveCredits
    assert reason_of(alone, customer.removing(1)) == "MFA_REQUIRED"
    assert customer.figures() == (99, 0)
