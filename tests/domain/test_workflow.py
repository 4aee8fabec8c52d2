"""Workflows as the domain has them: every state has an etag of its own, and only whole ones come of a change (G1)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditd.domain.errors import InvalidField, Refusal
from creditd.domain.instant import SECOND, Instant
from creditd.domain.workflows.workflow import (
    Workflow,
    archived,
    parse_workflow_name,
    with_changes,
    workflow_name,
)
from creditd.domain.workflows.workflow_errors import ExecutorUnknown, WorkflowArchived, WorkflowChanged

pytestmark = pytest.mark.requirement("G1")

NOW = Instant(1_000 * SECOND)
LATER = Instant(2_000 * SECOND)

RENDER = Workflow("ann", "render", 1, "Render", "", "render", "chat", 5, 9, False, SECOND, NOW, NOW)  # noqa: FBT003

AMOUNTS = st.integers(min_value=0, max_value=10)

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "display_name": st.sampled_from(["", "New"]),
        "description": st.sampled_from(["", "new"]),
        "executor": st.sampled_from(["", "quiz"]),
        "credit_type": st.sampled_from(["", "spec"]),
        "least_amount": AMOUNTS,
        "most_amount": AMOUNTS,
        "timeout_microseconds": st.integers(min_value=SECOND, max_value=86_400 * SECOND),
    },
)


@given(CHANGES)
def test_a_change_makes_a_whole_workflow_or_none(changes: dict[str, Any]) -> None:
    try:
        changed = with_changes(RENDER, changes, RENDER.etag, LATER)
    except InvalidField:
        wanted = RENDER._replace(**changes)
        is_whole = all((wanted.display_name, wanted.executor, wanted.credit_type, wanted.most_amount))
        assert not is_whole or wanted.least_amount > wanted.most_amount
        return
    assert changed._replace(version=1, update_time=NOW) == RENDER._replace(**changes)
    assert (changed.version, changed.update_time, changed.create_time) == (2, LATER, NOW)
    assert changed.display_name
    assert changed.executor
    assert changed.credit_type
    assert 0 <= changed.least_amount <= changed.most_amount
    assert changed.most_amount > 0


@given(st.lists(st.sampled_from(["change", "archive"]), max_size=8))
def test_each_state_has_an_etag_of_its_own(acts: list[str]) -> None:
    """And one of a former state is refused, whatever has come between."""
    states = [RENDER]
    for act in acts:
        present = states[-1]
        try:
            change = {"description": f"state {len(states)}"}
            new = with_changes(present, change, "", LATER) if act == "change" else archived(present, "", LATER)
        except WorkflowArchived:
            continue
        if new is not present:
            states.append(new)
    assert len({state.etag for state in states}) == len(states)
    for former in states[:-1]:
        with pytest.raises(Refusal):
            with_changes(states[-1], {}, former.etag, LATER)


def test_another_workflows_etag_is_another() -> None:
    assert RENDER.etag != RENDER._replace(workflow_id="other").etag
    assert RENDER.etag != RENDER._replace(account_id="bob").etag


def test_an_archived_one_stays_as_it_is() -> None:
    gone = archived(RENDER, RENDER.etag, LATER)
    assert (gone.version, gone.archive_time) == (2, LATER)
    assert archived(gone, RENDER.etag, Instant(LATER + 1)) is gone
    with pytest.raises(WorkflowArchived) as refusal:
        with_changes(gone, {"description": "new"}, "", LATER)
    assert refusal.value.facts == {"workflow": RENDER.name, "archive_time": "1970-01-01T00:33:20.000000Z"}
    with pytest.raises(WorkflowArchived):
        gone.require_live()
    RENDER.require_live()


def test_a_stale_etag_archives_nothing() -> None:
    with pytest.raises(WorkflowChanged) as refusal:
        archived(RENDER, "0f1e2d3c4b5a6978", LATER)
    assert refusal.value.facts == {"workflow": RENDER.name, "stated": "0f1e2d3c4b5a6978", "current": RENDER.etag}


def test_its_executor_is_one_of_those_that_there_are() -> None:
    RENDER.require_executor({"quiz", "render"})
    with pytest.raises(ExecutorUnknown):
        RENDER.require_executor({"quiz"})


def test_a_name_is_read_as_it_is_written() -> None:
    assert parse_workflow_name(workflow_name("team:7", "a-b_c")) == ("team:7", "a-b_c")
