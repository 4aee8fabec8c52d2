"""Logs are JSON, a line each, complete, in order, and free of secrets."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from creditd.telemetry import lines
from creditd.telemetry.lines import FLUSH_BYTES, LineWriter
from creditd.telemetry.logs import AccessLog, access_log, configure_logs
from creditd.telemetry.redaction import REDACTED, redacted
from tests.support.hearing import OwnThreads

JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJxdWl6In0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"

SECRETS = [
    f"authorization: Bearer {JWT}",
    f"('authorization', 'Bearer {JWT}')",
    f"token {JWT}",
    "Basic c2VjcmV0OnRva2VuLW9mLXRoZQ",
    "postgresql://creditd:c2lnbmF0@dXJl@db:5432/credit",
    "redis://:c2lnbmF0dXJl@cache",
    "host=db user=creditd password=c2lnbmF0dXJl dbname=credit",
    "password='it\\'s c2lnbmF0dXJl' dbname=credit",
    '{"password": "c2lnbmF0 dXJl", "user": "creditd"}',
    "PGPASSWORD=c2lnbmF0dXJl",
    "client_secret=c2lnbmF0dXJl&grant_type=x",
    "[('cookie', 'c2lnbmF0dXJl'), ('x', 'y')]",
    "_Metadatum(key='authorization', value='c2lnbmF0dXJl')",
    "-----BEGIN PRIVATE KEY-----\nc2lnbmF0dXJl\n-----END PRIVATE KEY-----",
]

SAID_BY_A_PROCESS = """
import logging, sys
from creditd.telemetry.logs import access_log, configure_logs
configure_logs()
access_log(configure_logs())("/m", "OK", 0.001, "c-1")
logging.getLogger("x").info("last words")
sys.exit()
"""


class Log:
    """A log that goes to a file."""

    def __init__(self, file: Path, writer: LineWriter) -> None:
        """Read what the writer writes."""
        self._file = file
        self.writer = writer
        self.call: AccessLog = access_log(writer)

    def said(self) -> list[dict[str, Any]]:
        """Return all lines written so far."""
        self.writer.flush()
        return self.already_said()

    def already_said(self) -> list[dict[str, Any]]:
        """Return the lines that were written without being asked."""
        return [json.loads(line) for line in self._file.read_bytes().splitlines()]


@pytest.fixture
def log(tmp_path: Path, own_threads: OwnThreads) -> Iterator[Log]:
    """Keep a log of what the test itself logs: servers that other tests have started go on in this process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with (tmp_path / "log").open("wb") as stream:
        writer = configure_logs("INFO", stream.fileno())
        root.handlers[0].addFilter(own_threads.hears)
        yield Log(tmp_path / "log", writer)
        writer.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.mark.requirement("I4")
def test_the_line_of_a_call(log: Log) -> None:
    log.call(
        "/credit.v1.CreditService/Reserve",
        "FAILED_PRECONDITION",
        0.0031249,
        "c-1",
        subject="quiz",
        account_id="ann",
        reason="INSUFFICIENT_CREDIT",
        peer="ipv4:10.0.0.1:5000",
    )
    (line,) = log.said()
    assert abs(time.time() - seconds_of(line.pop("time"))) < 60
    assert line == {
        "level": "INFO",
        "logger": "creditd.access",
        "message": "call",
        "method": "/credit.v1.CreditService/Reserve",
        "code": "FAILED_PRECONDITION",
        "reason": "INSUFFICIENT_CREDIT",
        "duration_us": 3124,
        "correlation_id": "c-1",
        "subject": "quiz",
        "account_id": "ann",
        "peer": "ipv4:10.0.0.1:5000",
    }


def seconds_of(stamp: str) -> float:
    whole, _, fraction = stamp.partition(".")
    return (
        time.mktime(time.strptime(whole + "UTC", "%Y-%m-%dT%H:%M:%S%Z")) - time.timezone + float("0." + fraction[:-1])
    )


