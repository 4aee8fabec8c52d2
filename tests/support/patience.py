"""Waiting for what comes about by itself, without a pause that is too short on a loaded machine."""

import time
from typing import Any


def eventually(condition: Any, seconds: float = 10.0) -> Any:
    """Return the first true answer of ``condition``, asked again and again; fail the test if none comes in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.02)
    message = "it did not come about in time"
    raise AssertionError(message)
