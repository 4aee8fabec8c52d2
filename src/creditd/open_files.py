"""How many files this process may have open: connections are files, and the usual limit is 1,024."""

import resource
from contextlib import suppress
from typing import Final

MOST_OPEN_FILES: Final = 65_536
"""More connections than one process serves; some systems state a limit of millions, some none at all."""


def raise_open_files() -> int:
    """Raise the limit of open files as far as this process may, up to MOST_OPEN_FILES, and return what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # A system may have another limit yet, above which it takes none.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return open_files()


def open_files() -> int:
    """Return how many files this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_OPEN_FILES if soft == resource.RLIM_INFINITY else soft
