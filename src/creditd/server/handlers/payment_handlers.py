"""PaymentService: packages listed, purchases made and looked up; and WebhookService: webhooks taken in."""

from credit.v1 import payment_service_pb2 as pb
from credit.v1 import webhook_service_pb2 as webhook_pb
from creditd.domain.payments.provider import PaymentMethod, Provider
from creditd.domain.payments.purchase import PurchaseState, parse_purchase_name
from creditd.payments.provider import Webhook
from creditd.server.credit_messages import number, write_time
from creditd.server.payment_messages import change_message, package_message, purchase_message
from creditd.server.requests import origin
from creditd.service.call import Call
from creditd.service.pages import Asked
from creditd.service.payments.inbox import Inbox
from creditd.service.payments.packages import Packages
from creditd.service.payments.purchase_reader import PurchaseReader
from creditd.service.payments.purchases import Purchases, Wanted
from creditd.storage.payments.purchases import PurchaseFilter


class PurchaseHandlers:
    """Packages and purchases."""

    def __init__(self, packages: Packages, purchases: Purchases, reader: PurchaseReader) -> None:
        """Answer from these."""
        self._packages = packages
        self._purchases = purchases
        self._reader = reader

    async def list_packages(self, request: pb.ListPackagesRequest, call: Call) -> pb.ListPackagesResponse:
        """Answer ListPackages."""
        del call
        asked = Asked(request.page_size, request.page_token)
        page = await self._packages.list(asked, package_message, retired=request.show_retired)
        return pb.ListPackagesResponse(packages=page.items, next_page_token=page.next_page_token)

    async def create_purchase(self, request: pb.CreatePurchaseRequest, call: Call) -> pb.CreatePurchaseResponse:
        """Answer CreatePurchase."""
        wanted = Wanted(
            request.account_id,
            request.package_id,
            Provider(request.provider),
            PaymentMethod(request.method) if request.method else None,
            request.card_token,
            request.return_url,
            request.promo_code,
        )
        purchase, call.replayed = await self._purchases.create(wanted, origin(call, request, ""))
        return pb.CreatePurchaseResponse(purchase=purchase_message(purchase))

    async def get_purchase(self, request: pb.GetPurchaseRequest, call: Call) -> pb.GetPurchaseResponse:
        """Answer GetPurchase."""
        del call
        key = parse_purchase_name(request.name)
        purchase, changes = await self._reader.get(key)
        answer = pb.GetPurchaseResponse(purchase=purchase_message(purchase), changes=map(change_message, changes))
        if purchase.next_poll_time is not None:
            write_time(answer.next_poll_time, purchase.next_poll_time)
        return answer

    async def list_purchases(self, request: pb.ListPurchasesRequest, call: Call) -> pb.ListPurchasesResponse:
        """Answer ListPurchases."""
        del call
        wanted = PurchaseFilter(request.account_id, PurchaseState(request.state) if request.state else None)
        asked = Asked(request.page_size, request.page_token)
        page = await self._reader.page(wanted, asked, purchase_message)
        return pb.ListPurchasesResponse(purchases=page.items, next_page_token=page.next_page_token)

    async def cancel_purchase(self, request: pb.CancelPurchaseRequest, call: Call) -> pb.CancelPurchaseResponse:
        """Answer CancelPurchase."""
        by = origin(call, request, request.reason)
        purchase, call.replayed = await self._purchases.cancel(parse_purchase_name(request.name), by)
        return pb.CancelPurchaseResponse(purchase=purchase_message(purchase))


class WebhookHandlers:
    """Webhooks from the adapter."""

    def __init__(self, inbox: Inbox) -> None:
        """Hand them to the inbox."""
        self._inbox = inbox

    async def ingest_webhook(
        self, request: webhook_pb.IngestWebhookRequest, call: Call
    ) -> webhook_pb.IngestWebhookResponse:
        """Answer IngestWebhook."""
        del call
        headers: dict[str, str] = {}
        for header in request.headers:
            # One that comes several times is one list of values (RFC 9110, 5.3).
            headers[header.name] = f"{headers[header.name]}, {header.value}" if header.name in headers else header.value
        webhook = Webhook(request.body, headers)
        result = await self._inbox.ingest(Provider(request.provider), webhook, request.remote_address)
        return webhook_pb.IngestWebhookResponse(result=number(result))
