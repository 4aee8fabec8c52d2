"""How executors are written in the configuration: ``name=host:port``, with commas between them."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from creditd.addresses import is_address

MAX_EXECUTORS: Final = 32
"""Each has a connection of its own; a company has a few."""

NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
"""Stands in workflows, and as a label of metrics."""

EXPECTED: Final = f"at most {MAX_EXECUTORS} of name=host:port, such as render=render.internal:7443, each name once"


def executor_addresses(written: Iterable[str]) -> Mapping[str, str]:
    """Return where executors are, by name, in the order written. Raises ValueError."""
    addresses: dict[str, str] = {}
    for one in written:
        name, _, address = one.partition("=")
        if not NAME.fullmatch(name) or not is_address(address) or name in addresses:
            raise ValueError(one)
        addresses[name] = address
    if len(addresses) > MAX_EXECUTORS:
        raise ValueError(len(addresses))
    return addresses


def are_executors(written: Iterable[str]) -> bool:
    """Tell whether this is how executors are written."""
    try:
        executor_addresses(written)
    except ValueError:
        return False
    return True
