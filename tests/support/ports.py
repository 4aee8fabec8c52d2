"""Ports of this machine that nobody uses."""

import random
import socket
from contextlib import suppress

PORTS = (10_000, 32_768)
"""Below those that the system takes for outgoing connections."""


def free_port() -> int:
    """Return a port of this machine that nobody listens on, and that no connection is given for its own end.

    Of the others, one would sooner or later be taken while its server is down, by whoever tries to connect to it.
    """
    while True:
        port = random.randrange(*PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def free_address() -> str:
    """Return an address that nobody listens on."""
    return f"127.0.0.1:{free_port()}"
