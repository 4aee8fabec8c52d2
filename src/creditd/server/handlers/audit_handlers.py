"""AuditService: what was done, and refused; the head of the chain."""

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from credit.v1 import audit_event_pb2
from credit.v1 import audit_service_pb2 as pb
from creditd.domain.controls.audit_event import AuditEvent, AuditOutcome, Document
from creditd.domain.resource_names import audit_event_name
from creditd.server.audit_signature import signed_head
from creditd.server.credit_messages import instant, number, timestamp
from creditd.service.call import Call
from creditd.service.controls.audit_log import AuditLog
from creditd.service.pages import Asked
from creditd.storage.controls.audit import AuditFilter


class AuditHandlers:
    """The audit log, as administrators see it."""

    def __init__(self, log: AuditLog, key: Ed25519PrivateKey | None) -> None:
        """Read ``log``; sign heads with ``key``."""
        self._log = log
        self._key = key

    async def list_audit_events(self, request: pb.ListAuditEventsRequest, call: Call) -> pb.ListAuditEventsResponse:
        """Answer ListAuditEvents."""
        wanted = AuditFilter(
            request.actor,
            request.account_id,
            request.kind,
            AuditOutcome(request.outcome) if request.outcome else None,
            instant(request.start_time, "start_time") if request.HasField("start_time") else None,
            instant(request.end_time, "end_time") if request.HasField("end_time") else None,
        )
        asked = Asked(request.page_size, request.page_token)
        page = await self._log.page(call, wanted, asked, _event_message)
        return pb.ListAuditEventsResponse(audit_events=page.items, next_page_token=page.next_page_token)

    async def get_audit_head(self, request: pb.GetAuditHeadRequest, call: Call) -> pb.GetAuditHeadResponse:
        """Answer GetAuditHead."""
        del request
        head = signed_head(await self._log.head(call), self._key)
        return pb.GetAuditHeadResponse(audit_head=audit_event_pb2.AuditHead(**head._asdict()))


def _event_message(event: AuditEvent) -> audit_event_pb2.AuditEvent:
    fields = event._asdict()
    # A note stands in ``after`` as well.
    for name in ("event_id", "create_time", "outcome", "before", "after", "note"):
        del fields[name]
    return audit_event_pb2.AuditEvent(
        name=audit_event_name(event.event_id),
        create_time=timestamp(event.create_time),
        outcome=number(event.outcome),
        before=_json(event.before),
        after=_json(event.after),
        **fields,
    )


def _json(document: Document | None) -> str:
    return "" if document is None else orjson.dumps(document).decode()
