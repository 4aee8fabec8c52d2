"""What a service may do is stored: its scopes, and the accounts that it may do it to (D3)."""

from uuid import uuid4

import grpc
import pytest

from credit.v1 import access_service_pb2 as pb
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import payment_service_pb2 as payment
from credit.v1 import webhook_service_pb2 as webhook
from credit.v1.payment_provider_pb2 import PAYMENT_PROVIDER_OMISE
from credit.v1.service_account_pb2 import ServiceAccount
from creditd.service.controls import service_accounts
from tests.support.customer import Customer
from tests.support.office import Office, creating, granting, reason_of, updating
from tests.support.refusals import details_of, refused

pytestmark = pytest.mark.requirement("D3")


def create(office: Office, service_account_id: str, by: str = "boss", **fields: object) -> ServiceAccount:
    """Create a service account, as one person's, and wait until it is effective."""
    request, access = creating(service_account_id, **fields), office.as_one(by, "ADMIN").access
    account: ServiceAccount = access.CreateServiceAccount(request).service_account
    office.await_effect()
    return account


def update(office: Office, account: ServiceAccount, **fields: object) -> ServiceAccount:
    """Change a service account, and wait until that is effective."""
    changed: ServiceAccount = office.admin.access.UpdateServiceAccount(updating(account, **fields)).service_account
    office.await_effect()
    return changed


class Shared(Customer):
    """A customer of an account that several look after."""

    def request_id(self) -> str:
        """Return one that nobody else has used."""
        return uuid4().hex


def customer_of(office: Office, account_id: str, by: str = "app", scope: str = "") -> Customer:
    """Return a customer with credits, whose service is the one that is tested."""
    service = office.service
    helper = service.as_caller("helper", "SERVICE", scope="credits.spend credits.read credits.admin")
    Shared(service, helper, service.as_caller("staff", "ADMIN"), account_id).top_up(100)
    app = service.as_caller(by, "SERVICE", scope=scope)
    return Shared(service, app, service.as_caller("staff", "ADMIN"), account_id)


def test_its_scopes_are_added_to_those_of_its_token(office: Office, subject: str) -> None:
    customer = customer_of(office, f"{subject}-customer", subject)
    assert reason_of(customer.app.credit.Deduct, customer.deducting(1)) == "PERMISSION_DENIED"
    account = create(office, subject, "Ann", scopes=["credits.spend"])
    assert (account.version, account.person, account.name) == (1, "Ann", f"serviceAccounts/{subject}")
    assert reason_of(customer.app.credit.Deduct, customer.deducting(1)) == "OK"
    access = office.access_of(subject, "SERVICE", scope="credits.read")
    assert (sorted(access.scopes), access.person) == (["credits.read", "credits.spend"], "Ann")
    update(office, account, scopes=["credits.read"])
    assert reason_of(customer.app.credit.Deduct, customer.deducting(1)) == "PERMISSION_DENIED"


def test_nobody_but_a_service_has_the_scopes_of_a_service(office: Office, subject: str) -> None:
    create(office, subject, scopes=["credits.read"])
    assert not office.may_read(subject, "another", "USER")
    assert list(office.access_of(subject, "USER").scopes) == []


def test_a_disabled_one_may_do_nothing_whatever_its_token_states(office: Office, subject: str) -> None:
    account = create(office, subject, "Ann", scopes=["credits.read"])
    claims = {"scope": "credits.read"}
    office.grant(account.name, "FINANCE")
    assert office.may_read(subject, "another", "SERVICE", "SUPPORT", **claims)
    update(office, account, disabled=True)
    assert not office.may_read(subject, "another", "SERVICE", "SUPPORT", **claims)
    told = office.access_of(subject, "SERVICE", **claims)
    assert (told.is_service, list(told.permissions), list(told.role_grants)) == (True, ["access.read_own"], [])


def test_it_is_limited_to_its_accounts(office: Office, subject: str) -> None:
    """By id and by prefix, wherever an account is named, before anything tells whether it exists."""
    create(office, subject, scopes=["credits.spend", "credits.read"], accounts=["exact", "team-*"])
    allowed = "exact", "team-1", "team-"
    for account_id in (*allowed, "exact-1", "team", "Team-1"):
        customer = customer_of(office, account_id, subject)
        reservation = customer_of(office, account_id, "helper", "credits.spend").hold(1)
        outcomes = {
            reason_of(customer.app.credit.Deduct, customer.deducting(1)),
            reason_of(customer.app.credit.Confirm, customer.confirming(reservation)),
            reason_of(customer.app.credit.GetBalance, credit.GetBalanceRequest(account_id=account_id)),
            reason_of(customer.app.credit.GetReservation, credit.GetReservationRequest(name=reservation)),
            reason_of(customer.app.credit.BatchGetBalances, credit.BatchGetBalancesRequest(account_ids=[account_id])),
        }
        assert outcomes == {"OK" if account_id in allowed else "PERMISSION_DENIED"}, account_id


