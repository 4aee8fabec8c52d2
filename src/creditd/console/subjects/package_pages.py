"""What is sold: packages and credit types, each a list with an act to add one."""

from typing import Final

from credit.v1.admin_service_pb2 import CreateCreditTypeRequest
from credit.v1.credit_service_pb2 import ListCreditTypesRequest
from credit.v1.credit_type_pb2 import CreditType
from credit.v1.money_pb2 import Money
from credit.v1.package_pb2 import Package
from credit.v1.payment_admin_service_pb2 import CreatePackageRequest, RetirePackageRequest
from credit.v1.payment_service_pb2 import ListPackagesRequest
from creditd.console.shapes.act_page import ActField, ActPage
from creditd.console.shapes.cells import Cell, CellWriter
from creditd.console.shapes.list_filters import ListFilter
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.visit import Visit


def _sale(write: CellWriter, package: Package) -> Cell:
    if package.HasField("retire_time"):
        return write.tag(("", "lock"), write.text("package.retired"))
    return write.tag(("quiet", "check"), write.text("package.sold"))


def _retire(visit: Visit, package: Package) -> list[OfferedAct]:
    if package.HasField("retire_time"):
        return []
    return [
        OfferedAct("act.retire_package.do", visit.path(f"/packages/{package.package_id}/retire"), "settings.change")
    ]


PACKAGES: Final = ListPage(
    "packages",
    "/packages",
    "packages.read",
    lambda stubs: stubs.payment.ListPackages,
    ListPackagesRequest,
    "packages",
    (
        ListColumn("package", lambda write, one: write.identifier(one.package_id)),
        ListColumn("name", lambda write, one: write.said(one.display_name)),
        ListColumn("price", lambda write, one: write.money(one.price.amount, one.price.currency), "n", has_unit=True),
        ListColumn("credits", lambda write, one: write.credits(one.credits, one.credit_type), "n", has_unit=True),
        ListColumn("bonus", lambda write, one: write.credits(one.bonus, one.credit_type), "n", has_unit=True),
        ListColumn("sale", _sale),
        ListColumn("created", lambda write, one: write.time(one.create_time)),
        ListColumn("retired", lambda write, one: write.time(one.retire_time)),
    ),
    filters=(ListFilter("retired", "show_retired"),),
    has_amounts=True,
    row_acts=_retire,
    acts=(OfferedAct("act.create_package.do", "/packages/new", "settings.change", "plus", is_main=True),),
)

CREDIT_TYPES: Final = ListPage(
    "credit_types",
    "/credit-types",
    "credit_types.read",
    lambda stubs: stubs.credit.ListCreditTypes,
    ListCreditTypesRequest,
    "credit_types",
    (
        ListColumn("credit_type", lambda write, one: write.code(one.code)),
        ListColumn("name", lambda write, one: write.said(one.display_name)),
        ListColumn("decimals", lambda write, one: write.number(one.decimals), "n"),
    ),
    acts=(OfferedAct("act.create_credit_type.do", "/credit-types/new", "settings.change", "plus", is_main=True),),
)


def _package(form: TypedForm) -> CreatePackageRequest:
    credit_type, currency = (
        form.text("credit_type", is_needed=True),
        form.text("currency", is_needed=True, pattern=r"[A-Z]{3}"),
    )
    package = Package(
        package_id=form.text("package_id", is_needed=True),
        display_name=form.text("display_name", is_needed=True),
        price=Money(amount=form.money("price", currency), currency=currency),
        credit_type=credit_type,
        credits=form.amount("credits", credit_type),
        bonus=form.amount("bonus", credit_type, is_needed=False),
    )
    return CreatePackageRequest(package=package, request_id=form.request_id)


CREATE_PACKAGE: Final = ActPage(
    "create_package",
    "/packages/new",
    "settings.change",
    lambda stubs: stubs.payment_admin.CreatePackage,
    _package,
    lambda visit: visit.path("/packages"),
    fields=(
        ActField("package_id", most=64, is_needed=True, hint="field.package_id.hint", of=("package.package_id",)),
        ActField("display_name", most=100, is_needed=True, of=("package.display_name",)),
        ActField("currency", most=3, is_needed=True, hint="field.currency.hint", of=("package.price.currency",)),
        ActField("price", "number", is_needed=True, of=("package.price", "package.price.amount")),
        ActField("credit_type", "type", is_needed=True, of=("package.credit_type",)),
        ActField("credits", "number", is_needed=True, of=("package.credits",)),
        ActField("bonus", "number", of=("package.bonus",)),
    ),
)

RETIRE_PACKAGE: Final = ActPage(
    "retire_package",
    "/packages/{package_id}/retire",
    "settings.change",
    lambda stubs: stubs.payment_admin.RetirePackage,
    lambda form: RetirePackageRequest(name=f"packages/{form.visit.parts['package_id']}", request_id=form.request_id),
    lambda visit: visit.path("/packages"),
    fields=(),
    subject="package_id",
    will=2,
    is_danger=True,
    is_typed=True,
)

CREATE_CREDIT_TYPE: Final = ActPage(
    "create_credit_type",
    "/credit-types/new",
    "settings.change",
    lambda stubs: stubs.admin.CreateCreditType,
    lambda form: CreateCreditTypeRequest(
        credit_type=CreditType(
            code=form.text("type_code", is_needed=True),
            display_name=form.text("display_name"),
            decimals=form.whole("decimals", least=0, most=9, is_needed=False),
        ),
        request_id=form.request_id,
    ),
    lambda visit: visit.path("/credit-types"),
    fields=(
        ActField("type_code", most=32, is_needed=True, hint="field.type_code.hint", of=("credit_type.code",)),
        ActField("display_name", most=100, of=("credit_type.display_name",)),
        ActField("decimals", "number", hint="field.decimals.hint", of=("credit_type.decimals",)),
    ),
    will=1,
)
