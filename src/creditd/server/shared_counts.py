"""Exchanges counts of calls with other processes, through Redis, on a thread of its own: no call waits for it.

Redis holds, for each caller and minute, what each process has counted in it, and the sum. A process states its own
counts, which replace what it stated before, and is told what the others have. So an exchange may fail half-way, be done
twice, or find that Redis has lost everything: the next one puts it right.
"""

import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

from creditd.call_windows import NEVER, WINDOW_SECONDS, Window
from creditd.server.rate_limits import RateLimits
from creditd.server.redis_connection import RedisConnection, RedisFailure, RedisPlace, UnreadableAnswer
from creditd.telemetry.failures import Failures
from creditd.telemetry.statistics import ExchangeStatistics

PERIOD_SECONDS: Final = 0.25
"""Between two exchanges. What a caller does elsewhere is known so much later, and the time of an exchange."""

RETRY_SECONDS: Final = 1.0
"""Between two tries while Redis is away."""

MAX_CALLERS: Final = 1_000
"""Of one exchange, which takes Redis some 5 ms, and this process as much. The others have their turn at the next."""

KEPT_SECONDS: Final = 3 * int(WINDOW_SECONDS)
"""For how long Redis keeps the counts of a minute; they matter for two."""

MOST_OTHERS: Final = 1_000_000_000
"""No more calls than so many are believed to have been made in a minute, whatever is answered."""

LEAST_TIME: Final = 1_577_836_800.0
MOST_TIME: Final = 100_000_000_000.0
"""Seconds since the Unix epoch, of which the clock of a Redis shows one between: it was not set otherwise."""

JOIN_SECONDS: Final = 2.0
"""For the thread to end. It is let go of after that: it may be waiting for a name to be resolved."""

NAME_BYTES: Final = 16
"""Of the digest that names a caller in Redis: the same length for all, and no two alike."""

SCRIPT: Final = b"""
local me, kept = ARGV[1], ARGV[2]
local function count(key, own)
  local known = redis.call('HMGET', key, me, 'all')
  local before, all = tonumber(known[1]) or 0, tonumber(known[2]) or 0
  if own ~= before then
    all = all + own - before
    redis.call('HSET', key, me, string.format('%.0f', own), 'all', string.format('%.0f', all))
    redis.call('EXPIRE', key, kept)
  end
  return string.format('%.0f', all - own)
end
local function burst(key, first, last)
  local known = redis.call('HMGET', key, 'first', 'last')
  if first ~= '' then
    known[1] = string.format('%.0f', math.min(tonumber(known[1]) or first, first))
    known[2] = string.format('%.0f', math.max(tonumber(known[2]) or last, last))
    redis.call('HSET', key, 'first', known[1], 'last', known[2])
    redis.call('EXPIRE', key, kept)
  end
  return (known[1] or '') .. ',' .. (known[2] or '')
end
local now = redis.call('TIME')
local answer = {now[1] .. '.' .. string.format('%06d', now[2])}
for i = 1, #KEYS, 2 do
  local own = 2 * i + 1
  answer[#answer + 1] = table.concat({
    count(KEYS[i], tonumber(ARGV[own])),
    count(KEYS[i + 1], tonumber(ARGV[own + 1])),
    burst(KEYS[i], '', ''),
    burst(KEYS[i + 1], ARGV[own + 2], ARGV[own + 3]),
  }, ',')
end
return table.concat(answer, ';')
"""
"""Takes two keys for each caller, of the minute before and of this one; and who states the counts, for how long they
are kept, and for each caller its counts of the two minutes, and the begin and the last time, in milliseconds, of a
burst in this one. Answers the time, and for each caller what the others have of all that."""


class Stated(NamedTuple):
    """What a process has counted of a caller in a minute and the one before, as it tells the others."""

    name: str
    window: Window
    start: float
    own_before: int
    own: int
    burst_time: float
    over_time: float


def stated(name: str, window: Window) -> Stated:
    """Return what is told of a window. Only a burst of its own minute is: one before was told before."""
    start = window.start
    bursts = window.over_time >= start
    burst_time, over_time = (window.burst_time, window.over_time) if bursts else (NEVER, NEVER)
    return Stated(name, window, start, window.before, window.count, burst_time, over_time)


class Learned(NamedTuple):
    """What others have counted of a caller, and their bursts of the two minutes."""

    others_before: int
    others: int
    bursts: Sequence[tuple[float, float]]


