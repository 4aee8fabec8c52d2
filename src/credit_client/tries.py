"""The course of a call: it is sent, and sent again after a pause, until it is decided.

Nothing here waits. A client that blocks and one of asyncio follow the same course, each in its own way.
"""

import random
import time
from collections.abc import Generator
from itertools import count
from math import inf
from typing import Final, NamedTuple, TypeVar

from google.protobuf.message import Message

from credit_client.errors import error_of
from credit_client.failure import Failure
from credit_client.methods import REQUEST_ID, Method, method_of
from credit_client.observer import Metadata, Nobody, Observer
from credit_client.request_ids import new_request_id
from credit_client.retries import pause_seconds

LEAST_SECONDS: Final = 0.001
"""A try that would have no time at all is given this much, so that it fails as any other."""

MOST_TRY_SECONDS: Final = 8.0
"""The longest try of a call with a request id. It is decided in milliseconds: an answer that has not come by then is
lost, and a repeat tells it. What has no id may be a long read, and has all the time that there is."""


class Send(NamedTuple):
    """To be sent with this metadata, and answered within so many seconds: with a message, or with a Failure."""

    method: Method
    request: Message
    seconds: float
    metadata: Metadata


class Pause(NamedTuple):
    """To be waited for."""

    seconds: float


class Manner(NamedTuple):
    """How calls are made: for how many seconds they are tried, the last try included, and who looks on.

    ``confirm_seconds`` is for the Confirm at the end of a block, whose work is done by then: a restart of the service
    takes a few seconds.
    """

    call_seconds: float = 10.0
    confirm_seconds: float = 30.0
    observer: Observer = Nobody()


Result = TypeVar("Result")

Course = Generator[Send | Pause, Message | Failure | None, Result]
"""Yields what is to be done, is sent what came of it, and returns the result. Raises CreditError. What is no answer and
no failure, such as the error of a caller's own function that gives tokens, is thrown in."""


def call(request: Message, observer: Observer, seconds: float) -> Course[Message]:
    """Make a call, in as many tries as there is time for, with one request id. Raises CreditError.

    A request that takes a request id and has none is given one: the message itself, so that its caller has it too.
    """
    method = method_of(request)
    if method.takes_request_id and not getattr(request, REQUEST_ID):
        setattr(request, REQUEST_ID, new_request_id())
    end = time.monotonic() + seconds
    longest = MOST_TRY_SECONDS if method.takes_request_id else inf
    with observer.observe(method.path) as observed:
        for tries in count(1):
            outcome = yield Send(method, request, min(longest, seconds_until(end)), observed.metadata)
            if isinstance(outcome, Message):
                return outcome
            failure = _failure(outcome)
            pause = pause_seconds(failure, tries, end - time.monotonic(), random.random)
            if pause is None:
                raise error_of(failure, getattr(request, REQUEST_ID, ""), tries)
            observed.will_retry(failure, pause)
            yield Pause(pause)
    raise AssertionError


def seconds_until(end: float) -> float:
    """Return how many seconds there are until an instant of the monotonic clock; never quite none."""
    return max(LEAST_SECONDS, end - time.monotonic())


def _failure(outcome: Failure | None) -> Failure:
    if outcome is None:
        raise TypeError("what was sent is answered with a message or a failure")
    return outcome
