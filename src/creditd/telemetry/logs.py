"""Logs as JSON, one line for each call and each event, on standard error.

Ordinary logs go through the standard library's logging, and are searched for secrets on the way. The line of a call
has a way of its own, which costs a few microseconds and takes nothing that could be a secret: no metadata, no token.
"""

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import orjson

from creditd.telemetry.lines import LineWriter
from creditd.telemetry.redaction import REDACTED, is_secret_name, redacted

STANDARD_ERROR: Final = 2

_OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
_ORDINARY: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; the rest is what `extra` brought along."""


class AccessLog(Protocol):
    """Writes one line about a call that has ended."""

    def __call__(
        self,
        method: str,
        code: str,
        seconds: float,
        correlation_id: str,
        *,
        subject: str = "",
        account_id: str = "",
        reason: str = "",
        peer: str = "",
    ) -> None:
        """Log a call: its RPC, code, duration, caller and account, and the reason of a failure."""


QUIET = ("httpx", "httpcore", "uvicorn")
"""Libraries that write a line for each request, whole address included: only their warnings are of interest."""


def configure_logs(level: str = "INFO", descriptor: int = STANDARD_ERROR) -> LineWriter:
    """Send all logs of this process, from a level up, to a descriptor as JSON, in place of what was configured.

    Call it once in each process, after a fork. Closing what it returns writes the last lines.
    """
    writer = LineWriter(descriptor)
    root = logging.getLogger()
    root.handlers[:] = [_Handler(writer)]
    root.setLevel(level)
    for library in QUIET:
        logging.getLogger(library).setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(capture=True)
    return writer


def access_log(writer: LineWriter) -> AccessLog:
    """Return the function that writes the line of a call."""
    write = writer.write
    clock = time.time  # noqa: TID251 - a log tells this machine's time.
    dumps = orjson.dumps
    options = orjson.OPT_APPEND_NEWLINE
    second = 0
    until_seconds = ""

    def log_call(
        method: str,
        code: str,
        seconds: float,
        correlation_id: str,
        *,
        subject: str = "",
        account_id: str = "",
        reason: str = "",
        peer: str = "",
    ) -> None:
        nonlocal second, until_seconds
        now = clock()
        if int(now) != second:
            # Writing a time out in full costs a third of the line; but for its end it is the same for a whole second.
            second = int(now)
            until_seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        line = {
            "time": f"{until_seconds}.{int((now - second) * 1_000_000):06d}Z",
            "level": "INFO",
            "logger": "creditd.access",
            "message": "call",
            "method": method,
            "code": code,
            "reason": reason,
            "duration_us": int(seconds * 1_000_000),
            "correlation_id": correlation_id,
            "subject": subject,
            "account_id": account_id,
            "peer": peer,
        }
        try:
            write(dumps(line, None, options))
        except TypeError:
            write(_dumps(line))

    return log_call


class _Handler(logging.Handler):
    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer
        self._formatter = JsonFormatter()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.write(self._formatter.line(record))
            if record.levelno >= logging.ERROR:
                # What a process says before it dies should be out by then.
                self._writer.hurry()
        except Exception:  # noqa: BLE001 - a log that fails must not fail what it tells of.
            # Not handleError, which would print the arguments as they are.
            self._writer.write(
                _dumps({"level": "ERROR", "logger": record.name, "message": "a line that cannot be told"})
            )

    def close(self) -> None:
        """Write the last lines: ``logging.shutdown`` is all that a process does which ends at once."""
        self._writer.close()
        super().close()


class JsonFormatter(logging.Formatter):
    """A JSON object per record: time, level, logger, message, correlation_id, exception, fields of ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object as text."""
        return self.line(record).decode().rstrip("\n")

    def line(self, record: logging.LogRecord) -> bytes:
        """Return the object as a line."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": redacted(_message(record)),
            "correlation_id": "",
        }
        said |= {name: _shown(name, value) for name, value in vars(record).items() if name not in _ORDINARY}
        if record.exc_info:
            said["exception"] = redacted(self.formatException(record.exc_info))
        if record.stack_info:
            said["stack"] = redacted(self.formatStack(record.stack_info))
        return _dumps(said)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (KeyError, TypeError, ValueError):
        # The arguments do not fit the text; the rest of the line is worth having all the same.
        return f"{record.msg} {record.args!r}"


def _shown(name: str, value: object) -> object:
    if is_secret_name(name):
        return REDACTED
    if value is None or isinstance(value, bool | int | float):
        return value
    return redacted(str(value))


def _dumps(said: Mapping[str, object]) -> bytes:
    try:
        return orjson.dumps(said, default=str, option=_OPTIONS)
    except TypeError:
        # Text that is no Unicode, or a whole number beyond 64 bits.
        plain = {name: _plain(value) for name, value in said.items()}
        return orjson.dumps(plain, option=_OPTIONS)


def _plain(value: object) -> str:
    return str(value).encode("utf-8", "backslashreplace").decode()
