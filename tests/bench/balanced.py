"""`make bench-balancer`: servers on one database behind a balancer, by account and by turns.

Two balancers are Envoys of the same configuration but for the choice of a server: by a consistent hash of the account,
or each in turn. All callers call through one of them and name the account in a header. Rounds of all kinds take turns,
so that what else the machine does falls on all of them; what the balancer costs is in both.
"""

import argparse
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import Popen

from creditd.development.tokens import make_signing_key
from tests.bench import requests
from tests.bench.job import Job
from tests.bench.report import Ledger
from tests.bench.rounds import seed
from tests.bench.servers import CALLERS, HEADINGS, Total, database_with_log, figures, measure
from tests.bench.service_process import Service, ledger_repeats, ledger_rows, serving
from tests.bench.transport import CHOICES
from tests.support.ports import free_address, free_port

ROOT = Path(__file__).parents[2]
SERVERS = (1, 2, 4)
CHOSEN_BY = ("turn", "account")
SPREADS = {"1 hot": 1, "100": 100}
"""How many accounts there are."""

_STARTS_WITHIN_S = 30
_SETTLES_S = 3.0
"""By then a balancer has found all of its servers healthy: it asks every two seconds."""


def main() -> int:
    """Measures and prints; 1 if a row of the ledger was lost or is there twice, whatever the speed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.balanced", description=__doc__)
    quick = os.environ.get("QUICK", "0") not in {"", "0"}
    parser.add_argument("--quick", action="store_true", default=quick, help="one turn instead of three")
    parser.add_argument("--transport", choices=CHOICES, help="instead of the one that the service chooses")
    arguments = parser.parse_args()
    totals = {(spread, n, by): Total() for spread in SPREADS for n in SERVERS for by in CHOSEN_BY}
    with database_with_log() as (database_url, log), ExitStack() as stack:
        key = make_signing_key(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="creditd-bench-"))))
        servers = [stack.enter_context(serving(database_url, arguments.transport, key)) for _ in range(max(SERVERS))]
        ports = {(n, by): stack.enter_context(_balancer(servers[:n], by)) for n in SERVERS for by in CHOSEN_BY}
        acknowledged = seed(servers[0], 0, max(SPREADS.values())).acknowledged
        time.sleep(_SETTLES_S)
        for _ in range(1 if arguments.quick else 3):
            for (spread, n, by), total in totals.items():
                measure(servers[:n], [_job(ports[n, by], servers[0].token, SPREADS[spread])], log, total)
        ledger = Ledger(
            acknowledged=acknowledged + sum(total.acknowledged for total in totals.values()),
            rows=ledger_rows(database_url),
            in_doubt=sum(total.in_doubt for total in totals.values()),
            repeats=ledger_repeats(database_url),
        )
    print(f"{'accounts':>9} {'servers':>7} {'chosen by':>9} {HEADINGS}")
    for (spread, n, by), total in totals.items():
        print(f"{spread:>9} {n:>7} {by:>9} {figures(total, totals[spread, 1, 'turn'].rate)}")
    print(f"\n{ledger.line()}")
    return 0 if ledger.sound else 1


def _job(port: int, token: str, accounts: int) -> Job:
    return Job(port, token, requests.reserve(), CALLERS, 0, accounts, 0.7, 2.0, names_accounts=True)


@contextmanager
def _balancer(servers: Sequence[Service], by: str) -> Iterator[int]:
    address = free_address()
    options = ["--listen", address, "--admin-port", str(free_port()), "--by", by]
    options += [option for server in servers for option in ("--service", f"127.0.0.1:{server.port}")]
    with Popen([sys.executable, "-m", "tools.balancer", *options], cwd=ROOT) as process:
        try:
            until = time.monotonic() + _STARTS_WITHIN_S
            while not _accepts(address):
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit("A balancer does not start.")
                time.sleep(0.05)
            yield int(address.rpartition(":")[2])
        finally:
            process.terminate()


def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port))).close()
    except ConnectionRefusedError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
