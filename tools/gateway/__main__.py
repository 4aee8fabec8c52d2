"""Run Envoy as the gateway before a service: fill envoy.yaml beside this in, and become Envoy.

Certificates for development are made where TLS_FOLDER has none.
"""

import argparse
import json
import os
from pathlib import Path
from string import Template
from typing import Final

from tools.envoy import CERTIFICATES, ENVIRONMENT, ROOT, endpoint, make_certificates

BURST: Final = 2
"""How many seconds' calls an address may make at once, as the service has it by the minute."""


def configuration(asked: argparse.Namespace) -> str:
    """Return envoy.yaml, filled in."""
    listening_on, _, port = asked.listen.rpartition(":")
    (static,) = ENVIRONMENT.glob("lib/python3.*/site-packages/swagger_ui/static")
    return Template(Path(__file__).with_name("envoy.yaml").read_text(encoding="utf-8")).substitute(
        LISTEN_ADDRESS=listening_on,
        LISTEN_PORT=int(port),
        ADMIN_PORT=asked.admin_port,
        TLS_FOLDER=asked.tls_folder.resolve(),
        ENDPOINTS=json.dumps([endpoint(address) for address in asked.service or ["127.0.0.1:50051"]]),
        CALLS_PER_SECOND=asked.calls_per_second,
        CALLS_IN_A_BURST=BURST * asked.calls_per_second,
        FOLDER=ROOT,
        SWAGGER_UI=static,
    )


def parser() -> argparse.ArgumentParser:
    """Return what reads the arguments."""
    arguments = argparse.ArgumentParser(prog="make gateway ARGS=...", description=__doc__)
    arguments.add_argument("--service", action="append", help="host:port or tls://host:port; may be repeated")
    arguments.add_argument("--listen", default="127.0.0.1:8443", help="host:port; %(default)s if unset")
    arguments.add_argument("--admin-port", type=int, default=9901, help="of 127.0.0.1; %(default)s if unset")
    arguments.add_argument("--tls-folder", type=Path, default=CERTIFICATES, help="%(default)s if unset")
    arguments.add_argument("--calls-per-second", type=int, default=100, help="of one address; %(default)s if unset")
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
    envoy = ENVIRONMENT / "bin" / "envoy"
    print(f"https://{asked.listen}/docs/ describes it; curl needs --cacert {asked.tls_folder / 'ca.pem'}", flush=True)
    # One is never restarted in the place of another, and so needs no memory that is shared by all of a machine.
    options = ["--log-level", "warning", "--disable-hot-restart", "--config-yaml", filled]
    os.execv(envoy, [envoy, *options])  # noqa: S606


if __name__ == "__main__":
    main()
