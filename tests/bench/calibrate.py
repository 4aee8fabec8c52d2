"""How fast the load generator can go, so that nobody need believe that it was not the limit."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench import requests
from tests.bench.generator_process import generate
from tests.bench.job import Job, Outcome

_CALLERS = 64
_MOST_CALLERS = 256


@dataclass(frozen=True)
class Calibration:
    """What the same generator reached against a server that does next to nothing and one that does nothing.

    `empty_rpc` is an empty grpc.aio server on a loop as the real one uses; `ceiling` a server that answers with bytes
    prepared beforehand, and so leaves the generator as the limit, or nearly.
    """

    empty_rpc: Outcome
    ceiling: Outcome


def calibrate(seconds: float) -> Calibration:
    """Drives Reserve against both servers, one after the other: at 64 callers, and for the ceiling at 256."""
    return Calibration(
        _against("tests.bench.echo", _CALLERS, seconds),
        _against("tests.bench.canned", _MOST_CALLERS, seconds),
    )


def _against(module: str, callers: int, seconds: float) -> Outcome:
    with _server(module) as port:
        job = Job(
            port=port,
            token="x" * 400,  # As long as a real token is.
            operations=requests.reserve(),
            callers=callers,
            first_account=1,
            accounts=10_000,
            warmup_s=0.3,
            measured_s=seconds,
        )
        return generate(job)


@contextmanager
def _server(module: str) -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-m", module], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()
