"""All pages that are declarations, and the routes that each of them has."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from starlette.responses import Response

from creditd.console.shapes.act_page import ActPage, act_done, act_form
from creditd.console.shapes.detail_page import DetailPage, detail_page
from creditd.console.shapes.list_page import ListPage, list_file, list_page
from creditd.console.subjects import (
    account_acts,
    account_rules,
    approval_pages,
    endpoint_acts,
    endpoint_pages,
    package_pages,
    payment_event_pages,
    promo_code_pages,
    purchase_pages,
    role_pages,
    service_account_pages,
    wallet_pages,
)
from creditd.console.subjects.account_list import ACCOUNTS
from creditd.console.subjects.api_key_pages import API_KEYS, CREATE_KEY, REVOKE_KEY, ROTATE_KEY
from creditd.console.subjects.audit_pages import AUDIT, AUDIT_SEAL
from creditd.console.subjects.flag_pages import CLEAR_FLAG, FLAGS
from creditd.console.subjects.grant_pages import GRANT, GRANT_USES, GRANTS
from creditd.console.subjects.ledger_check import VERIFY_ACCOUNT, VERIFY_ALL
from creditd.console.subjects.purchase_comparison import COMPARISON
from creditd.console.subjects.subscription_list import SUBSCRIPTIONS
from creditd.console.subjects.timeline_page import TIMELINE
from creditd.console.visit import Visit

LISTS: Final[tuple[ListPage, ...]] = (
    ACCOUNTS,
    API_KEYS,
    approval_pages.APPROVALS,
    AUDIT,
    endpoint_pages.ATTEMPTS,
    endpoint_pages.DEAD_LETTERS,
    endpoint_pages.ENDPOINTS,
    FLAGS,
    GRANT_USES,
    GRANTS,
    package_pages.CREDIT_TYPES,
    package_pages.PACKAGES,
    payment_event_pages.PAYMENT_EVENTS,
    payment_event_pages.REJECTED_WEBHOOKS,
    promo_code_pages.PROMO_CODES,
    purchase_pages.PURCHASES,
    role_pages.ROLES,
    service_account_pages.SERVICE_ACCOUNTS,
    SUBSCRIPTIONS,
    TIMELINE,
    wallet_pages.ENTRIES,
    wallet_pages.HOLDS,
)

DETAILS: Final[tuple[DetailPage, ...]] = (
    approval_pages.APPROVAL,
    AUDIT_SEAL,
    endpoint_pages.ENDPOINT,
    GRANT,
    payment_event_pages.PAYMENT_EVENT,
    promo_code_pages.PROMO_CODE,
    COMPARISON,
    purchase_pages.PURCHASE,
    wallet_pages.RESERVATION,
)

ACTS: Final[tuple[ActPage, ...]] = (
    account_acts.ACTIVATE,
    account_acts.CLOSE,
    account_acts.GIVE_CREDITS,
    account_acts.REMOVE_CREDITS,
    account_rules.SET_ALERT,
    account_rules.SET_LIMIT,
    account_acts.SET_PLAN,
    account_acts.SUSPEND,
    account_acts.WRITE_OFF,
    approval_pages.APPROVE,
    approval_pages.REJECT,
    approval_pages.WITHDRAW,
    CLEAR_FLAG,
    CREATE_KEY,
    REVOKE_KEY,
    ROTATE_KEY,
    endpoint_acts.CHANGE_ENDPOINT,
    endpoint_acts.CREATE_ENDPOINT,
    endpoint_acts.DELETE_ENDPOINT,
    endpoint_acts.PAUSE,
    endpoint_acts.REPLAY_EVENTS,
    endpoint_acts.RESUME,
    endpoint_acts.ROTATE_SECRET,
    package_pages.CREATE_CREDIT_TYPE,
    package_pages.CREATE_PACKAGE,
    package_pages.RETIRE_PACKAGE,
    payment_event_pages.COMPARE,
    payment_event_pages.DISMISS,
    payment_event_pages.REPLAY,
    promo_code_pages.CREATE_PROMO_CODE,
    promo_code_pages.END_PROMO_CODE,
    promo_code_pages.GENERATE_PROMO_CODES,
    purchase_pages.CANCEL_PURCHASE,
    purchase_pages.INSPECT_PURCHASE,
    purchase_pages.REVERSE_PURCHASE,
    role_pages.GRANT_ROLE,
    role_pages.REVOKE_ROLE,
    service_account_pages.CHANGE_SERVICE_ACCOUNT,
    service_account_pages.CREATE_SERVICE_ACCOUNT,
    service_account_pages.DISABLE_SERVICE_ACCOUNT,
    service_account_pages.ENABLE_SERVICE_ACCOUNT,
    VERIFY_ACCOUNT,
    VERIFY_ALL,
    wallet_pages.REFUND,
    wallet_pages.RETURN_HOLD,
)

Route = tuple[str, str, Callable[[Visit], Awaitable[Response]]]


def declared_routes() -> Iterator[Route]:
    """Yield the method, path and handler of each. What an act is at stands before what is named by an id."""
    for act in ACTS:
        yield "GET", act.path, act_form(act)
        yield "POST", act.path, act_done(act)
    for one in LISTS:
        # Accounts share their path with the search, which shows them where nothing is searched for.
        if one is not ACCOUNTS:
            yield "GET", one.path, list_page(one)
        yield "GET", f"{one.path}.csv", list_file(one)
    for detail in DETAILS:
        yield "GET", detail.path, detail_page(detail)
