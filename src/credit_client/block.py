"""What a block of paid work calls, from its start to its end, as courses of calls."""

import logging
from typing import Final, cast

from credit.v1.credit_service_pb2 import (
    ConfirmRequest,
    ExtendReservationResponse,
    RefundRequest,
    ReserveRequest,
    ReserveResponse,
)
from credit_client.errors import CreditError, ReservationExpired, ReservationRefunded
from credit_client.hold import RESERVE, Hold
from credit_client.tries import Course, Manner, call

log: Final = logging.getLogger("credit_client")


def begin(request: ReserveRequest, manner: Manner, *, spent_stands: bool) -> Course[Hold]:
    """Hold the credits. Raises CreditError."""
    answer = cast(ReserveResponse, (yield from call(request, manner.observer, manner.call_seconds)))
    return Hold(answer.reservation, request.request_id.removesuffix(RESERVE), spent_stands=spent_stands)


def extend(hold: Hold, manner: Manner) -> Course[bool]:
    """Give a hold more time; return whether it has it. One that could not be extended is told of by its end."""
    try:
        answer = yield from call(hold.extension(), manner.observer, hold.extends_within_seconds)
    except CreditError as error:
        # A block that has ended meanwhile needs none.
        if not hold.has_ended:
            log.warning("the hold %s was not extended: %s", hold.name, error)
        return False
    hold.extended(cast(ExtendReservationResponse, answer).reservation)
    return True


def end(hold: Hold, manner: Manner) -> Course[None]:
    """Confirm what was spent, or give all back if nothing was. Raises CreditError."""
    request = hold.ending(failed=False)
    try:
        yield from _end(request, manner)
    except (ReservationExpired, ReservationRefunded):
        # What was to be given back is back.
        if not isinstance(request, RefundRequest):
            raise


def end_failed(hold: Hold, manner: Manner) -> Course[None]:
    """Give back what is held for a block that has failed, or confirm what was spent, if that stands.

    It raises nothing: the block's own error is what its caller is to hear of. What nobody answers now expires.
    """
    try:
        yield from _end(hold.ending(failed=True), manner)
    except CreditError as error:
        log.warning("the hold %s was not ended, and expires: %s", hold.name, error)


def _end(request: ConfirmRequest | RefundRequest, manner: Manner) -> Course[None]:
    seconds = manner.confirm_seconds if isinstance(request, ConfirmRequest) else manner.call_seconds
    yield from call(request, manner.observer, seconds)
