"""A Reserve step by step, in one process and on a real database: what the server does between wire and ledger and back.

The handlers are those of the server, driven by hand, and so are the parts of the ledger; its thread and the wire are
left out. Accounts are drawn by chance from thousands, and the calls of a batch go through their steps one after the
other as in the server: what is measured does not lie in the processor's caches because it was just measured.
"""

import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple, cast

from google.protobuf.descriptor import Descriptor

from credit.v1 import credit_service_pb2 as pb
from creditd.development.tokens import make_signing_key, sign_token
from creditd.domain.commands import Add
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.wallet import Origin, Rules, WalletKey
from creditd.ledger import work as ledger_work
from creditd.ledger.batch import Terms
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.drafts import DraftWriter
from creditd.ledger.ids import Ids
from creditd.ledger.ledger import Ledger
from creditd.ledger.queue import Ticket
from creditd.server.authentication.issuers import Issuer
from creditd.server.authentication.keys import KeySet, read_public_keys
from creditd.server.authentication.tokens import TokenVerifier
from creditd.server.authorization.policy import authorize, rule_for
from creditd.server.handlers.batch_handlers import BatchHandlers
from creditd.server.handlers.hold_handlers import HoldHandlers
from creditd.server.headers import read_headers
from creditd.server.requests import account_reader
from creditd.server.validation import validate
from creditd.server.wire_texts import require_storable
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.credits import Credits
from creditd.service.pages import PageTokens
from creditd.service.threads import Threads
from creditd.storage.connections.turns import Turn
from creditd.storage.database import BATCH_SECONDS, Database, DatabaseSettings
from creditd.telemetry.calls import CallEnd, CallObserver, call_observers
from creditd.telemetry.lines import LineWriter
from creditd.telemetry.logs import access_log
from creditd.telemetry.metrics import RpcMetrics
from creditd.telemetry.statistics import LedgerStatistics
from creditd.telemetry.traces import NO_TRACING
from tests.bench import requests
from tests.bench.messages import Template, account_id
from tests.bench.requests import BATCH, CREDIT_TYPE
from tests.support.by_hand import SECONDS, HandSink

STEPS: Final = {
    "headers": "the metadata taken in",
    "authenticate": "the token looked up among those that were verified",
    "decode": "bytes to message, and the look for what no row can hold",
    "authorise": "the rule of the method",
    "validate": "the rules in the proto",
    "command": "message to command, with its id and fingerprint, to a ticket",
    "decide": "the wallet from memory, the decision, and what the batch adds up to",
    "rows": "the columns that the save is given",
    "save": "the columns sent and the answer read, without the wait for PostgreSQL",
    "keep": "memory brought up to date",
    "answer": "outcome to message",
    "encode": "message to bytes",
    "observe": "metrics, and the line of the log",
}
"""What is measured, in the order of a call's way, and what each step is."""

_RESERVE: Final = "/credit.v1.CreditService/Reserve"
_SEEDED_AMOUNT: Final = 1_000_000_000
_SEEDED_AT_ONCE: Final = 250
_LAPS_TO_CALIBRATE: Final = 10_000


class Watch:
    """Takes the time of laps, by step, in microseconds a call."""

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        """Begin with none, and find out what a lap costs by itself.

        A short lap is over before others have the processor, so that any clock will do; ``time.thread_time_ns`` leaves
        out what others took of a long one, and costs too much for a short one.
        """
        self._clock = clock
        self.laps: defaultdict[str, list[float]] = defaultdict(list)
        self._own_ns = 0.0
        self.start()
        for _ in range(_LAPS_TO_CALIBRATE):
            self.lap("nothing")
        self._own_ns = median(self.laps.pop("nothing")) * 1_000

    def start(self) -> None:
        """Begin a lap."""
        self._at = self._clock()

    def lap(self, step: str, calls: int = 1) -> None:
        """End a lap, in which so many calls took a step, and begin the next."""
        spent = self._clock() - self._at - self._own_ns
        self.laps[step].append(spent / 1_000 / calls)
        self._at = self._clock()

    @contextmanager
    def processor(self, step: str, calls: int) -> Iterator[None]:
        """Take the processor time of this thread for a step that waits for others."""
        before = time.thread_time_ns()
        yield
        self.laps[step].append((time.thread_time_ns() - before) / 1_000 / calls)
        self.start()

    def medians(self) -> dict[str, float]:
        """Each step's median."""
        return {step: median(laps) for step, laps in self.laps.items()}


class _Hand:
    """Stands where the ledger's queue does: whoever holds it decides what becomes of the tickets."""

    def __init__(self) -> None:
        self.tickets: list[Ticket[ledger_work.Work, ledger_work.Outcome]] = []

    def submit(self, ticket: Ticket[ledger_work.Work, ledger_work.Outcome]) -> None:
        self.tickets.append(ticket)


class _Edge(NamedTuple):
    """What the server has at its edge."""

    verifier: TokenVerifier
    metadata: tuple[tuple[str, str], ...]
    observer: CallObserver


