"""Events in one process: what publishes and delivers them, what tells of expiry and of limits, and the handlers."""

import asyncio

from creditd.bootstrap.core import Core
from creditd.identity.ciphers import Cipher
from creditd.server.handlers.event_endpoint_handlers import EventEndpointHandlers
from creditd.server.handlers.event_handlers import EventHandlers
from creditd.service.deliveries.deliverer import Deliverer
from creditd.service.deliveries.names import NameResolver
from creditd.service.deliveries.network import JudgedNetwork
from creditd.service.deliveries.sender import EventSender
from creditd.service.events.event_endpoints import EventEndpoints
from creditd.service.events.event_feed import EventFeed
from creditd.service.events.event_publisher import EventPublisher
from creditd.service.events.event_secrets import EventSecrets
from creditd.service.events.expiry_notices import ExpiryNotices
from creditd.service.events.limit_notices import LimitNotices
from creditd.service.pages import PageTokens
from creditd.service.threads import Threads

DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600


class EventParts:
    """Everything that runs for events. Make it on the event loop that it is to run on."""

    def __init__(self, core: Core, threads: Threads, tokens: PageTokens) -> None:
        """Build every part on ``core``; pages are sealed by ``tokens``."""
        config, in_thread = core.config, threads.background
        self.limit_notices = LimitNotices(core.database, core.clock, in_thread)
        self.publisher = EventPublisher(
            core.database,
            core.clock,
            in_thread,
            core.event_statistics,
            config.event_interval_seconds,
            config.event_retention_days * DAY_SECONDS,
        )
        notice_seconds = config.expiry_notice_hours * HOUR_SECONDS
        notices = ExpiryNotices(core.database, core.clock, core.make_id, in_thread, notice_seconds)
        self._background = [self.publisher.background, notices.background, self.limit_notices.background]
        key, network = (
            config.event_key_encryption_key,
            JudgedNetwork(NameResolver(), allows_private=config.event_targets_private),
        )
        secrets = EventSecrets(Cipher(key, "event") if key else None)
        self._endpoints = EventEndpoints(core.database, core.clock, core.make_id, threads, tokens, secrets, network)
        self.deliverer: Deliverer | None = None
        if key:
            self.deliverer = Deliverer(
                core.database, core.clock, core.make_id, in_thread, EventSender(network), secrets, core.event_statistics
            )
            self._background.append(self.deliverer.background)
        self._feed = EventFeed(core.database, threads.watching)
        core.event_statistics.failures.update((one.name, one.failures.counts) for one in self._background)

    def handlers(self) -> tuple[tuple[EventHandlers], tuple[EventEndpointHandlers]]:
        """Return the handlers of EventService and of EventEndpointService."""
        return (EventHandlers(self._feed),), (EventEndpointHandlers(self._endpoints),)

    def start(self) -> None:
        """Start what runs by itself."""
        for background in self._background:
            background.start()

    async def close(self) -> None:
        """Stop. What was told of limits is written; what is not published is by the next server that runs."""
        await self._feed.close()
        await asyncio.gather(*(background.close() for background in self._background))
        if self.deliverer:
            await self.deliverer.close()
        await self.limit_notices.flush()