def test_a_batch_is_judged_item_by_item(office: Office, subject: str) -> None:
    create(office, subject, scopes=["credits.spend", "credits.read"], accounts=["mine"])
    mine, other = customer_of(office, "mine", subject), customer_of(office, "other", subject)
    helper = customer_of(office, "other", "helper", "credits.spend credits.read")
    held = helper.hold(1)
    before = helper.figures()
    answers = (
        mine.app.credit.BatchReserve(credit.BatchReserveRequest(requests=[mine.reserving(1), other.reserving(1)])),
        mine.app.credit.BatchDeduct(credit.BatchDeductRequest(requests=[mine.deducting(1), other.deducting(1)])),
        mine.app.credit.BatchConfirm(
            credit.BatchConfirmRequest(requests=[mine.confirming(mine.hold(1)), other.confirming(held)])
        ),
    )
    for answer in answers:
        first, second = answer.results
        assert not first.HasField("error")
        assert details_of(second.error)["reason"] == "PERMISSION_DENIED"
    assert helper.figures() == before
    both = credit.BatchGetBalancesRequest(account_ids=["mine", "other"])
    assert reason_of(mine.app.credit.BatchGetBalances, both) == "PERMISSION_DENIED"


def test_what_names_no_account_is_refused_but_for_the_catalogue(office: Office, subject: str) -> None:
    create(office, subject, scopes=["credits.read", "payments.ingest"], accounts=["mine"])
    by = office.service.as_caller(subject, "SERVICE", "ADMIN")
    assert reason_of(by.credit.ListCreditTypes, credit.ListCreditTypesRequest()) == "OK"
    assert reason_of(by.payment.ListPackages, payment.ListPackagesRequest()) == "OK"
    assert list(office.access_of(subject, "SERVICE").accounts) == ["mine"]
    assert reason_of(by.admin.ListAccounts, admin.ListAccountsRequest()) == "PERMISSION_DENIED"
    assert reason_of(by.admin.VerifyLedger, admin.VerifyLedgerRequest()) == "PERMISSION_DENIED"


def test_a_token_that_is_limited_itself_may_do_what_both_allow(office: Office, subject: str) -> None:
    create(office, subject, scopes=["credits.read"], accounts=["team-*"])
    claims = {"accounts": ["team-1*", "other"]}
    assert list(office.access_of(subject, "SERVICE", **claims).accounts) == ["team-1*"]
    assert office.may_read(subject, "team-12", "SERVICE", **claims)
    for account_id in ("team-2", "other"):
        assert not office.may_read(subject, account_id, "SERVICE", **claims)
    assert list(office.access_of(subject, "SERVICE", accounts=["other"]).accounts) == [""]
    assert not office.may_read(subject, "other", "SERVICE", accounts=["other"])


@pytest.mark.parametrize("stated", [["other"], ["*"]])
@pytest.mark.parametrize("stored", [[], ["mine"]])
def test_no_allow_list_has_what_names_no_account(
    office: Office, subject: str, stored: list[str], stated: list[str]
) -> None:
    """Neither one of the token alone, nor what two have in common, be it nothing."""
    create(office, subject, scopes=["payments.ingest"], accounts=stored)
    by = office.service.as_caller(subject, "SERVICE", "ADMIN", accounts=stated)
    for call, request in (
        (by.admin.ListAccounts, admin.ListAccountsRequest()),
        (by.admin.VerifyLedger, admin.VerifyLedgerRequest()),
        (by.webhook.IngestWebhook, webhook.IngestWebhookRequest(provider=PAYMENT_PROVIDER_OMISE, body=b"{}")),
    ):
        assert reason_of(call, request) == "PERMISSION_DENIED"


def test_it_does_not_change_itself(office: Office, subject: str) -> None:
    """Not even with a role of administration."""
    account = create(office, subject, "Ann", scopes=["credits.read"])
    office.grant(account.name, "ADMIN")
    by = office.as_one(subject, "SERVICE").access
    refusal = refused(by.UpdateServiceAccount, updating(account, scopes=["credits.spend"]))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "OWN_ROLE")
    assert reason_of(by.GrantRole, granting("Bob", "SUPPORT")) == "OK"


