"""Workflows over the wire: created, shown, changed and archived by their owners, each act once (G1)."""

from types import SimpleNamespace
from typing import Any

import grpc
import psycopg
import pytest
from google.protobuf.duration_pb2 import Duration

from credit.v1 import account_pb2, workflow_pb2
from credit.v1 import workflow_service_pb2 as pb
from creditd.domain.workflows import workflow as workflow_module
from creditd.ledger.ids import uuid7
from creditd.service.workflows import workflows as service_module
from tests.contract.at_once import at_once, reasons, was_replayed
from tests.support.customer import Customer
from tests.support.refusals import refused
from tests.support.workflows import archiving, creating, updating, workflow

pytestmark = pytest.mark.requirement("G1")


@pytest.fixture
def owner(customer: Customer) -> SimpleNamespace:
    """Return who the account belongs to."""
    return customer.service.as_caller(customer.account_id, "USER")


def created(owner: SimpleNamespace, customer: Customer, workflow_id: str = "render", **fields: Any) -> Any:
    """Create a workflow, and return it."""
    return owner.workflow.CreateWorkflow(creating(customer.account_id, workflow_id, **fields)).workflow


def got(owner: SimpleNamespace, name: str) -> workflow_pb2.Workflow:
    """Return a workflow as it is now."""
    answer: pb.GetWorkflowResponse = owner.workflow.GetWorkflow(pb.GetWorkflowRequest(name=name))
    return answer.workflow


def listed(owner: SimpleNamespace, customer: Customer, **fields: Any) -> list[str]:
    """Return the ids of a page of workflows."""
    page = owner.workflow.ListWorkflows(pb.ListWorkflowsRequest(account_id=customer.account_id, **fields))
    return [one.name.rpartition("/")[2] for one in page.workflows]


def test_a_workflow_is_created_and_shown_as_it_was_stated(owner: SimpleNamespace, customer: Customer) -> None:
    """Also before its account was ever seen, which its owner opens so."""
    made = created(owner, customer, description="Renders a film.", timeout=Duration(seconds=90))
    assert made.name == f"accounts/{customer.account_id}/workflows/render"
    assert (made.display_name, made.description) == ("Render", "Renders a film.")
    assert (made.executor, made.credit_type, made.fixed_amount) == ("render", "chat", 5)
    assert made.timeout.ToTimedelta().total_seconds() == 90
    assert made.etag
    assert made.create_time == made.update_time
    assert not made.HasField("archive_time")
    assert got(owner, made.name) == made


def test_a_cost_between_a_least_and_a_most(owner: SimpleNamespace, customer: Customer) -> None:
    made = created(owner, customer, amount_range={"least_amount": 0, "most_amount": 40})
    assert made.WhichOneof("cost") == "amount_range"
    assert (made.amount_range.least_amount, made.amount_range.most_amount) == (0, 40)


def test_a_run_may_take_five_minutes_unless_stated(owner: SimpleNamespace, customer: Customer) -> None:
    assert created(owner, customer).timeout.seconds == 300


@pytest.mark.parametrize(
    ("fields", "violation"),
    [
        ({"display_name": ""}, "workflow.display_name"),
        ({"executor": ""}, "workflow.executor"),
        ({"credit_type": ""}, "workflow.credit_type"),
        ({"fixed_amount": None}, "workflow.fixed_amount"),
        ({"fixed_amount": 0}, "workflow.fixed_amount"),
        ({"fixed_amount": -1}, "workflow.fixed_amount"),
        ({"fixed_amount": 10**12 + 1}, "workflow.fixed_amount"),
        ({"amount_range": {"least_amount": 6, "most_amount": 5}}, "workflow.amount_range.least_amount"),
        ({"amount_range": {"least_amount": -1, "most_amount": 5}}, "workflow.amount_range.least_amount"),
        ({"amount_range": {}}, "workflow.amount_range.most_amount"),
        ({"executor": "Render"}, "workflow.executor"),
        ({"display_name": "x" * 201}, "workflow.display_name"),
        ({"display_name": "a\0b"}, "workflow.display_name"),
        ({"description": "\0"}, "workflow.description"),
        ({"description": "x" * 2001}, "workflow.description"),
        ({"timeout": Duration()}, "workflow.timeout"),
        ({"timeout": Duration(seconds=86_401)}, "workflow.timeout"),
    ],
)
def test_what_a_run_needs_has_to_be_stated_within_bounds(
    owner: SimpleNamespace, customer: Customer, fields: dict[str, Any], violation: str
) -> None:
    refusal = refused(owner.workflow.CreateWorkflow, creating(customer.account_id, **fields))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert refusal.violations[0] == violation
    assert listed(owner, customer) == []