class Way:
    """The way of calls through a server that has so many accounts, without wire and threads."""

    def __init__(self, database_url: str, accounts: int, edge: _Edge) -> None:
        """Fill the accounts, which must not be there yet."""
        self._accounts = accounts
        self._edge = edge
        self._database = Database(DatabaseSettings(database_url))
        self._batches = self._database.for_batches()
        self._clock = DatabaseClock()
        self._clock.look(self._database)
        self._terms = Terms(Rules(), {}, Ids(self._clock.now))
        self._writer = DraftWriter(self._batches, self._terms, self._clock, LedgerStatistics())
        self._hand = _Hand()
        sink = HandSink()
        self._threads = Threads(lambda: sink)
        catalogue = Catalogue(self._database, self._clock, self._terms.make_id, self._threads, PageTokens(b"secret"))
        catalogue.declare_missing({CREDIT_TYPE: 0})
        credits = Credits(cast("Ledger", self._hand), catalogue, lambda: sink, lambda *_: None)
        self._holds = HoldHandlers(credits, self._terms.make_id, self._clock)
        self._many = BatchHandlers(credits, self._terms.make_id, self._clock, catalogue.decimals_of)
        self._one = Template.parse(bytes.fromhex(requests.reserve()[0].steps[0].template))
        self._batch = Template.parse(bytes.fromhex(requests.batch_reserve()[0].steps[0].template))
        self._rule = rule_for(_RESERVE)
        self._kind = cast("Descriptor", pb.ReserveRequest.DESCRIPTOR)
        self._account_of = account_reader(self._kind)
        self._seed()

    def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.close(SECONDS)
        self._batches.close()
        self._database.close()

    def reserve(self, watch: Watch, calls: int) -> None:
        """Take so many Reserves through all steps, their works as one batch."""
        under_way = []
        for subject in self._subjects(calls):
            message = self._one.fill([subject])
            watch.start()
            under_way.append(self._receive(message, watch))
        self._write(watch)
        for steps in under_way:
            watch.start()
            response = _finished(steps)
            watch.lap("answer")
            response.SerializeToString()
            watch.lap("encode")
            self._edge.observer.end(CallEnd(None, "OK", 0.01, "1f00", "bench", "account", "", "ipv4:127.0.0.1:1"))
            watch.lap("observe")

    def batch_reserve(self, watch: Watch) -> None:
        """Take one BatchReserve through all steps; ``command`` has the rules in the proto with it."""
        message = self._batch.fill(self._subjects(BATCH))
        watch.start()
        request = pb.BatchReserveRequest.FromString(message)
        watch.lap("decode", BATCH)
        steps = self._many.batch_reserve(request, Call("bench", opens=True))
        while steps.send(None) is None:
            pass
        watch.lap("command", BATCH)
        self._write(watch)
        response = _finished(steps)
        watch.lap("answer", BATCH)
        response.SerializeToString()
        watch.lap("encode", BATCH)

    def _subjects(self, count: int) -> Sequence[bytes]:
        return [account_id(random.randrange(self._accounts)).encode() for _ in range(count)]

    def _receive(self, message: bytes, watch: Watch) -> Coroutine[Any, Any, Any]:
        headers = read_headers(self._edge.metadata)
        watch.lap("headers")
        caller = self._edge.verifier.verify(str(headers["authorization"]))
        watch.lap("authenticate")
        request = pb.ReserveRequest.FromString(message)
        require_storable(message, self._kind)
        watch.lap("decode")
        opens = authorize(self._rule, caller, self._account_of(request))
        watch.lap("authorise")
        validate(request)
        watch.lap("validate")
        steps = self._holds.reserve(request, Call(caller.subject, None, "en", "1f00", opens))
        steps.send(None)
        watch.lap("command")
        return steps

    def _write(self, watch: Watch) -> None:
        """Do what has been submitted as one batch, and give the answers."""
        tickets = self._hand.tickets[:]
        self._hand.tickets.clear()
        draft = self._writer.draft()
        for ticket in tickets:
            watch.start()
            self._writer.add(draft, ticket.item, None)
            watch.lap("decide")
        self._writer.begin(draft)
        watch.lap("rows", len(tickets))
        with watch.processor("save", len(tickets)):
            saved = self._writer.save(draft, Turn(BATCH_SECONDS))
        written, _ = self._writer.commit(draft, saved)
        watch.lap("keep", len(tickets))
        answers = dict(written.results)
        for ticket in tickets:
            ticket.answer = answers[ticket.item]

    def _seed(self) -> None:
        for first in range(0, self._accounts, _SEEDED_AT_ONCE):
            numbers = range(first, min(first + _SEEDED_AT_ONCE, self._accounts))
            self._writer.write([self._filling(number) for number in numbers])

    def _filling(self, number: int) -> ledger_work.Work:
        origin = Origin("bench", f"filling-{number}")
        add = Add(origin, EntryKind.TOP_UP, self._terms.make_id(), Source.PURCHASED, _SEEDED_AMOUNT)
        return ledger_work.Work.of((ledger_work.Step(WalletKey(account_id(number), CREDIT_TYPE), add),))


def _finished(steps: Coroutine[Any, Any, Any]) -> Any:
    """Drive a coroutine that waits for nobody any more to its end, and return its answer."""
    while True:
        try:
            steps.send(None)
        except StopIteration as stop:
            return stop.value


@contextmanager
def way(database_url: str, accounts: int) -> Iterator[Way]:
    """Keep a way with fresh accounts in a migrated database until the block ends; its log goes to a file."""
    with TemporaryDirectory(prefix="creditd-profile-") as folder, ExitStack() as stack:
        key = make_signing_key(Path(folder, "keys"))
        token = sign_token(key, "bench", ["SERVICE"], ("credits.spend",))
        clock = time.time
        verifier = TokenVerifier([Issuer(KeySet(read_public_keys([key.public_file])))], clock=clock)
        metadata = (("user-agent", "grpc-python/1.80.0 grpc-c/50.0.0"), ("authorization", f"Bearer {token}"))
        log = os.open(Path(folder, "log"), os.O_WRONLY | os.O_CREAT)
        stack.callback(os.close, log)
        lines = LineWriter(log)
        stack.callback(lines.close)
        observer = call_observers(RpcMetrics([_RESERVE]), access_log(lines), NO_TRACING)(_RESERVE)
        found = Way(database_url, accounts, _Edge(verifier, metadata, observer))
        stack.callback(found.close)
        yield found
