"""Waiting for what comes about by itself, without a pause that is too short on a loaded machine."""

import os
import time
from math import inf
from typing import Any, Final

LIMIT_VARIABLE: Final = "CREDITD_TEST_PATIENCE_SECONDS"
"""Set where tests are run in order to fail: what a planted fault keeps from coming about is given up sooner."""


def patience(seconds: float) -> float:
    """Return how long to wait for what should take far less than ``seconds``."""
    return min(seconds, float(os.environ.get(LIMIT_VARIABLE, inf)))


def eventually(condition: Any, seconds: float = 60.0) -> Any:
    """Return the first true answer of ``condition``, asked again and again; fail the test if none comes in time."""
    deadline = time.monotonic() + patience(seconds)
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.02)
    message = "it did not come about in time"
    raise AssertionError(message)
