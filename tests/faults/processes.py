"""Servers as processes of their own, which can be killed and started again at the same address."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.request import urlopen

import grpc
import psutil
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from tests.faults.client import open_channel
from tests.faults.mix import SIGN_UP_CREDITS
from tests.faults.operations import CREDIT_TYPE
from tests.running import eventually
from tests.tokens import write_public_key

COMMAND = (sys.executable, "-m", "creditd.cli", "serve")
SECONDS_TO_START = 30.0
LOG_TAIL = 4_000

PORTS = (10_000, 32_768)
"""Below those that the system takes for outgoing connections."""


class ServerProcess:
    """One server; everything but its addresses and settings is as in production."""

    def __init__(self, folder: Path, database_url: str, **settings: object) -> None:
        """Describe it; ``settings`` are those of Config."""
        self._port, self._metrics_port = free_port(), free_port()
        self._log = folder / f"server-{self._port}.log"
        self._settings = {
            "database_url": database_url,
            "listen": self.address,
            "metrics_listen": f"127.0.0.1:{self._metrics_port}",
            "jwt_public_key_files": write_public_key(folder),
            "page_token_secret": "of the fault batteries",
            "sign_up_credits": f"{CREDIT_TYPE}={SIGN_UP_CREDITS}",
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it listens, also after it was killed and started again."""
        return f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        self._await_serving()
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_running:
            self.kill()

    @property
    def is_running(self) -> bool:
        """Whether the process that was started last still runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; it serves a little later."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CREDITD_")}
        environment |= {f"CREDITD_{name.upper()}": str(value) for name, value in self._settings.items()}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(COMMAND, env=environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it with SIGKILL, whatever it is doing."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """Stop it where it stands; its connections stay."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @property
    def threads(self) -> int:
        """How many threads the process has."""
        assert self._process is not None
        return psutil.Process(self._process.pid).num_threads()

    def counted(self, name: str) -> int:
        """Return one of the ledger's counts since this process started."""
        with urlopen(f"http://127.0.0.1:{self._metrics_port}/metrics") as answer:
            found = re.search(rf"^creditd_ledger_{name}_total (\S+)$", answer.read().decode(), re.MULTILINE)
        assert found is not None
        return int(float(found[1]))

    def _await_serving(self) -> None:
        with open_channel(self.address) as channel:
            check = HealthStub(channel).Check
            try:
                eventually(lambda: self._serves(check), SECONDS_TO_START)
            except AssertionError:
                sys.stderr.write(self._log.read_text(errors="replace")[-LOG_TAIL:])
                raise

    def _serves(self, check: "grpc.UnaryUnaryMultiCallable[HealthCheckRequest, HealthCheckResponse]") -> bool:
        assert self.is_running
        try:
            return bool(check(HealthCheckRequest(), timeout=1).status == HealthCheckResponse.SERVING)
        except grpc.RpcError:
            return False


def free_port() -> int:
    """Return a port of this machine that nobody listens on, and that no connection is given for its own end.

    Of the others, one would sooner or later be taken while its server is down, by whoever tries to connect to it.
    """
    while True:
        port = random.randrange(*PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
