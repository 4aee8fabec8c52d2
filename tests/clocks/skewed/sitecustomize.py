"""Sets this process's wall clock off: Python imports this file when it starts, if its folder is on the path."""

import os
import time
from types import SimpleNamespace

from grpc._cython import cygrpc  # type: ignore[attr-defined]  # It has no types.

_SKEW_SECONDS = int(os.environ["SKEW_SECONDS"])
_time, _time_ns = time.time, time.time_ns

# On a machine whose clock is off, gRPC's binding and its core have the same time. Here the core has the machine's.
cygrpc.time = SimpleNamespace(time=_time, sleep=time.sleep)
time.time = lambda: _time() + _SKEW_SECONDS
time.time_ns = lambda: _time_ns() + _SKEW_SECONDS * 1_000_000_000
