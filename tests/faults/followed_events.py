"""Subscribers that go on from where they are, whatever happens to servers; and what the ledger says was to be told."""

import time
from collections.abc import Sequence
from itertools import cycle
from threading import Event, Thread
from typing import Any, NamedTuple, Self

import grpc
import orjson
import psycopg

from credit.v1 import event_pb2
from credit.v1 import event_service_pb2 as pb
from credit.v1.event_service_pb2_grpc import EventServiceStub
from tests.faults.client import open_channel
from tests.support.tokens import bearer

FOLLOWER = (("authorization", bearer("follower", ["SERVICE"], "events.read")),)

PAUSE_SECONDS = 0.2
"""Before the next server is tried: it takes longer to start again."""
JOIN_SECONDS = 30.0

_TOLD_KINDS = (event_pb2.EVENT_TYPE_LOW_BALANCE, event_pb2.EVENT_TYPE_RESERVATION_EXPIRED)

# A release is of a hold that was neither confirmed nor given back in time.
_HAPPENED = """
SELECT account_id, %(low)s, version FROM entries
WHERE credit_type = %(credit_type)s AND account_id LIKE %(accounts)s
  AND available_after < %(below)s AND available_after - available_delta >= %(below)s
UNION ALL
SELECT account_id, %(expired)s, version FROM entries
WHERE credit_type = %(credit_type)s AND account_id LIKE %(accounts)s AND kind = %(release)s
"""


class Told(NamedTuple):
    """An event about one version of an account's wallet."""

    account_id: str
    kind: int
    version: int


class Follower:
    """Reads all events, from one server after the other: each time from the position that it has noted."""

    def __init__(self, addresses: Sequence[str]) -> None:
        """Begin with the first event that there is, at the first of the servers."""
        self.position = 0
        self.told: list[Told] = []
        self.streams = 0
        self._names: set[str] = set()
        self.repeated = 0
        self.went_back = 0
        self._addresses = addresses
        self._stopping = Event()
        self._call: Any = None
        self._thread = Thread(target=self._follow, name="follower", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        if self._call is not None:
            self._call.cancel()
        self._thread.join(JOIN_SECONDS)

    def _follow(self) -> None:
        for address in cycle(self._addresses):
            if self._stopping.is_set():
                return
            self.streams += 1
            with open_channel(address) as channel:
                try:
                    self._read(channel)
                except grpc.RpcError:
                    time.sleep(PAUSE_SECONDS)

    def _read(self, channel: grpc.Channel) -> None:
        request = pb.SubscribeEventsRequest(after_position=self.position, types=_TOLD_KINDS, heartbeat_seconds=1)
        self._call = EventServiceStub(channel).SubscribeEvents(request, metadata=FOLLOWER)
        for answer in self._call:
            if answer.HasField("event"):
                self._take(answer.event)
            self.went_back += answer.position < self.position
            self.position = answer.position

    def _take(self, event: event_pb2.Event) -> None:
        if event.name in self._names:
            self.repeated += 1
            return
        self._names.add(event.name)
        self.told.append(Told(event.account_id, event.type, orjson.loads(event.data)["version"]))

    def out_of_order(self) -> int:
        """Count the events that came behind one about a later version of the same wallet."""
        last: dict[str, int] = {}
        wrong = 0
        for one in self.told:
            wrong += one.version < last.get(one.account_id, 0)
            last[one.account_id] = max(one.version, last.get(one.account_id, 0))
        return wrong


def happened(connection: psycopg.Connection, accounts: str, credit_type: str, below: int, release: int) -> set[Told]:
    """Return what was to be told of accounts, by the ledger: of alerts ``below`` a figure, and of holds that ended."""
    values = {
        "low": event_pb2.EVENT_TYPE_LOW_BALANCE,
        "expired": event_pb2.EVENT_TYPE_RESERVATION_EXPIRED,
        "accounts": accounts,
        "credit_type": credit_type,
        "below": below,
        "release": release,
    }
    return {Told(*row) for row in connection.execute(_HAPPENED, values)}
