"""Servers as processes of their own, which can be killed and started again at the same address."""

import os
import re
import resource
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Self
from urllib.request import urlopen

import grpc
import psutil
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from tests.faults.client import open_channel
from tests.faults.mix import SIGN_UP_CREDITS
from tests.faults.operations import CREDIT_TYPE
from tests.support.patience import eventually
from tests.support.ports import free_port
from tests.support.service import LAYOUT_VARIABLE, TRANSPORT_VARIABLE, UNLIMITED
from tests.support.tokens import write_public_key

COMMAND = (sys.executable, "-m", "creditd.cli")
SECONDS_TO_START = 30.0
LOG_TAIL = 4_000


class CreditdProcess(ABC):
    """One process of ours; everything but its addresses and settings is as in production."""

    COMMAND: ClassVar[str]

    release: Sequence[Path] = ()
    """Where the code of another release is; empty for this one."""

    def __init__(self, folder: Path, port: int, settings: Mapping[str, object], files: int = 0) -> None:
        """Describe it; ``settings`` are those of Config. With ``files`` it may have no more than so many open."""
        self._port = port
        self._files = files
        self._log = folder / f"{self.COMMAND}-{port}.log"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it listens, also after it was killed and started again."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The number of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        self.await_serving()
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
        if TRANSPORT_VARIABLE in os.environ:
            environment["CREDITD_TRANSPORT"] = os.environ[TRANSPORT_VARIABLE]
        if LAYOUT_VARIABLE in os.environ:
            environment["CREDITD_DATABASE_LAYOUT"] = os.environ[LAYOUT_VARIABLE]
        environment |= {f"CREDITD_{name.upper()}": str(value) for name, value in self._settings.items()}
        environment["PYTHONPATH"] = os.pathsep.join([*map(str, self.release), *filter(None, sys.path)])
        with self._log.open("ab") as log:
            self._process = subprocess.Popen((*COMMAND, self.COMMAND), env=environment, stdout=log, stderr=log)
        if self._files:
            # Before it has come so far as to ask what its limit is.
            resource.prlimit(self._process.pid, resource.RLIMIT_NOFILE, (self._files, self._files))

    def kill(self) -> None:
        """End it with SIGKILL, whatever it is doing."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self, seconds: float) -> int:
        """Tell it to stop with SIGTERM, and return the status that it ends with, within ``seconds``."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(seconds)

    @property
    def open_files(self) -> int:
        """How many files the process has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

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

    def await_serving(self) -> None:
        """Wait until it answers."""
        try:
            eventually(self._is_up, SECONDS_TO_START)
        except AssertionError:
            sys.stderr.write(self._log.read_text(errors="replace")[-LOG_TAIL:])
            raise

    @abstractmethod
    def _is_up(self) -> bool:
        """Tell whether it answers."""


class ServerProcess(CreditdProcess):
    """One server."""

    COMMAND = "serve"

    def __init__(self, folder: Path, database_url: str, *, files: int = 0, **settings: object) -> None:
        """Describe it; ``settings`` are those of Config."""
        self.metrics_address = f"127.0.0.1:{free_port()}"
        port = free_port()
        described = {
            "database_url": database_url,
            "listen": f"127.0.0.1:{port}",
            "metrics_listen": self.metrics_address,
            "jwt_public_key_files": write_public_key(folder),
            "page_token_secret": "of the fault batteries",
            "sign_up_credits": f"{CREDIT_TYPE}={SIGN_UP_CREDITS}",
            # What attacks is to do so with all its force.
            **UNLIMITED,
        }
        super().__init__(folder, port, described | settings, files)

    def counted(self, name: str) -> int:
        """Return one of the ledger's counts since this process started."""
        with urlopen(f"http://{self.metrics_address}/metrics") as answer:
            found = re.search(rf"^creditd_ledger_{name}_total (\S+)$", answer.read().decode(), re.MULTILINE)
        assert found is not None
        return int(float(found[1]))

    def _is_up(self) -> bool:
        assert self.is_running
        with open_channel(self.address) as channel, suppress(grpc.RpcError):
            answer = HealthStub(channel).Check(HealthCheckRequest(), timeout=1)
            return bool(answer.status == HealthCheckResponse.SERVING)
        return False


class AdapterProcess(CreditdProcess):
    """One webhook adapter."""

    COMMAND = "webhooks"

    def __init__(self, folder: Path, service: str, token: str, *, files: int = 0) -> None:
        """Describe it: it calls ``service`` with ``token``."""
        port = free_port()
        file = folder / f"adapter-{port}.token"
        file.write_text(token)
        described = {
            "webhooks_listen": f"127.0.0.1:{port}",
            "webhooks_service": service,
            "webhooks_token_file": file,
        }
        super().__init__(folder, port, described, files)

    def _is_up(self) -> bool:
        assert self.is_running
        with suppress(OSError), urlopen(f"http://{self.address}/healthz") as answer:
            return b'"reachable"' in answer.read()
        return False