def test_whose_it_is_nobody_chooses(office: Office, subject: str) -> None:
    """Or its maker could raise it as if it were another's, and approve by it what he has asked for himself."""
    held = office.version()
    by = office.as_one("mallory", "ADMIN", person="Mallory").access
    refusal = refused(by.CreateServiceAccount, creating(subject, person="Ann"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "SERVICE_ACCOUNT_OF_ANOTHER")
    assert refusal.metadata["service_account"] == f"serviceAccounts/{subject}"
    assert office.version() == held
    assert by.CreateServiceAccount(creating(subject, person="Mallory")).service_account.person == "Mallory"
    assert by.CreateServiceAccount(creating(f"{subject}-2")).service_account.person == "Mallory"
    office.await_effect()


def test_nobody_comes_to_call_as_anothers_service(office: Office, subject: str) -> None:
    """Everybody may take a certificate from it, and all that it may do, but not have it show another one."""
    names = [f"spiffe://house/{subject}", f"spiffe://house/{subject}-2"]
    account = create(office, subject, "Ann", certificate_names=names[:1])
    adding = updating(account, certificate_names=names)
    refusal = refused(office.admin.access.UpdateServiceAccount, adding)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "SERVICE_ACCOUNT_OF_ANOTHER")
    account = office.as_one("Ann", "ADMIN").access.UpdateServiceAccount(adding).service_account
    account = update(office, account, certificate_names=names[1:], scopes=["credits.read"])
    assert (list(account.certificate_names), account.person) == (names[1:], "Ann")
    update(office, account, disabled=True)


def test_a_name_that_is_another_ones_is_refused(office: Office, subject: str) -> None:
    account = create(office, subject)
    held = office.version()
    changing = updating(account, disabled=True)
    changing.service_account.name = f"serviceAccounts/{subject}-2"
    refusal = refused(office.admin.access.UpdateServiceAccount, changing)
    assert (refusal.reason, refusal.metadata["field"]) == ("INVALID_FIELD", "service_account.name")
    assert office.version() == held
    changing.service_account.name = ""
    assert reason_of(office.admin.access.UpdateServiceAccount, changing) == "OK"


def test_a_change_is_refused_if_somebody_else_came_first(office: Office, subject: str) -> None:
    first = create(office, subject, scopes=["credits.read"])
    second = update(office, first, scopes=["credits.spend"])
    assert (second.version, second.person) == (2, first.person)
    refusal = refused(office.admin.access.UpdateServiceAccount, updating(first, disabled=True))
    assert (refusal.reason, refusal.metadata["current"]) == ("VERSION_MISMATCH", "2")
    missing = updating(ServiceAccount(service_account_id=f"{subject}-2"), disabled=True)
    assert refused(office.admin.access.UpdateServiceAccount, missing).reason == "SERVICE_ACCOUNT_NOT_FOUND"


def test_an_id_and_the_name_of_a_certificate_are_of_one_service(office: Office, subject: str) -> None:
    name = f"spiffe://house/{subject}"
    account = create(office, subject, certificate_names=[name])
    assert office.service.server.credit.access.book.service_account_of(name) == subject
    for request in (creating(subject), creating(f"{subject}-2", certificate_names=["x", name])):
        refusal = refused(office.admin.access.CreateServiceAccount, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "SERVICE_ACCOUNT_EXISTS")
    other = create(office, f"{subject}-3")
    taking = updating(other, certificate_names=[name])
    assert refused(office.admin.access.UpdateServiceAccount, taking).reason == "SERVICE_ACCOUNT_EXISTS"
    update(office, account, disabled=True)
    assert office.service.server.credit.access.book.service_account_of(name) is None


def test_a_request_id_has_one_effect_and_one_answer(office: Office, subject: str) -> None:
    request = creating(subject, scopes=["credits.read", "credits.spend"], accounts=["a", "b*"])
    first = office.admin.access.CreateServiceAccount(request)
    assert office.admin.access.CreateServiceAccount(request) == first
    listed, token = [], ""
    while True:
        asked = pb.ListServiceAccountsRequest(page_size=2, page_token=token)
        page = office.admin.access.ListServiceAccounts(asked)
        listed += list(page.service_accounts)
        token = page.next_page_token
        if not token:
            break
    assert [account for account in listed if account.service_account_id == subject] == [first.service_account]
    assert [account.service_account_id for account in listed] == sorted(one.service_account_id for one in listed)


@pytest.mark.parametrize(
    "fields",
    [
        {"scopes": ["credits.mint"]},
        {"scopes": ["*"]},
        {"scopes": ["credits.read", "credits.read"]},
        {"accounts": ["*"]},
        {"accounts": ["a*b"]},
        {"accounts": [""]},
        {"accounts": [str(number) for number in range(51)]},
        {"certificate_names": ["with blanks in it"]},
        {"person": "\0"},
        {"service_account_id": "with blanks in it"},
    ],
)
def test_one_that_cannot_be_is_refused(office: Office, subject: str, fields: dict[str, object]) -> None:
    held = office.version()
    request = creating(**({"service_account_id": subject[-20:]} | fields))  # type: ignore[arg-type]  # As the cases say.
    assert reason_of(office.admin.access.CreateServiceAccount, request) == "INVALID_FIELD"
    assert office.version() == held


def test_there_are_no_more_service_accounts_than_servers_keep(
    office: Office, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_accounts, "MAX_SERVICE_ACCOUNTS", 0)
    assert reason_of(office.admin.access.CreateServiceAccount, creating(subject)) == "ACCESS_FULL"