def test_what_a_caller_sent_breaks_no_line(log: Log) -> None:
    log.call('/m"\n{', "OK", 0.0, "c\u2028\x00", subject="\ud800", account_id="ก")
    (line,) = log.said()
    assert (line["method"], line["correlation_id"], line["subject"]) == ('/m"\n{', "c\u2028\x00", "\\ud800")


def test_an_ordinary_line_says_when_what_and_under_which_correlation_id(log: Log) -> None:
    logging.getLogger("creditd.x").warning("%d wallets", 3, extra={"correlation_id": "c-1", "port": 5000, "gone": None})
    (line,) = log.said()
    assert abs(time.time() - seconds_of(line.pop("time"))) < 60
    assert line == {
        "level": "WARNING",
        "logger": "creditd.x",
        "message": "3 wallets",
        "correlation_id": "c-1",
        "port": 5000,
        "gone": None,
    }


def test_an_exception_comes_with_its_traceback_in_the_same_line(log: Log) -> None:
    try:
        raise KeyError("grant")  # noqa: TRY301 - so that it has a traceback.
    except KeyError:
        logging.getLogger("creditd.x").exception("internal error", extra={"correlation_id": "c-1"})
    (line,) = log.said()
    assert line["exception"].startswith("Traceback (most recent call last):")
    assert line["exception"].endswith("KeyError: 'grant'")


def test_lines_below_the_level_are_left_out(log: Log) -> None:
    logging.getLogger("creditd.x").debug("detail")
    assert log.said() == []


def handled(**record: Any) -> None:
    """Hand a record to our handler alone: pytest's own fails at mistakes, and its workers at what is no Unicode."""
    logging.getLogger().handlers[0].handle(logging.makeLogRecord({"name": "x", "levelno": logging.INFO} | record))


def test_odd_values_make_a_line_all_the_same(log: Log) -> None:
    handled(msg="\ud800 %s", args=("x",), huge=2**70, path=Path("/srv"), part=float("nan"))
    (line,) = log.said()
    assert (line["message"], line["huge"], line["path"]) == ("\\ud800 x", str(2**70), "/srv")


class Unprintable:
    """What has no text."""

    def __repr__(self) -> str:
        """Fail."""
        raise RuntimeError("token=c2lnbmF0dXJl")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("password=abc", 7), f"%d ('password={REDACTED}, 7)"),
        ((Unprintable(),), "a line that cannot be told"),
    ],
)
def test_a_line_with_a_mistake_in_it_is_told_as_far_as_it_goes(log: Log, arguments: Any, message: str) -> None:
    handled(msg="%d", args=arguments)
    assert [line["message"] for line in log.said()] == [message]


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_reaches_a_log(log: Log, secret: str) -> None:
    logger = logging.getLogger("creditd.x")
    logger.info("connecting with %s now", secret)
    logger.info("connecting", extra={"detail": secret})
    try:
        raise RuntimeError(secret)  # noqa: TRY301 - so that it has a traceback.
    except RuntimeError:
        logger.exception("failed", stack_info=True)
    said = log.said()
    assert len(said) == 3
    for line in said:
        shown = json.dumps({name: text for name, text in line.items() if name not in {"time", "stack"}})
        assert "c2lnbmF0" not in shown
        assert "dXJl" not in shown
        assert "c2VjcmV0" not in shown
        assert REDACTED in shown


@pytest.mark.parametrize(
    "name", ["authorization", "metadata", "invocation_metadata", "api_key", "db_password", "token"]
)
def test_what_goes_by_a_secrets_name_is_never_shown(log: Log, name: str) -> None:
    logging.getLogger("x").info("call", extra={name: "abc"})
    assert log.said()[0][name] == REDACTED


def test_the_line_of_a_call_has_no_place_for_a_secret() -> None:
    columns = set(AccessLog.__call__.__annotations__) - {"return"}
    assert columns == {
        "method",
        "code",
        "seconds",
        "correlation_id",
        "subject",
        "account_id",
        "reason",
        "peer",
    }