def teach(window: Window, start: float, learned: Learned) -> None:
    """Have a window know what others have counted in the minute that began at ``start``."""
    window.learn(start, learned.others_before, learned.others)
    for burst_time, over_time in learned.bursts:
        # Not from a time that is to come, which would be a burst without end.
        if burst_time <= over_time <= start + 2 * WINDOW_SECONDS:
            window.learn_burst(burst_time, over_time)


class SharedCounts:
    """The exchange of one process's counts."""

    def __init__(
        self, rate_limits: RateLimits, place: RedisPlace | None, statistics: ExchangeStatistics, ca_file: str = ""
    ) -> None:
        """Exchange nothing yet, and without a place never.

        ``ca_file``: the authorities, in PEM, that vouch for Redis; else the system's.
        """
        self._rate_limits = rate_limits
        self._place = place
        self._ca_file = ca_file
        self._statistics = statistics
        self._failures = Failures("sharing rate limits through Redis", _is_outage)
        self._me = os.urandom(8).hex().encode()
        self._is_aligned = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(place,), name="shared counts", daemon=True)

    def start(self) -> None:
        """Begin to exchange. Where Redis is away the limits hold in this process, and it is tried again."""
        if self._place:
            self._thread.start()

    def close(self) -> None:
        """Exchange no more. Blocks for a moment."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_SECONDS)

    def _run(self, place: RedisPlace) -> None:
        while True:
            try:
                with RedisConnection(place, self._ca_file) as connection:
                    while not self._stopping.is_set():
                        self.exchange(connection)
                        self._stopping.wait(PERIOD_SECONDS)
            except Exception as error:  # noqa: BLE001 - the next try must come whatever it is; each is logged and counted.
                self._failures.note(error)
                self._statistics.failures[type(error).__name__] += 1
            if self._stopping.wait(RETRY_SECONDS):
                return

    def exchange(self, connection: RedisConnection) -> None:
        """State what was counted since the last time, and learn what others have. Raises OSError, RedisFailure."""
        told = [stated(*called) for called in self._rate_limits.called(MAX_CALLERS)]
        seconds, learned = read(connection.ask(*command(self._me, told)), len(told))
        for one, news in zip(told, learned, strict=True):
            teach(one.window, one.start, news)
        if not self._is_aligned:
            self._rate_limits.align(seconds)
            self._is_aligned = True
        self._failures.over()
        self._statistics.exchanges += 1
        self._statistics.callers += len(told)
        self._statistics.waiting = self._rate_limits.waiting
        self._statistics.exchanged_at = time.monotonic()


def command(me: bytes, told: Sequence[Stated]) -> Iterator[bytes]:
    """Yield the words of the command that states these counts, by the name of the process that has them."""
    yield from (b"EVAL", SCRIPT, b"%d" % (2 * len(told)))
    for one in told:
        name = blake2b(one.name.encode("utf-8", "surrogatepass"), digest_size=NAME_BYTES).hexdigest()
        minute = int(one.start // WINDOW_SECONDS)
        yield from (f"creditd:calls:{name}:{number}".encode() for number in (minute - 1, minute))
    yield from (me, b"%d" % KEPT_SECONDS)
    for one in told:
        yield from (b"%d" % one.own_before, b"%d" % one.own)
        yield from (_milliseconds(one.burst_time), _milliseconds(one.over_time))


def read(answer: bytes, callers: int) -> tuple[float, Sequence[Learned]]:
    """Return the time of an answer, in seconds since the Unix epoch, and what it says of each of so many callers.

    Raises UnreadableAnswer.
    """
    time_part, *parts = answer.split(b";")
    try:
        seconds = float(time_part)
        learned = [_learned(part.split(b",")) for part in parts]
    except (ValueError, OverflowError):
        raise UnreadableAnswer from None
    if not LEAST_TIME <= seconds <= MOST_TIME or len(learned) != callers:
        raise UnreadableAnswer
    return seconds, learned


def _learned(figures: Iterable[bytes]) -> Learned:
    others_before, others, *bursts = figures
    first_before, last_before, first, last = map(_seconds, bursts)
    return Learned(_calls(others_before), _calls(others), ((first_before, last_before), (first, last)))


def _calls(figure: bytes) -> int:
    return min(max(int(figure), 0), MOST_OTHERS)


def _milliseconds(seconds: float) -> bytes:
    return b"" if seconds == NEVER else b"%d" % int(seconds * 1_000)


def _seconds(figure: bytes) -> float:
    return int(figure) / 1_000 if figure else NEVER


def _is_outage(error: Exception) -> bool:
    return isinstance(error, OSError | RedisFailure)
