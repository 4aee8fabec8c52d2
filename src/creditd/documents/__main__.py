"""Reads a document from standard input, and writes it to standard output as a PDF."""

import os
import resource
import sys
from typing import Final

from creditd.documents.document import from_json
from creditd.documents.pdf import drawn

NICENESS: Final = 10
"""Whoever waits for a PDF waits longer than whoever waits for a Reserve."""

MOST_BYTES: Final = 1024**3
"""Of memory, with what is only reserved. The longest statement takes a fifth of it."""

MOST_SECONDS: Final = 120
"""Of the processor. The longest statement takes an eighth of it."""


def main() -> None:
    """Draw one document, within bounds."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    sys.stdout.buffer.write(drawn(from_json(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main()
