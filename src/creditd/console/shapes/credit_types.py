"""The service's credit types, by whose decimals amounts are read and written."""

from collections.abc import Mapping

from credit.v1.credit_service_pb2 import ListCreditTypesRequest
from credit.v1.credit_type_pb2 import CreditType
from creditd.console import limits
from creditd.console.visit import Visit


async def credit_types(visit: Visit) -> Mapping[str, CreditType]:
    """Return the credit types, by code; at most limits.MAX_CREDIT_TYPES. Raises ServiceRefusal."""
    request = ListCreditTypesRequest(page_size=limits.MAX_CREDIT_TYPES)
    answer = await visit.ask(visit.stubs.credit.ListCreditTypes, request)
    return {credit_type.code: credit_type for credit_type in answer.credit_types}
