"""Connections on which nobody has shown a token: they have few calls each, and are ended when places grow few.

grpc tells nobody of a connection on which no call is made, and has no call that ends a connection. So they are found
among the open files of this process, and one that is to end is shut down there: to grpc its client has gone, and what
the client has sent and nobody has looked at yet is dropped.
"""

import logging
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final
from urllib.parse import quote

from creditd.open_files import open_files

log = logging.getLogger(__name__)

OTHER_FILES: Final = 160
"""Left for connections to the database, to metrics and to providers, logs, and what the libraries have open."""

LEAST_CONNECTIONS: Final = 64

CROWDED: Final = 0.6
"""The share of all places beyond which strangers are ended, roughly those first who came first."""

LOOK_SECONDS: Final = 0.1
"""Between two looks: shorter than it takes to fill the places that are left."""

REST: Final = 4
"""Times as long as a look took is the rest after it: with tens of thousands of connections a look takes a few tenths of
a second, and the serving thread is to have most of each."""

GRACE_SECONDS: Final = 0.5
"""A newcomer is not ended before: by then it has made its first call, or was a probe and has gone."""

STRANGE_CALLS: Final = 20
"""Calls without a valid token within COUNT_SECONDS for which a connection is ended that has never shown one. Refusing a
call takes the serving thread a fifth of a millisecond, and whoever else has a call waits for it."""

RESETS: Final = 100
"""Calls within COUNT_SECONDS for which a connection is ended, with a token or without, whose caller went before it was
known what is asked for. A caller in haste brings its message with the headers, and has gone so early only where the
server lags by more than its patience. Each costs a tenth of a millisecond of the serving thread. Of a flood the library
passes on 256 at once and refuses the rest itself: less than half of that, so that no border between two counts saves
it."""

COUNT_SECONDS: Final = 1.0

PROBES: Final = 64
"""Connections that are kept because health is asked on them: more than there are load balancers and monitors, and few
enough to spare where strangers take them all."""

_FILES: Final = "/proc/self/fd"


def places() -> int:
    """Return how many connections a server may take, by how many files this process may have open."""
    return max(LEAST_CONNECTIONS, open_files() - OTHER_FILES)


