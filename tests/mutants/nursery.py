"""`python -m tests.mutants.nursery` runs pytest again and again, each time in a fork of a process that is there.

What has been imported by then costs a fork nothing: the interpreter, pytest, the libraries, the generated code. None of
the service is among it, where the faults are planted, and none of the tests.

A line on standard input is what to run, as JSON: arguments, environment variables, seconds. The line that answers it is
the exit code, or null if it took longer, and what it said.
"""

import json
import os
import pkgutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

import pytest

PREPARED: Final = (
    "alembic.command",
    "alembic.config",
    "argon2",
    "cryptography.hazmat.primitives.serialization",
    "cryptography.x509",
    "google.rpc.error_details_pb2",
    "google.rpc.status_pb2",
    "grpc.aio",
    "grpc_health.v1.health_pb2_grpc",
    "grpc_reflection.v1alpha.reflection",
    "httpx",
    "hypothesis.stateful",
    "hypothesis.strategies",
    "jwt",
    "orjson",
    "prometheus_client",
    "protovalidate",
    "psutil",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "starlette.applications",
    "uvicorn",
    "uvloop",
)
"""What most tests import, and what is none of ours."""

TASKS: Final = Path("/proc/self/task")
"""The threads of this process, those of libraries too, where the system shows them."""

LOOK_SECONDS: Final = 0.02

SAID_BYTES: Final = 100_000
"""The end of what a run has said: its summary is there."""


def prepare() -> None:
    """Import what forks are to find. Raises RuntimeError if there is a thread, which a fork would lack."""
    for name in PREPARED:
        import_module(name)
    for module in pkgutil.iter_modules(import_module("credit.v1").__path__, "credit.v1."):
        import_module(module.name)
    if TASKS.exists() and len([*TASKS.iterdir()]) > 1:
        raise RuntimeError("there are threads that a fork would lack")
    ours = [name for name in sys.modules if name.partition(".")[0] == "creditd"]
    if ours:
        raise RuntimeError(f"a fault in it would not be seen: {ours}")


def run(arguments: list[str], variables: dict[str, str], output: int) -> NoReturn:
    """Run pytest in this process, which ends by it."""
    os.setsid()
    os.environ.update(variables)
    sys.dont_write_bytecode = bool(variables.get("PYTHONDONTWRITEBYTECODE"))
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, place in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, place)
    sys.argv[1:] = arguments
    sys.exit(pytest.main(arguments))


def exit_code_of(child: int, seconds: float) -> int | None:
    """Return how a fork ends; None, and kill all of it, if it takes longer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(LOOK_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def main() -> None:
    """Run what comes, one after the other, until there is no more."""
    prepare()
    for line in sys.stdin:
        arguments, variables, seconds = json.loads(line)
        with tempfile.TemporaryFile() as output:
            child = os.fork()
            if not child:
                run(arguments, variables, output.fileno())
            code = exit_code_of(child, seconds)
            output.seek(max(0, output.seek(0, os.SEEK_END) - SAID_BYTES))
            said = output.read().decode(errors="replace")
        sys.stdout.write(f"{json.dumps([code, said])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
