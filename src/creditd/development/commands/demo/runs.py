"""The story of erin, who has work run by an executor: one that counts words, a credit for each."""

from pathlib import Path
from typing import Final

import orjson

from credit.v1.run_pb2 import Run, RunState
from credit.v1.workflow_pb2 import AmountRange, Workflow
from creditd.development.commands.demo.narrator import CREDIT_TYPE, Narrator, expect, outcome, refusal

EXECUTOR: Final = "words"
"""The executor's name in the configuration."""

WORD_SECONDS: Final = 0.2
"""How long a word takes, so that there is something to see."""

MOST: Final = 10

_WORDS: Final = "the quick brown fox"


def results_in(folder: Path) -> Path:
    """Return where the executor keeps its results."""
    return folder / "executor"


async def tell_of_runs(narrator: Narrator) -> None:
    """Tell it. Raises CommandFailure where something does not come about."""
    narrator.chapter("Work is run by an executor")
    cost = AmountRange(least_amount=1, most_amount=MOST)
    made = Workflow(display_name="Count words", executor=EXECUTOR, credit_type=CREDIT_TYPE, amount_range=cost)
    narrator.tell(
        "erin has 20 credits and a workflow: an executor, which another team may write, counts words, a credit each. "
        f"A run of it holds {MOST} before anything is done, and costs what was used."
    )
    await narrator.spend("GetBalance", account_id="erin", credit_types=[CREDIT_TYPE])
    await narrator.add("erin", 19)
    workflow = (await narrator.work("CreateWorkflow", account_id="erin", workflow_id="count", workflow=made)).workflow
    run = await _ended(narrator, workflow.name, _WORDS)
    is_counted = run.state == RunState.RUN_STATE_SUCCEEDED and run.used_amount == len(_WORDS.split())
    expect(is_counted, "each word is a credit")
    _show(narrator, run)
    await narrator.show_balance("erin", available=16)
    narrator.tell("Another text is none. The run fails, and all goes back:")
    run = await _ended(narrator, workflow.name, 5)
    expect(run.state == RunState.RUN_STATE_FAILED, "what cannot be counted fails")
    _show(narrator, run)
    await narrator.show_balance("erin", available=16)
    narrator.tell("A third one is given up at work. Its credits are back at once, and its executor is told:")
    begun = await _begun(narrator, workflow.name, "a much longer text than that")
    run = (await narrator.work("CancelRun", name=begun.name, reason="not needed any more")).run
    expect(run.state == RunState.RUN_STATE_CANCELLED, "a run can be given up")
    _show(narrator, run)
    await narrator.show_balance("erin", available=16)
    narrator.tell("And without credit nothing is run:")
    dear = Workflow(display_name="A book", executor=EXECUTOR, credit_type=CREDIT_TYPE, fixed_amount=1_000)
    book = (await narrator.work("CreateWorkflow", account_id="erin", workflow_id="book", workflow=dear)).workflow
    refused = await outcome(_begun(narrator, book.name, "once upon a time"))
    narrator.show_refusal(refusal(refused, "INSUFFICIENT_CREDIT"))


async def _begun(narrator: Narrator, workflow: str, text: object) -> Run:
    document = orjson.dumps({"text": text}).decode()
    run: Run = (await narrator.work("RunWorkflow", name=workflow, input=document)).run
    return run


async def _ended(narrator: Narrator, workflow: str, text: object) -> Run:
    """Have a text counted; return the run as it has ended."""
    run = await _begun(narrator, workflow, text)
    async for answer in narrator.watch(run.name):
        run = answer.run
    return run


def _show(narrator: Narrator, run: Run) -> None:
    what = run.output or run.failure.reason or "-"
    state = RunState.Name(run.state).removeprefix("RUN_STATE_").lower().replace("_", " ")
    narrator.show(("state", "held", "spent", "what came of it"), [(state, run.held_amount, run.used_amount, what)])
