"""Run Envoy before several servers, for callers of gRPC on this machine: fill envoy.yaml beside this in, and become it.

Each account's calls go to one server as long as that is healthy, by a consistent hash of the header x-account-id.
"""

import argparse
import json
import os
from pathlib import Path
from string import Template
from typing import Final

from tools.envoy import CERTIFICATES, ENVIRONMENT, endpoint, make_certificates

POLICIES: Final = {"account": "RING_HASH", "turn": "ROUND_ROBIN"}
"""What a server is chosen by, as Envoy calls it."""


def configuration(asked: argparse.Namespace) -> str:
    """Return envoy.yaml, filled in. Raises ValueError for what is no address."""
    listening_on, _, port = asked.listen.rpartition(":")
    return Template(Path(__file__).with_name("envoy.yaml").read_text(encoding="utf-8")).substitute(
        LISTEN_ADDRESS=listening_on,
        LISTEN_PORT=int(port),
        ADMIN_PORT=asked.admin_port,
        TLS_FOLDER=asked.tls_folder.resolve(),
        ENDPOINTS=json.dumps([endpoint(address) for address in asked.service]),
        POLICY=POLICIES[asked.by],
    )


def parser() -> argparse.ArgumentParser:
    """Return what reads the arguments."""
    arguments = argparse.ArgumentParser(prog="make balancer ARGS=...", description=__doc__)
    arguments.add_argument("--service", action="append", required=True, help="host:port or tls://host:port; repeated")
    arguments.add_argument("--listen", default="127.0.0.1:50050", help="host:port; %(default)s if unset")
    arguments.add_argument("--admin-port", type=int, default=9902, help="of 127.0.0.1; %(default)s if unset")
    arguments.add_argument("--tls-folder", type=Path, default=CERTIFICATES, help="%(default)s if unset")
    arguments.add_argument("--by", choices=POLICIES, default="account", help="%(default)s if unset")
    arguments.add_argument("--threads", type=int, default=1, help="of Envoy; %(default)s if unset")
    arguments.add_argument("--print", action="store_true", help="print the configuration, and start nothing")
    return arguments


def main() -> None:
    """Become Envoy."""
    asked = parser().parse_args()
    make_certificates(asked.tls_folder)
    filled = configuration(asked)
    if asked.print:
        print(filled, end="")
        return
    # One is never restarted in the place of another, and so needs no memory that is shared by all of a machine.
    options = ["--log-level", "warning", "--disable-hot-restart", "--concurrency", str(asked.threads)]
    envoy = ENVIRONMENT / "bin" / "envoy"
    os.execv(envoy, [envoy, *options, "--config-yaml", filled])  # noqa: S606


if __name__ == "__main__":
    main()
