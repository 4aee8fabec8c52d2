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
from credit_client.errors import (
    CreditError,
    ReservationConfirmed,
    ReservationExpired,
    ReservationNotFound,
    ReservationRefunded,
)
from credit_client.hold import Hold, block_id
from credit_client.tries import Course, Manner, call

log: Final = logging.getLogger("credit_client")

ENDED: Final = (ReservationConfirmed, ReservationExpired, ReservationNotFound, ReservationRefunded)
"""What is said of a hold that no more time can be had for, however often it is asked for."""


def begin(request: ReserveRequest, manner: Manner, *, spent_stands: bool, is_named: bool) -> Course[Hold]:
    """Hold the credits. Raises CreditError.

    Of a block whose request id is its caller's (``is_named``) a run before may have held them already, and ended: it is
    asked for time anew before any work. ReservationExpired and ReservationRefunded are raised; where it was confirmed,
    the hold is paid.
    """
    answer = cast(ReserveResponse, (yield from call(request, manner.observer, manner.call_seconds)))
    hold = Hold(answer.reservation, block_id(request.request_id), spent_stands=spent_stands)
    if is_named:
        try:
            yield from _extend(hold, manner, manner.call_seconds)
        except ReservationConfirmed:
            hold.is_paid = True
        except CreditError as error:
            # By which the block is begun again.
            error.request_id = request.request_id
            raise
    return hold


def extend(hold: Hold, manner: Manner) -> Course[bool]:
    """Give a hold more time, if that can be done now; return whether to do so again when it is time.

    It raises nothing. A hold that could not be extended is told of by its end.
    """
    try:
        yield from _extend(hold, manner, hold.extends_within_seconds)
    except Exception as error:  # noqa: BLE001 - nobody waits for it, and whatever it is may have passed the next time.
        # A block that has ended meanwhile needs none.
        if not hold.has_ended:
            log.warning("the hold %s was not extended: %s", hold.name, error)
        return not isinstance(error, ENDED)
    return True


def end(hold: Hold, manner: Manner) -> Course[None]:
    """Confirm what was spent, or give all back if nothing was. Raises CreditError if what was spent is not confirmed.

    What cannot be given back now expires.
    """
    if hold.is_paid:
        return
    request = hold.ending(failed=False)
    try:
        yield from _end(request, manner)
    except Exception as error:
        if isinstance(request, ConfirmRequest):
            raise
        _tell(hold, error)


def end_failed(hold: Hold, manner: Manner) -> Course[None]:
    """Give back what is held for a block that has failed, or confirm what was spent, if that stands.

    It raises nothing: the block's own error is what its caller is to hear of. What nobody answers now expires.
    """
    if hold.is_paid:
        return
    try:
        yield from _end(hold.ending(failed=True), manner)
    except Exception as error:  # noqa: BLE001 - in the place of the block's own error, it would hide that.
        _tell(hold, error)


def _extend(hold: Hold, manner: Manner, seconds: float) -> Course[None]:
    answer = yield from call(hold.extension(), manner.observer, seconds)
    hold.extended(cast(ExtendReservationResponse, answer).reservation)


def _end(request: ConfirmRequest | RefundRequest, manner: Manner) -> Course[None]:
    if isinstance(request, ConfirmRequest):
        yield from call(request, manner.observer, manner.confirm_seconds)
        return
    try:
        yield from call(request, manner.observer, manner.call_seconds)
    except (ReservationExpired, ReservationRefunded):
        # What was to be given back is back.
        return
    except ReservationConfirmed:
        log.warning("the hold %s was confirmed by another run, and nothing of it is given back", request.name)


def _tell(hold: Hold, error: Exception) -> None:
    log.warning("the hold %s was not ended, and expires: %s", hold.name, error)
