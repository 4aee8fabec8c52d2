"""StatementService: receipts of purchases and of their refunds."""

from typing import Final

from credit.v1 import statement_service_pb2 as pb
from creditd.domain.payments.purchase import parse_purchase_name
from creditd.domain.usage.usage_periods import zone_of
from creditd.server.statements.call_places import CallPlaces
from creditd.server.statements.printer import MAX_WAITING, Printer
from creditd.server.statements.receipt import Receipts
from creditd.server.statements.words import WORDS
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.payments.purchase_reader import PurchaseReader

RECEIPTS_OF_A_CALLER: Final = 4
"""Each takes its turn, and one caller is not to have them all."""


class ReceiptHandlers:
    """Receipts, each drawn when it is asked for."""

    def __init__(self, reader: PurchaseReader, catalogue: Catalogue, printer: Printer) -> None:
        """Look purchases up with ``reader``, draw with ``printer``."""
        self._reader = reader
        self._catalogue = catalogue
        self._printer = printer
        self._places = CallPlaces("receipts of the caller", RECEIPTS_OF_A_CALLER, MAX_WAITING)

    async def get_receipt(self, request: pb.GetReceiptRequest, call: Call) -> pb.GetReceiptResponse:
        """Answer GetReceipt. When the caller is gone, none is drawn."""
        language, zone = request.language or call.language, zone_of(request.time_zone)
        purchase, changes = await self._reader.get(parse_purchase_name(request.name))
        types = await self._catalogue.known([purchase.credit_type])
        receipts = Receipts(language, WORDS[language], zone)
        is_refund = request.kind == pb.RECEIPT_KIND_REFUND
        write = receipts.of_refund if is_refund else receipts.of_payment
        document = write(purchase, changes, types[purchase.credit_type])
        with self._places.place(call.subject):
            async with self._printer.press() as press:
                return pb.GetReceiptResponse(data=await press.printed(document))
