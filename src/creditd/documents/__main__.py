"""Reads a document from standard input, and writes it to standard output as a PDF; or, if it fails, where it did."""

import os
import resource
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Final

from creditd.documents.document import from_json
from creditd.documents.pdf import drawn

NICENESS: Final = 10
"""Whoever waits for a PDF waits longer than whoever waits for a Reserve."""

MOST_BYTES: Final = 1024**3
"""Of memory, with what is only reserved. The longest statement takes a fifth of it."""

MOST_SECONDS: Final = 120
"""Of the processor. The longest statement takes a quarter of it, if each reason has both directions."""

OOM_SCORE: Final = "1000"
"""The highest: of a container whose memory is used up, this process is ended first."""

LOOK_SECONDS: Final = 0.5
"""How often it looks whether the server that waits for the document is still there."""


def main() -> None:
    """Draw one document, within bounds, for the server whose process id is the argument."""
    sys.excepthook = _tell
    Thread(target=_end_without, args=(int(sys.argv[1]),), daemon=True).start()
    _keep_within_bounds()
    sys.stdout.buffer.write(drawn(from_json(sys.stdin.buffer.read())))


def _keep_within_bounds() -> None:
    os.nice(NICENESS)
    if sys.platform == "linux":
        # Elsewhere memory cannot be bounded. And where it runs out all the same, the server is not the one to be ended.
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(OOM_SCORE, encoding="ascii")
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))


def _end_without(server: int) -> None:
    """End the process once the server is gone, killed perhaps: nobody waits for the document."""
    while os.getppid() == server:
        time.sleep(LOOK_SECONDS)
    os._exit(1)


def _tell(kind: type[BaseException], _: BaseException, trace: TracebackType | None) -> None:
    """Say what kind of error it was and where, and nothing of what was written: it goes to a log."""
    place = traceback.extract_tb(trace)[-1]
    sys.stdout.write(f"{kind.__name__} at {place.filename}:{place.lineno}")


if __name__ == "__main__":
    main()