def test_ordinary_texts_stay_as_they_are() -> None:
    for text in (
        "listening on http://127.0.0.1:8080/metrics",
        "3 batches, 2 conflicts; token expired",
        "password authentication failed for user creditd",
        "accounts/a@b.example/wallets/spec/reservations/0199f0c0-1111-7222-8333-444455556666",
    ):
        assert redacted(text) == text


def test_lines_are_written_within_a_tenth_of_a_second_or_so(log: Log) -> None:
    log.call("/m", "OK", 0.0, "c-1")
    assert soon(lambda: len(log.already_said()) == 1)


def soon(happened: Callable[[], bool], patience_seconds: float = 10.0) -> bool:
    """Wait long enough for a loaded machine; the right time is a matter of the constants, not of the test."""
    end = time.monotonic() + patience_seconds
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(0.01)
    return False


def test_one_write_serves_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(lines, "FLUSH_SECONDS", 3_600.0)
    writer = LineWriter(writing)
    for number in range(100):
        writer.write(b"%d\n" % number)
    writer.hurry()
    assert os.read(reading, FLUSH_BYTES).split() == [b"%d" % number for number in range(100)]
    writer.close()
    os.close(reading)
    os.close(writing)


def test_64_kb_are_written_without_waiting_for_the_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lines, "FLUSH_SECONDS", 3_600.0)
    file = tmp_path / "log"
    with file.open("wb") as stream:
        writer = LineWriter(stream.fileno())
        for _ in range(FLUSH_BYTES // 1_000 + 2):
            writer.write(b"x" * 999 + b"\n")
        assert soon(lambda: file.stat().st_size >= FLUSH_BYTES)
        writer.close()


def test_nothing_is_lost_or_mixed_between_threads(log: Log) -> None:
    def talk(who: int) -> None:
        for number in range(2_000):
            log.call("/m", "OK", 0.0, f"{who}-{number}")

    threads = [threading.Thread(target=talk, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said = [line["correlation_id"] for line in log.said()]
    assert len(said) == 8_000
    for who in range(4):
        assert [each for each in said if each.startswith(f"{who}-")] == [f"{who}-{number}" for number in range(2_000)]


def test_a_reader_that_stands_still_costs_lines_and_not_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_HELD_BYTES", 100_000)
    reading, writing = os.pipe()
    writer = LineWriter(writing)
    for _ in range(3):
        for _ in range(1_000):
            writer.write(b"x" * 999 + b"\n")
        time.sleep(0.3)
    received = bytearray()
    drain = threading.Thread(target=lambda: drained(reading, received))
    drain.start()
    writer.close()
    os.close(writing)
    drain.join()
    os.close(reading)
    confessions = [json.loads(line) for line in received.splitlines() if not line.startswith(b"x")]
    written = len(received.splitlines()) - len(confessions)
    assert 100 < written < 1_000
    assert written + sum(each["dropped"] for each in confessions) == 3_000


def drained(descriptor: int, received: bytearray) -> None:
    while piece := os.read(descriptor, FLUSH_BYTES):
        received += piece


def test_processes_that_share_a_pipe_do_not_mix_their_lines() -> None:
    program = (
        "import sys; from creditd.telemetry.lines import LineWriter; writer = LineWriter(1)\n"
        "for number in range(3000): writer.write(sys.argv[1].encode() * 200 + b'\\n')\n"
        "writer.close()"
    )
    reading, writing = os.pipe()
    processes = [
        subprocess.Popen([sys.executable, "-c", program, letter], stdout=writing, env=environment()) for letter in "abc"
    ]
    os.close(writing)
    received = bytearray()
    drained(reading, received)
    os.close(reading)
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert sorted(received.splitlines()) == sorted([letter.encode() * 200 for letter in "abc"] * 3_000)


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def test_the_last_lines_are_written_when_the_process_ends() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SAID_BY_A_PROCESS], stderr=subprocess.PIPE, env=environment(), check=True
    )
    assert [json.loads(line)["message"] for line in ended.stderr.splitlines()] == ["call", "last words"]


def test_a_log_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as stream:
        writer = LineWriter(stream.fileno())
    writer.write(b"x\n")
    writer.flush()
    writer.close()
    assert (tmp_path / "log").read_bytes() == b""