@pytest.mark.parametrize("workflow_id", ["", "Render", "-a", "a b", "a/b", "x" * 65])
def test_an_id_is_a_word_in_lower_case(owner: SimpleNamespace, customer: Customer, workflow_id: str) -> None:
    refusal = refused(owner.workflow.CreateWorkflow, creating(customer.account_id, workflow_id))
    assert (refusal.reason, refusal.violations) == ("INVALID_FIELD", ["workflow_id"])


def test_what_is_not_there_cannot_be_named(owner: SimpleNamespace, customer: Customer) -> None:
    refusal = refused(owner.workflow.CreateWorkflow, creating(customer.account_id, executor="nobody"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "EXECUTOR_UNKNOWN")
    assert refusal.metadata["executor"] == "nobody"
    refusal = refused(owner.workflow.CreateWorkflow, creating(customer.account_id, credit_type="nothing"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "CREDIT_TYPE_NOT_FOUND")
    assert listed(owner, customer) == []


def test_an_id_is_used_once_even_if_it_is_archived(owner: SimpleNamespace, customer: Customer) -> None:
    made = created(owner, customer)
    for _ in range(2):
        refusal = refused(owner.workflow.CreateWorkflow, creating(customer.account_id))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "WORKFLOW_EXISTS")
        owner.workflow.ArchiveWorkflow(archiving(made.name))


def test_the_same_request_creates_once_and_is_answered_as_then(owner: SimpleNamespace, customer: Customer) -> None:
    """An answer that shows a later state would let its reader overwrite what others have changed meanwhile."""
    request = creating(customer.account_id)
    first, call = owner.workflow.CreateWorkflow.with_call(request)
    assert not was_replayed(call)
    owner.workflow.UpdateWorkflow(updating(first.workflow.name, "display_name", display_name="Other"))
    again, call = owner.workflow.CreateWorkflow.with_call(request)
    assert again == first
    assert was_replayed(call)
    other = creating(customer.account_id, "other", request_id=request.request_id)
    refusal = refused(owner.workflow.CreateWorkflow, other)
    assert (refusal.reason, refusal.metadata["used_by"]) == ("REQUEST_ID_REUSED", "WORKFLOW")
    assert listed(owner, customer) == ["render"]


def test_a_request_id_is_the_accounts_whatever_it_was_used_for(owner: SimpleNamespace, customer: Customer) -> None:
    customer.top_up(10)
    spent = customer.deducting(1)
    customer.app.credit.Deduct(spent)
    refusal = refused(owner.workflow.CreateWorkflow, creating(customer.account_id, request_id=spent.request_id))
    assert (refusal.reason, refusal.metadata["used_by"]) == ("REQUEST_ID_REUSED", "DEDUCT")
    assert listed(owner, customer) == []
    request = creating(customer.account_id)
    owner.workflow.CreateWorkflow(request)
    refusal = refused(customer.app.credit.Deduct, customer.deducting(1, request_id=request.request_id))
    assert (refusal.reason, refusal.metadata["used_by"]) == ("REQUEST_ID_REUSED", "WORKFLOW")


def test_ten_at_once_create_one(owner: SimpleNamespace, customer: Customer) -> None:
    request = creating(customer.account_id)
    outcomes = at_once(owner.workflow.CreateWorkflow, [request] * 10)
    assert reasons(outcomes) == ["OK"] * 10
    assert len({answer.workflow.etag for answer in outcomes}) == 1
    assert listed(owner, customer) == ["render"]


def test_what_is_only_tried_is_answered_and_not_done(owner: SimpleNamespace, customer: Customer) -> None:
    request = creating(customer.account_id, validate_only=True)
    assert owner.workflow.CreateWorkflow(request).workflow.fixed_amount == 5
    assert listed(owner, customer) == []
    made = created(owner, customer, request_id=request.request_id)
    change = updating(made.name, "fixed_amount", fixed_amount=7, validate_only=True)
    assert owner.workflow.UpdateWorkflow(change).workflow.fixed_amount == 7
    owner.workflow.ArchiveWorkflow(archiving(made.name, validate_only=True))
    assert got(owner, made.name) == made


def test_an_account_has_so_many_and_archived_ones_do_not_count(
    owner: SimpleNamespace, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workflow_module.MAX_WORKFLOWS == 1_000
    monkeypatch.setattr(service_module, "MAX_WORKFLOWS", 2)
    first = created(owner, customer, "first")
    created(owner, customer, "second")
    refusal = refused(owner.workflow.CreateWorkflow, creating(customer.account_id, "third"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WORKFLOWS_FULL")
    assert refusal.metadata["maximum"] == "2"
    owner.workflow.ArchiveWorkflow(archiving(first.name))
    created(owner, customer, "third")
    assert listed(owner, customer) == ["second", "third"]


def test_they_are_listed_by_id_in_pages(owner: SimpleNamespace, customer: Customer) -> None:
    for workflow_id in ("c", "a", "e", "b", "d"):
        created(owner, customer, workflow_id)
    owner.workflow.ArchiveWorkflow(archiving(f"accounts/{customer.account_id}/workflows/b"))
    ask = pb.ListWorkflowsRequest(account_id=customer.account_id, page_size=2)
    first = owner.workflow.ListWorkflows(ask)
    ask.page_token = first.next_page_token
    rest = owner.workflow.ListWorkflows(ask)
    assert [one.name[-1] for one in (*first.workflows, *rest.workflows)] == ["a", "c", "d", "e"]
    assert not rest.next_page_token
    assert listed(owner, customer, show_archived=True) == ["a", "b", "c", "d", "e"]
    ask.show_archived = True
    assert refused(owner.workflow.ListWorkflows, ask).reason == "PAGE_TOKEN_INVALID"
    assert got(owner, f"accounts/{customer.account_id}/workflows/b").HasField("archive_time")


def test_only_what_the_mask_names_is_changed(owner: SimpleNamespace, customer: Customer) -> None:
    made = created(owner, customer, description="as it was")
    change = updating(made.name, "display_name,timeout", display_name="New", executor="nobody", description="not this")
    changed = owner.workflow.UpdateWorkflow(change).workflow
    assert (changed.display_name, changed.description, changed.executor) == ("New", "as it was", "render")
    assert changed.timeout.seconds == 300
    assert changed.etag != made.etag
    assert changed.update_time.ToNanoseconds() >= made.update_time.ToNanoseconds()
    assert got(owner, made.name) == changed


def test_without_a_mask_what_is_set_is_changed_and_a_star_changes_all(
    owner: SimpleNamespace, customer: Customer
) -> None:
    made = created(owner, customer, description="as it was", timeout=Duration(seconds=5))
    some = owner.workflow.UpdateWorkflow(updating(made.name, display_name="New", amount_range={"most_amount": 9}))
    assert (some.workflow.display_name, some.workflow.description) == ("New", "as it was")
    assert some.workflow.WhichOneof("cost") == "amount_range"
    whole = workflow(display_name="Whole", fixed_amount=3)
    whole.name = made.name
    request = pb.UpdateWorkflowRequest(workflow=whole, update_mask={"paths": ["*"]}, request_id=uuid7())
    every = owner.workflow.UpdateWorkflow(request).workflow
    assert (every.display_name, every.description, every.timeout.seconds) == ("Whole", "", 300)
    assert every.fixed_amount == 3


def test_what_the_server_sets_is_passed_over_in_a_mask(owner: SimpleNamespace, customer: Customer) -> None:
    """So that who has read a workflow can send it back with the mask that it was read with."""
    made = created(owner, customer)
    sent = workflow_pb2.Workflow()
    sent.CopyFrom(made)
    sent.display_name = "New"
    sent.update_time.seconds = 1
    mask = {"paths": [field.name for field, _ in sent.ListFields()]}
    request = pb.UpdateWorkflowRequest(workflow=sent, update_mask=mask, request_id=uuid7())
    changed = owner.workflow.UpdateWorkflow(request).workflow
    assert (changed.name, changed.display_name, changed.create_time) == (made.name, "New", made.create_time)
    assert changed.update_time.seconds > 1


@pytest.mark.parametrize(
    ("mask", "fields", "violation"),
    [
        ("colour", {"display_name": "New"}, "update_mask"),
        ("amount_range.most_amount", {"amount_range": {"most_amount": 1}}, "update_mask"),
        ("*,display_name", {"display_name": "New"}, "update_mask"),
        ("etag", {"display_name": "New"}, "update_mask"),
        ("", {}, "update_mask"),
        ("fixed_amount", {"amount_range": {"most_amount": 9}}, "workflow.fixed_amount"),
        ("amount_range", {}, "workflow.amount_range"),
        ("*", {"display_name": "New"}, "workflow.amount_range"),
        ("display_name", {}, "workflow.display_name"),
        ("executor", {}, "workflow.executor"),
        ("credit_type", {}, "workflow.credit_type"),
        ("amount_range", {"amount_range": {"least_amount": 2, "most_amount": 1}}, "workflow.amount_range.least_amount"),
        ("description", {"description": "\0"}, "workflow.description"),
    ],
)
def test_a_change_that_says_nothing_or_takes_away_what_is_needed_is_refused(
    owner: SimpleNamespace, customer: Customer, mask: str, fields: dict[str, Any], violation: str
) -> None:
    made = created(owner, customer)
    refusal = refused(owner.workflow.UpdateWorkflow, updating(made.name, mask, **fields))
    assert (refusal.reason, refusal.violations) == ("INVALID_FIELD", [violation])
    assert got(owner, made.name) == made


def test_a_change_names_what_there_is(owner: SimpleNamespace, customer: Customer) -> None:
    made = created(owner, customer)
    for field, value, reason in (
        ("executor", "nobody", "EXECUTOR_UNKNOWN"),
        ("credit_type", "nothing", "CREDIT_TYPE_NOT_FOUND"),
    ):
        assert refused(owner.workflow.UpdateWorkflow, updating(made.name, field, **{field: value})).reason == reason
    name = made.name.replace("render", "other")
    for method, request in (
        (owner.workflow.UpdateWorkflow, updating(name, "description")),
        (owner.workflow.ArchiveWorkflow, archiving(name)),
        (owner.workflow.GetWorkflow, pb.GetWorkflowRequest(name=name)),
    ):
        refusal = refused(method, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "WORKFLOW_NOT_FOUND")
        assert refusal.metadata["workflow"] == name
    assert got(owner, made.name) == made


def test_of_two_who_have_read_the_same_state_one_changes_it(owner: SimpleNamespace, customer: Customer) -> None:
    made = created(owner, customer)
    changes = [updating(made.name, "fixed_amount", fixed_amount=number, etag=made.etag) for number in range(1, 9)]
    outcomes = at_once(owner.workflow.UpdateWorkflow, changes)
    assert reasons(outcomes) == ["OK", *["WORKFLOW_CHANGED"] * 7]
    now = got(owner, made.name)
    refusal = refused(owner.workflow.ArchiveWorkflow, archiving(made.name, etag=made.etag))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "WORKFLOW_CHANGED")
    assert (refusal.metadata["stated"], refusal.metadata["current"]) == (made.etag, now.etag)
    assert owner.workflow.ArchiveWorkflow(archiving(made.name, etag=now.etag)).workflow.HasField("archive_time")


def test_an_archived_one_stays_as_it_is(owner: SimpleNamespace, customer: Customer) -> None:
    made = created(owner, customer)
    request = archiving(made.name)
    archived = owner.workflow.ArchiveWorkflow(request).workflow
    assert archived.archive_time == archived.update_time
    assert was_replayed(owner.workflow.ArchiveWorkflow.with_call(request)[1])
    assert owner.workflow.ArchiveWorkflow(archiving(made.name, etag=made.etag)).workflow == archived
    refusal = refused(owner.workflow.UpdateWorkflow, updating(made.name, "description", description="new"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WORKFLOW_ARCHIVED")
    assert refusal.metadata["workflow"] == made.name
    assert got(owner, made.name) == archived


def test_anothers_are_refused_before_anything_tells_whether_they_exist(
    owner: SimpleNamespace, customer: Customer
) -> None:
    """Also where the name is only that of the resource to be changed."""
    made = created(owner, customer)
    other = customer.service.as_caller(f"{customer.account_id[:100]}.b", "PREMIUM")
    for name in (made.name, made.name.replace("render", "nothing")):
        for method, request in (
            (other.workflow.GetWorkflow, pb.GetWorkflowRequest(name=name)),
            (other.workflow.UpdateWorkflow, updating(name, "fixed_amount", fixed_amount=1)),
            (other.workflow.ArchiveWorkflow, archiving(name)),
            (other.workflow.CreateWorkflow, creating(customer.account_id, name.rpartition("/")[2])),
            (other.workflow.ListWorkflows, pb.ListWorkflowsRequest(account_id=customer.account_id)),
        ):
            assert refused(method, request).code == grpc.StatusCode.PERMISSION_DENIED
    assert got(owner, made.name) == made


def test_a_service_is_kept_to_the_accounts_it_is_limited_to(customer: Customer) -> None:
    limited = customer.service.as_caller("limited", "SERVICE", scope="credits.spend", accounts=["somebody-else"])
    name = f"accounts/{customer.account_id}/workflows/render"
    for method, request in (
        (limited.workflow.CreateWorkflow, creating(customer.account_id)),
        (limited.workflow.UpdateWorkflow, updating(name, "fixed_amount", fixed_amount=1)),
        (limited.workflow.UpdateWorkflow, updating("", "fixed_amount", fixed_amount=1)),
    ):
        assert refused(method, request).code == grpc.StatusCode.PERMISSION_DENIED


def test_an_update_says_of_what(customer: Customer) -> None:
    refusal = refused(customer.app.workflow.UpdateWorkflow, updating("", "fixed_amount", fixed_amount=1))
    assert (refusal.reason, refusal.violations) == ("INVALID_FIELD", ["workflow.name"])


def _told(customer: Customer) -> list[Any]:
    with psycopg.connect(customer.service.config.database_url) as owner:
        query = "SELECT kind, actor, target, before, after FROM audit_events WHERE account = %s ORDER BY event_id"
        return owner.execute(query, [customer.account_id]).fetchall()


def test_what_staff_change_is_told_and_what_owners_and_services_change_is_not(
    owner: SimpleNamespace, customer: Customer
) -> None:
    made = created(owner, customer)
    customer.app.workflow.UpdateWorkflow(updating(made.name, "fixed_amount", fixed_amount=6))
    assert _told(customer) == []
    staff = customer.staff.workflow
    staff.CreateWorkflow(creating(customer.account_id, "other"))
    change = updating(made.name, "fixed_amount", fixed_amount=7)
    for _ in range(2):
        staff.UpdateWorkflow(change)
    staff.UpdateWorkflow(updating(made.name, "fixed_amount", fixed_amount=8, validate_only=True))
    staff.ArchiveWorkflow(archiving(made.name))
    told = _told(customer)
    assert [row[:3] for row in told] == [
        ("workflow.create", "staff", made.name.replace("render", "other")),
        ("workflow.update", "staff", made.name),
        ("workflow.archive", "staff", made.name),
    ]
    assert (told[0][3], told[0][4]["most_amount"]) == (None, 5)
    assert (told[1][3]["most_amount"], told[1][4]["most_amount"]) == (6, 7)
    assert (told[2][3]["archive_time"] is None, told[2][4]["archive_time"] is None) == (True, False)


def test_staff_open_no_account_by_it(customer: Customer) -> None:
    refusal = refused(customer.staff.workflow.CreateWorkflow, creating(customer.account_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND")
    assert listed(customer.staff, customer) == []


def test_a_closed_account_has_nothing_changed(owner: SimpleNamespace, customer: Customer) -> None:
    made = created(owner, customer)
    customer.staff.admin.SetAccountStatus(customer.becoming(account_pb2.ACCOUNT_STATUS_CLOSED, allow_balance=True))
    for method, request in (
        (owner.workflow.CreateWorkflow, creating(customer.account_id, "other")),
        (owner.workflow.UpdateWorkflow, updating(made.name, "fixed_amount", fixed_amount=1)),
        (owner.workflow.ArchiveWorkflow, archiving(made.name)),
    ):
        assert refused(method, request).reason == "ACCOUNT_CLOSED"
    assert got(owner, made.name) == made