class Connections:
    """The connections of one server, looked after by a thread of its own. Needs /proc; without it none is ended.

    A peer is named as grpc names it, such as ``ipv4:192.0.2.1:50000``. ``known`` are those who have shown a good token,
    ``strange`` how many calls each of the others has made without one, ``resets`` how many calls each has begun for
    nothing.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Look after up to ``most`` connections, by a clock of seconds."""
        self._port = 0
        self._crowded = int(CROWDED * most)
        self._clock = clock
        self.known: set[str] = set()
        self._probes: set[str] = set()
        self._seen: dict[str, float] = {}
        self.strange: Counter[str] = Counter()
        self.resets: Counter[str] = Counter()
        self._counted_since = clock()
        self._unwanted: set[str] = set()
        self._restless: set[str] = set()
        self._ending = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, port: int) -> None:
        """Begin to look after the connections to a TCP port."""
        self._port = port
        if os.path.exists(_FILES):  # noqa: PTH110 - beside os.listdir, which has no better.
            self._thread = threading.Thread(target=self._look_always, name="connections", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._ending.set()
        self._wake.set()
        if self._thread:
            self._thread.join()

    def know(self, peer: str) -> None:
        """Note that a valid token was shown on a connection."""
        if self._thread:
            self.known.add(peer)

    def note_probe(self, peer: str) -> None:
        """Note that health was asked on a connection."""
        if self._thread and len(self._probes) < PROBES:
            self._probes.add(peer)

    def meet_stranger(self, peer: str) -> None:
        """Count a call without a valid token on a connection."""
        if not self._thread or peer in self.known:
            return
        self.strange[peer] += 1
        if self.strange[peer] >= STRANGE_CALLS:
            self._unwanted.add(peer)
            self._wake.set()

    def meet_reset(self, peer: str) -> None:
        """Count a call whose caller went before it was known what is asked for."""
        if not self._thread:
            return
        self.resets[peer] += 1
        if self.resets[peer] >= RESETS:
            self._restless.add(peer)
            self._wake.set()

    def _look_always(self) -> None:
        took = 0.0
        while not self._ending.wait(REST * took):
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()
            began = time.monotonic()
            try:
                self.look()
            except Exception:
                log.exception("could not look after the connections")
            took = time.monotonic() - began

    def look(self) -> int:
        """Look once, and return how many connections were ended."""
        now = self._clock()
        if now - self._counted_since >= COUNT_SECONDS:
            self._counted_since = now
            self.strange.clear()
            self.resets.clear()
        noted = self.known | self._probes
        files = os.listdir(_FILES)  # noqa: PTH208 - numbers, many times a second; no paths are wanted.
        is_crowded = len(files) >= self._crowded
        if not is_crowded:
            self._seen.clear()
            is_wanted = not self._unwanted and not self._restless
            if is_wanted and len(noted) < self._crowded and len(self._probes) < PROBES:
                return 0
        connected = self.connected(files)
        self._forget(noted - connected.keys())
        ended = self._end_unwanted(connected)
        if is_crowded:
            ended += self._end_strangers(connected, now)
        return ended

    def _forget(self, gone: set[str]) -> None:
        # No others are: who came after the files were listed is not among them.
        self.known -= gone
        self._probes -= gone

    def _end_unwanted(self, connected: dict[str, int]) -> int:
        unwanted, self._unwanted = self._unwanted, set()
        restless, self._restless = self._restless, set()
        ended = self._end_all(unwanted - self.known, connected, "many calls without a token")
        return ended + self._end_all(restless, connected, "many calls that were reset at once")

    def _end_strangers(self, connected: dict[str, int], now: float) -> int:
        # In the order in which they were seen first.
        self._seen = {peer: since for peer, since in self._seen.items() if peer in connected}
        for peer in connected:
            self._seen.setdefault(peer, now)
        too_many = max(0, len(connected) - self._crowded)
        kept = self.known | self._probes
        strangers = [peer for peer, since in self._seen.items() if peer not in kept and now - since >= GRACE_SECONDS]
        return self._end_all(strangers[:too_many], connected, "no token on them, and places grow few")

    def _end_all(self, peers: Iterable[str], connected: dict[str, int], why: str) -> int:
        ended = sum(self.end(connected[peer], peer) for peer in peers if peer in connected)
        if ended:
            log.warning("ended connections", extra={"ended": ended, "of": len(connected), "why": why})
        return ended

    def connected(self, files: list[str]) -> dict[str, int]:
        """Return the connections that are open, by peer, with the number of the file."""
        found = {}
        for number in map(int, files):
            with suppress(OSError), _copy_of(number) as copy:
                peer = self._peer(copy)
                if peer:
                    found[peer] = number
        return found

    def _peer(self, connection: socket.socket) -> str:
        """Return who is at the other end of a connection to our port; nothing for any other socket."""
        if connection.family not in _INTERNET or connection.getsockname()[1] != self._port:
            return ""
        return peer_name(*connection.getpeername())

    def end(self, number: int, peer: str) -> bool:
        """End a peer's connection by the number of its file; tell whether it was still that one."""
        # The file may have been closed and its number be another's by now. A copy stays what it is.
        with suppress(OSError), _copy_of(number) as copy:
            if self._peer(copy) == peer:
                copy.shutdown(socket.SHUT_RDWR)
                return True
        return False


_INTERNET: Final = {socket.AF_INET, socket.AF_INET6}


def _copy_of(number: int) -> socket.socket:
    """Return a socket of our own for a file of grpc's. Raises OSError if it is none."""
    copy = os.dup(number)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def peer_name(host: str, port: int, flow: int = 0, scope: int = 0) -> str:
    """Return what grpc calls a peer whose address is as Python gives it."""
    del flow
    if ":" not in host:
        return f"ipv4:{host}:{port}"
    mapped = host.removeprefix("::ffff:")
    if "." in mapped:
        return f"ipv4:{mapped}:{port}"
    # The scope is the interface of a link-local address.
    address = f"{host}%{scope}" if scope else host
    return f"ipv6:{quote(f'[{address}]', safe=':')}:{port}"
