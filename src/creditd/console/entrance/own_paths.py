"""Paths that lead nowhere else."""

import re
from typing import Final

_OWN_PATH: Final = re.compile(r"/(?![/\\])[^\\\s\x00-\x1f\x7f]*")
"""A path and nothing else: no browser takes it for another host's."""


def is_own_path(text: str) -> bool:
    """Tell whether a text is a path, and nothing that a browser takes for another host's."""
    return _OWN_PATH.fullmatch(text) is not None
