"""Patience with a database that is away for a while: what may be done twice is tried again."""

import random
import time
from collections.abc import Callable
from threading import Event
from typing import Final, TypeVar

from creditd.domain.errors import Refusal
from creditd.ledger.work import DatabaseUnavailable, VersionConflict
from creditd.storage.database import Database
from creditd.storage.failures import SaveFailure, classify

Answer = TypeVar("Answer")

PATIENCE_SECONDS: Final = 60.0
"""How long something is tried again while the database is away, or others hold what it needs."""

PAUSE_SECONDS: Final = 0.25
"""Between two tries, jittered over the whole of it."""


class TransferStopped(Exception):
    """The database stayed out of reach, or rows stayed held; all that was done stays, and a run goes on there."""


class Patience:
    """Tries again what failed because the database was away. Safe to use by several threads."""

    def __init__(self, database: Database) -> None:
        """Have ``database`` forget its connections after a failure: if one was lost, the others most likely are."""
        self._database = database
        self._ended = Event()

    def end(self) -> None:
        """Have nobody wait any longer: whoever is about to try again raises TransferStopped instead."""
        self._ended.set()

    def tried(self, act: Callable[[], Answer]) -> Answer:
        """Do something that may be done twice, and return its answer.

        Raises TransferStopped once PATIENCE_SECONDS have passed, and whatever ``act`` raises that is no failure of the
        database's to answer.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return act()
            except Exception as error:
                if not _may_pass(error):
                    raise
                if time.monotonic() >= end:
                    raise TransferStopped from error
                self._database.forget_connections()
                if self._ended.wait(random.uniform(0, PAUSE_SECONDS)):  # noqa: S311 - jitter is no secret.
                    raise TransferStopped from error


def _may_pass(error: Exception) -> bool:
    if isinstance(error, DatabaseUnavailable | VersionConflict):
        return True
    return not isinstance(error, Refusal) and classify(error) is not SaveFailure.OTHER
