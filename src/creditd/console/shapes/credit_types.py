"""The service's credit types, by whose decimals amounts are read and written."""

from collections.abc import Mapping

from credit.v1.credit_service_pb2 import ListCreditTypesRequest
from credit.v1.credit_type_pb2 import CreditType
from creditd.console import limits
from creditd.console.visit import Visit


async def credit_types(visit: Visit) -> Mapping[str, CreditType]:
    """Return the credit types, by code: of limits.CREDIT_TYPE_PAGES at most. Raises ServiceRefusal."""
    found: dict[str, CreditType] = {}
    page_token = ""
    for _ in range(limits.CREDIT_TYPE_PAGES):
        request = ListCreditTypesRequest(page_size=limits.CREDIT_TYPES_PAGE_SIZE, page_token=page_token)
        answer = await visit.ask(visit.stubs.credit.ListCreditTypes, request)
        found |= {credit_type.code: credit_type for credit_type in answer.credit_types}
        page_token = answer.next_page_token
        if not page_token:
            break
    return found
