"""What the gateway and the balancer have in common: where Envoy is, and how it is told of servers."""

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]

ENVIRONMENT: Final = ROOT / ".venv" / "gateway"
"""What `make gateway-install` makes."""

CERTIFICATES: Final = ROOT / ".creditd" / "gateway"


def make_certificates(folder: Path) -> None:
    """Make certificates for development in a folder that has none."""
    if not (folder / "server.pem").exists():
        creditd = ROOT / ".venv" / "bin" / "creditd"
        subprocess.run([creditd, "certs", "dev", "--folder", folder], check=True, stdout=sys.stderr)  # noqa: S603


def endpoint(address: str) -> dict[str, object]:
    """Return an LbEndpoint of `host:port`, or of `tls://host:port` for a server over TLS.

    Raises ValueError.
    """
    host, _, port = address.removeprefix("tls://").rpartition(":")
    if not host:
        raise ValueError(address)
    socket = {"address": host.strip("[]"), "port_value": int(port)}
    said = {"endpoint": {"address": {"socket_address": socket}}}
    if address.startswith("tls://"):
        said["metadata"] = {"filter_metadata": {"envoy.transport_socket_match": {"tls": True}}}
    return said
