"""A server of the battery: `python -m tests.faults.server`, configured by the environment as the real one is."""

import asyncio

import uvloop

from creditd.bootstrap import Core, Service, Telemetry
from creditd.config import Config, config_from_environment
from creditd.telemetry.logs import configure_logs


async def serve(config: Config) -> None:
    """Serve until the process is killed."""
    core = Core(config)
    telemetry = Telemetry(core, configure_logs(config.log_level))
    await Service(core, telemetry.observers).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(config_from_environment()))
