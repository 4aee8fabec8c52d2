"""What tells staff why, made from the parts that it reads through."""

from creditd import __version__
from creditd.bootstrap.core import Core
from creditd.bootstrap.system_status import make_system_status
from creditd.server.handlers.support_handlers import (
    AccountHistoryHandlers,
    ExplanationHandlers,
    GrantHandlers,
    SearchHandlers,
    SupportActHandlers,
    SystemStatusHandlers,
)
from creditd.service.account_history import AccountHistory
from creditd.service.catalogue import Catalogue
from creditd.service.credits import Credits
from creditd.service.explanations import Explanations
from creditd.service.gifts import Gifts
from creditd.service.grants import Grants
from creditd.service.historical_balances import HistoricalBalances
from creditd.service.pages import PageTokens
from creditd.service.search import Search
from creditd.service.threads import Threads
from creditd.storage.schema import schema_head


def make_support(
    core: Core,
    catalogue: Catalogue,
    credits: Credits,
    historical: HistoricalBalances,
    threads: Threads,
    tokens: PageTokens,
) -> tuple[object, ...]:
    """Return the handlers of SupportService."""
    database, clock, rules = core.database, core.clock, core.rules
    gifts = Gifts(core.transactions, catalogue, core.config.support_credit_limits, core.make_id, threads)
    return (
        ExplanationHandlers(
            Explanations(database, clock, rules, catalogue, historical, threads), catalogue.decimals_of
        ),
        GrantHandlers(Grants(database, clock, rules, catalogue, threads, tokens)),
        AccountHistoryHandlers(AccountHistory(database, clock, threads, tokens), clock),
        SearchHandlers(Search(database, threads)),
        SupportActHandlers(credits, gifts),
        SystemStatusHandlers(make_system_status(core, threads, clock), __version__, schema_head()),
    )
