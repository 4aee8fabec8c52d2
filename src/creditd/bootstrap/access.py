"""Access in one process: the book, what keeps it up to date, and the RPCs that change it."""

from creditd.bootstrap.core import Core
from creditd.server.authorization.access_book import AccessBook
from creditd.server.authorization.access_poller import AccessPoller
from creditd.server.authorization.second_factor import SecondFactor
from creditd.server.handlers.access_handlers import OwnAccessHandlers, RoleHandlers, ServiceAccountHandlers
from creditd.service.controls.access_changes import AccessChanges
from creditd.service.controls.roles import Roles
from creditd.service.controls.service_accounts import ServiceAccounts
from creditd.service.pages import PageTokens
from creditd.service.threads import Threads


class Access:
    """Access in one process."""

    def __init__(self, core: Core, threads: Threads, tokens: PageTokens, second_factor: SecondFactor) -> None:
        """Keep it in ``core``'s database."""
        self._core = core
        self._threads = threads
        self._tokens = tokens
        self.book = AccessBook(core.clock.now)
        self.poller = AccessPoller(self.book, core.database, core.clock, threads)
        core.access_age_seconds = lambda: self.poller.age_seconds
        self._second_factor = second_factor

    def handlers(self) -> tuple[RoleHandlers, ServiceAccountHandlers, OwnAccessHandlers]:
        """Return the handlers of AccessService."""
        core, threads, tokens = self._core, self._threads, self._tokens
        changes = AccessChanges(core.database, core.clock, core.make_id, threads, self.poller.wake)
        roles = Roles(changes, core.database, core.clock, threads, tokens)
        accounts = ServiceAccounts(changes, core.database, threads, tokens)
        return RoleHandlers(roles), ServiceAccountHandlers(accounts), OwnAccessHandlers(self.book, self._second_factor)
