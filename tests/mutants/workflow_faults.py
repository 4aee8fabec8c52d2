"""Faults in workflows: whose they are, which state of one is changed, and what is told of it."""

from tests.mutants.fault import Fault

_WIRE = ("tests/contract/test_workflows.py",)

WORKFLOW_FAULTS = (
    Fault(
        "workflows: whose an update's workflow is is not looked at",
        "server/requests.py",
        "return lambda request: _account_of_name(getattr(request, resource))",
        "return _no_account",
        _WIRE,
        "test_only_what_the_mask_names_is_changed",
    ),
    Fault(
        "workflows: the last change wins whatever was read",
        "domain/workflows/workflow.py",
        'if etag not in ("", self.etag):',
        'if etag == "0":',
        _WIRE,
        "test_of_two_who_have_read_the_same_state_one_changes_it",
    ),
    Fault(
        "workflows: an archived one is changed",
        "domain/workflows/workflow.py",
        "    workflow.require_live()\n    workflow.require_state(etag)",
        "    workflow.require_state(etag)",
        _WIRE,
        "test_an_archived_one_stays_as_it_is",
    ),
    Fault(
        "workflows: a dry run is done",
        "service/workflows/workflows.py",
        "dry_run=asked.dry_run),",
        "dry_run=False),",
        _WIRE,
        "test_what_is_only_tried_is_answered_and_not_done",
    ),
    Fault(
        "workflows: staff open accounts by them",
        "service/workflows/workflows.py",
        "if not call.opens and accounts.find(connection, account_id) is None:",
        "if False:",
        _WIRE,
        "test_staff_open_no_account_by_it",
    ),
    Fault(
        "workflows: a closed account's are changed",
        "service/workflows/workflows.py",
        "        account.require_open()\n",
        "",
        _WIRE,
        "test_a_closed_account_has_nothing_changed",
    ),
    Fault(
        "workflows: what staff change is not told",
        "service/workflows/workflows.py",
        "        if not call.opens:\n            was =",
        "        if False:\n            was =",
        _WIRE,
        "test_what_staff_change_is_told_and_what_owners_and_services_change_is_not",
    ),
)
