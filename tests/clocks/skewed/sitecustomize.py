"""Sets this process's wall clock off: Python imports this file when it starts, if its folder is on the path."""

import os
import time

_SKEW_SECONDS = int(os.environ["SKEW_SECONDS"])
_time, _time_ns = time.time, time.time_ns

time.time = lambda: _time() + _SKEW_SECONDS
time.time_ns = lambda: _time_ns() + _SKEW_SECONDS * 1_000_000_000
