"""The adapter's own token, in a file that something else renews."""

import logging
import re
from pathlib import Path
from typing import Final

from creditd.front.setting_errors import InvalidSetting
from creditd.telemetry.redaction import file_shown
from creditd.webhooks import limits

log = logging.getLogger(__name__)

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]+")
"""RFC 6750, 2.1: anything else cannot stand in an authorization header."""


class TokenFile:
    """A file with a token and nothing else, read again whenever it has changed.

    A token that has become unreadable leaves the one before in use: whoever renews it may be at it just now.
    """

    def __init__(self, path: Path) -> None:
        """Read the file. Raises InvalidSetting."""
        self._path = path
        self._seen = self._look()
        try:
            self._token = self._read()
        except (OSError, ValueError) as error:
            raise InvalidSetting(f"{file_shown(str(path))} holds no token: {_why(error)}") from None

    def __call__(self) -> str:
        """Return the token of the moment."""
        seen = self._look()
        if seen != self._seen:
            # Noted before it is read: what is written meanwhile is seen next time, and a complaint is made once.
            self._seen = seen
            try:
                self._token = self._read()
            except (OSError, ValueError) as error:
                log.warning("no token in %s, the one before stays in use: %s", self._path, _why(error))
        return self._token

    def _look(self) -> tuple[int, int, int] | None:
        """Return what changes with the file; None if it is not there."""
        try:
            stat = self._path.stat()
        except OSError:
            return None
        # A volume that is swapped as a whole, as Kubernetes does, changes the number where time and size may not.
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def _read(self) -> str:
        with self._path.open("rb") as file:
            token = file.read(limits.MAX_TOKEN_BYTES + 1).decode("ascii", "replace").strip()
        if len(token) > limits.MAX_TOKEN_BYTES or not _TOKEN.fullmatch(token):
            raise ValueError("it is not one token of letters, digits and ._~+/=-")
        return token


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
