"""What an executor's messages mean; whatever they hold is data, and held to the contract (docs/executors.md)."""

import re
from typing import Final

import orjson

from credit.executor.v1.executor_service_pb2 import ExecutionFailure, ExecutionProgress, ExecutionSuccess
from creditd.domain.workflows.execution import Execution, Failed, Progress, Succeeded

MAX_MESSAGE_BYTES: Final = 4_096
"""Of a text for people, as in the proto; what goes beyond is cut off."""

MAX_OUTPUT_BYTES: Final = 65_536
"""As in the proto."""

ANSWER_INVALID: Final = "EXECUTOR_ANSWER_INVALID"
"""The reason of a run whose executor has answered what the contract does not allow. Its answer is final, so that a
repeat would bring the same: nothing is spent on it."""

_REASON: Final = re.compile(r"[A-Z][A-Z0-9_]{0,62}")

_WHOLE_PER_CENT: Final = 100


def progress_of(message: ExecutionProgress) -> Progress:
    """Return how far an execution has come; a percentage that is none is not known."""
    is_known = message.HasField("percent") and 0 <= message.percent <= _WHOLE_PER_CENT
    return Progress(message.percent if is_known else None, text_of(message.message))


def success_of(message: ExecutionSuccess, execution: Execution) -> Succeeded | Failed:
    """Return what a success comes to: Failed if it says what it may not."""
    used = message.used_amount if message.HasField("used_amount") else None
    if used is not None and not 0 <= used <= execution.held_amount:
        return invalid(f"it says that {used} was used of the {execution.held_amount} held")
    if len(message.output) > MAX_OUTPUT_BYTES:
        return invalid(f"its output has {len(message.output)} bytes, and may have {MAX_OUTPUT_BYTES}")
    if message.output and not _is_object(message.output):
        return invalid("its output is no JSON object")
    return Succeeded(used, message.output)


def failure_of(message: ExecutionFailure) -> Failed:
    """Return what a failure comes to; without a reason of the form agreed it has failed all the same."""
    is_lawful = bool(_REASON.fullmatch(message.reason))
    return Failed(message.reason if is_lawful else ANSWER_INVALID, text_of(message.message))


def invalid(problem: str) -> Failed:
    """Return the failure of a run whose executor has answered what the contract does not allow."""
    return Failed(ANSWER_INVALID, f"the executor's answer is not valid: {problem}")


def text_of(text: str) -> str:
    """Return a text for people as it is kept: of 4,096 bytes at most, and without NUL, which no database stores."""
    cut = text.encode()[:MAX_MESSAGE_BYTES].decode(errors="ignore")
    return cut.replace("\0", " ")


def _is_object(output: bytes) -> bool:
    try:
        return isinstance(orjson.loads(output), dict)
    except orjson.JSONDecodeError:
        return False
