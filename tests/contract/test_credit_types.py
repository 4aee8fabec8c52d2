"""Several credit types for each account, each with its own balance (A12)."""

from pathlib import Path

import grpc
import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2
from credit.v1.credit_type_pb2 import CreditType
from creditd.ledger.ids import uuid7
from tests.support.customer import Customer
from tests.support.refusals import refused
from tests.support.service import running_service

pytestmark = pytest.mark.requirement("A12")


def listed(customer: Customer) -> dict[str, CreditType]:
    """Return all credit types by code."""
    answer = customer.staff.credit.ListCreditTypes(credit_service_pb2.ListCreditTypesRequest(page_size=100))
    return {credit_type.code: credit_type for credit_type in answer.credit_types}


def declaring(code: str, display_name: str = "", decimals: int = 0) -> admin.CreateCreditTypeRequest:
    """Return the request to declare a credit type."""
    return admin.CreateCreditTypeRequest(
        credit_type=CreditType(code=code, display_name=display_name, decimals=decimals), request_id=uuid7()
    )


def test_those_of_the_configuration_are_there(customer: Customer) -> None:
    types = listed(customer)
    assert {code: types[code].decimals for code in ("spec", "chat", "quiz_gen", "THB")} == {
        "spec": 0,
        "chat": 0,
        "quiz_gen": 0,
        "THB": 2,
    }
    assert list(types) == sorted(types)


def test_a_new_one_is_used_at_once(customer: Customer) -> None:
    answer = customer.staff.admin.CreateCreditType(declaring("gems", "Gems", 3))
    assert answer.credit_type == CreditType(name="creditTypes/gems", code="gems", display_name="Gems", decimals=3)
    assert listed(customer)["gems"] == answer.credit_type
    customer.top_up(1_500, credit_type="gems")
    assert customer.deduct(500, credit_type="gems").balance.available == 1_000


def test_each_has_its_own_balance(customer: Customer) -> None:
    customer.top_up(100)
    customer.top_up(200, credit_type="THB")
    customer.reserve(30)
    assert (customer.figures(), customer.figures("THB"), customer.figures("quiz_gen")) == ((70, 30), (200, 0), (0, 0))
    refusal = refused(customer.app.credit.Deduct, customer.deducting(71))
    assert (refusal.reason, refusal.metadata["available"]) == ("INSUFFICIENT_CREDIT", "70")


def test_the_same_declaration_again_changes_nothing(customer: Customer) -> None:
    first = customer.staff.admin.CreateCreditType(declaring("again", "Again"))
    assert customer.staff.admin.CreateCreditType(declaring("again", "Again")) == first


@pytest.mark.parametrize(("display_name", "decimals"), [("Other", 0), ("Same", 1)])
def test_the_same_code_with_other_properties_is_refused(customer: Customer, display_name: str, decimals: int) -> None:
    customer.staff.admin.CreateCreditType(declaring("same", "Same"))
    refusal = refused(customer.staff.admin.CreateCreditType, declaring("same", display_name, decimals))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "CREDIT_TYPE_EXISTS")
    assert refusal.metadata["credit_type"] == "same"
    assert listed(customer)["same"] == CreditType(name="creditTypes/same", code="same", display_name="Same")


def test_one_without_a_name_is_called_by_its_code(customer: Customer) -> None:
    assert customer.staff.admin.CreateCreditType(declaring("plain")).credit_type.display_name == "plain"


def test_an_unknown_one_is_not_found_wherever_it_is_named(customer: Customer) -> None:
    amounts = [admin.CreditAmount(credit_type="nothing", amount=1)]
    adding = admin.AddCreditsRequest(account_id=customer.account_id, amounts=amounts, reason="r", request_id="1")
    for call, request in (
        (customer.app.credit.Reserve, customer.reserving(1, credit_type="nothing")),
        (customer.app.credit.Deduct, customer.deducting(1, credit_type="nothing")),
        (customer.staff.admin.AddCredits, adding),
        (customer.staff.admin.RemoveCredits, customer.removing(1, credit_type="nothing")),
    ):
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "CREDIT_TYPE_NOT_FOUND")
        assert refusal.metadata["credit_type"] == "nothing"
    assert not customer.page().entries


def test_one_that_another_server_declared_is_known_here(customer: Customer, tmp_path: Path) -> None:
    with running_service(tmp_path, database_url=customer.service.config.database_url) as other:
        other.as_caller("staff", "ADMIN").admin.CreateCreditType(declaring("elsewhere"))
        customer.top_up(5, credit_type="elsewhere")
        assert customer.deduct(2, credit_type="elsewhere").balance.available == 3
