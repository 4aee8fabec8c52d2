"""Whose log records a test hears: those of its own threads, and not those of servers that it shares a process with."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from logging import LogRecord
from threading import Thread

import pytest


class OwnThreads:
    """The thread that a test runs in, and all that it starts, and those start, from then on."""

    def __init__(self) -> None:
        """Begin with the thread that this is called in."""
        self._threads = {threading.current_thread()}

    def hears(self, record: LogRecord) -> bool:
        """Tell whether a record is from one of them; as a filter of a handler, which runs in the thread that logs.

        Threads that no code in Python has started, as those of gRPC's core, are nobody's: they are heard.
        """
        del record
        thread = threading.current_thread()
        return thread in self._threads or thread.name.startswith("Dummy-")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Notice which threads are started until the block ends."""
        start = Thread.start

        def noticed(thread: Thread) -> None:
            if threading.current_thread() in self._threads:
                self._threads.add(thread)
            start(thread)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Thread, "start", noticed)
            yield
