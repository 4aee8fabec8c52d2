"""Attacks by what HTTP/2 lets a client do: be silent, take back what it asked for, and not take what it asked for."""

import socket
import time
from contextlib import ExitStack, suppress

from credit.v1 import credit_service_pb2 as credit
from tests.faults.attack import BALANCE, WATCH, Crowd, Target, until
from tests.support.raw_http2 import NO_WINDOW, SETTINGS, RawConnection, introduction, whole_call

IDLE = 10_000

RESETTING, RESETS_AT_ONCE, PAUSE_SECONDS = 4, 25, 0.02
"""Connections, calls that are reset on each of them at once, and the pause after that: 5,000 a second."""

NOT_TAKING, UNTAKEN_CALLS, UNTAKEN_STREAMS = 10, 100, 2
"""Connections, and calls and streams on each, whose answers are not taken: as many streams as one USER may have."""


def idle_crowd(target: Target) -> str:
    """Connections that have nothing to say: every other one without a token, the rest after a first call with one."""
    silent = introduction()
    called = whole_call(target.server, target.token, BALANCE, _balance_of(target))

    def opened(connection: socket.socket) -> None:
        connection.sendall(called if crowd.number % 2 else silent)

    crowd = Crowd(IDLE, target.server, opened, at_first=0)
    told = crowd.go_on(target)
    assert crowd.count["opened"] == IDLE, told
    assert not crowd.count["closed"], told
    return told


def rapid_resets(target: Target, token: str) -> str:
    """Calls that are reset as soon as they have begun; a connection that is closed is opened again."""
    begun = closed = 0
    connections: list[RawConnection] = []
    for _ in until(target):
        while len(connections) < RESETTING:
            with suppress(OSError):
                connections.append(RawConnection(target.server, token))
        for connection in connections.copy():
            try:
                connection.flood(BALANCE, RESETS_AT_ONCE)
                begun += RESETS_AT_ONCE
            except ConnectionError:
                connections.remove(connection)
                connection.close()
                closed += 1
        time.sleep(PAUSE_SECONDS)
    assert closed, "nobody told them off"
    return f"{begun} calls begun and reset, {closed} connections closed on us"


def untaken_answers(target: Target) -> str:
    """Calls and streams whose answers are asked for, and never taken."""
    watch = credit.WatchBalanceRequest(account_id=target.account_id, credit_type="spec").SerializeToString()
    with ExitStack() as stack:
        for _ in range(NOT_TAKING):
            connection = stack.enter_context(RawConnection(target.server, target.token))
            connection.send(SETTINGS, 0, 0, NO_WINDOW)
            for _ in range(UNTAKEN_CALLS):
                connection.call(BALANCE, _balance_of(target))
            for _ in range(UNTAKEN_STREAMS):
                connection.call(WATCH, watch)
        for _ in until(target):
            time.sleep(0.1)
    return f"{NOT_TAKING * UNTAKEN_CALLS} answers and {NOT_TAKING * UNTAKEN_STREAMS} streams asked for"


def _balance_of(target: Target) -> bytes:
    return credit.GetBalanceRequest(account_id=target.account_id).SerializeToString()
