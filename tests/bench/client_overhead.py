"""What the Python client costs over bare stubs, and what it weighs: ``python -m tests.bench.client_overhead``.

Against a local server, one call after the other, bare and by the client in turns, so that both see the same machine.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import grpc

from credit.v1.credit_service_pb2 import GetBalanceRequest
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit_client.testing import LocalServer, local_server

ROUNDS: Final = 2_000

WARM_UP: Final = 200

ROOT: Final = Path(__file__).parents[2]

IMPORT: Final = """
import time
began = time.perf_counter()
import {}
print(time.perf_counter() - began)
"""

REQUEST: Final = GetBalanceRequest(account_id="ann", credit_types=["chat"])


def main() -> None:
    """Measure, and print a table."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for start in ("first", "second"):
            began = time.perf_counter()
            with local_server(folder / "server") as server:
                show(f"{start} start of a server for tests", f"{time.perf_counter() - began:.2f} s")
                if start == "second":
                    measure(server)
        subprocess.run(["/bin/sh", ROOT / "tools" / "build_client.sh", folder], check=True, capture_output=True)
        (wheel,) = folder.glob("*.whl")
        show("wheel", f"{wheel.stat().st_size / 1_024:.0f} KiB")
    for module in ("grpc.aio", "credit_client"):
        taken = [seconds_to_import(module) for _ in range(5)]
        show(f"import {module}", f"{median(taken) * 1_000:.0f} ms")


def measure(server: LocalServer) -> None:
    """Print how long calls take, bare and by the client."""
    metadata = (("authorization", f"Bearer {server.token('bench')}"),)
    server.give("ann", "chat", 1)
    with grpc.insecure_channel(server.address) as channel:
        stub = CreditServiceStub(channel)
        bare, ours = in_turns(
            lambda: stub.GetBalance(REQUEST, timeout=10, metadata=metadata), lambda: server.credits.call(REQUEST)
        )
    compared("GetBalance, blocking", bare, ours)
    compared("GetBalance, asyncio", *asyncio.run(asynchronous(server, metadata)))


async def asynchronous(server: LocalServer, metadata: Any) -> tuple[float, float]:
    """Return the medians of a bare stub of asyncio, and of the client."""
    async with server.async_credits() as credits, grpc.aio.insecure_channel(server.address) as channel:
        stub = CreditServiceStub(channel)

        async def bare() -> None:
            await stub.GetBalance(REQUEST, timeout=10, metadata=metadata)

        async def ours() -> None:
            await credits.call(REQUEST)

        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(WARM_UP + ROUNDS):
            for call, seconds in zip((bare, ours), taken, strict=True):
                seconds.append(await timed(call))
        return median(taken[0][WARM_UP:]), median(taken[1][WARM_UP:])


async def timed(call: Callable[[], Awaitable[None]]) -> float:
    """Return how many seconds a call takes."""
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began


def in_turns(*calls: Callable[[], object]) -> list[float]:
    """Return the median seconds of each call."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(WARM_UP + ROUNDS):
        for call, seconds in zip(calls, taken, strict=True):
            began = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - began)
    return [median(seconds[WARM_UP:]) for seconds in taken]


def seconds_to_import(module: str) -> float:
    """Return how long a module takes to import, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", IMPORT.format(module)], check=True, capture_output=True, text=True)
    return float(done.stdout)


def compared(name: str, bare: float, ours: float) -> None:
    """Print what a call takes bare, and by the client."""
    more = f"{(ours - bare) * 1e6:+.0f} µs"
    show(
        name, f"bare {bare * 1e6:.0f} µs, client {ours * 1e6:.0f} µs ({more}, {ours / bare:.2f}x), medians of {ROUNDS}"
    )


def show(name: str, figure: str) -> None:
    """Print a figure."""
    print(f"{name:36} {figure}")


if __name__ == "__main__":
    main()
