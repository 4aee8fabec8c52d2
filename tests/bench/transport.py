"""Which transport a server serves by, as it says itself, and how one is asked for."""

import re
import urllib.request
from typing import Final

CHOICES: Final = ("aio", "queue")
"""What CREDITD_TRANSPORT may be set to, beside leaving the choice to the service."""

NAMES: Final = {"aio": "grpc.aio", "queue": "queue"}
"""How the tables call them."""

_SERVES = re.compile(r'^creditd_transport_info\{[^}]*transport="(\w+)"[^}]*\} 1(?:\.0)?$', re.MULTILINE)


def environment(transport: str | None) -> dict[str, str]:
    """The settings that ask a server for this transport; none, if it is left to the server."""
    return {} if transport is None else {"CREDITD_TRANSPORT": transport}


def serving_transport(metrics_port: int) -> str:
    """The name of the transport that a server says it serves by."""
    return transport_in(metrics_of(metrics_port))


def metrics_of(metrics_port: int) -> str:
    """A server's metrics, in Prometheus' text format."""
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def transport_in(metrics: str) -> str:
    """The name of the transport that these metrics tell of. Raises LookupError if they tell of none."""
    found = _SERVES.search(metrics)
    if found is None:
        raise LookupError("the server does not say which transport serves")
    return NAMES[found[1]]
