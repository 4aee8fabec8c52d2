"""EventEndpointService: where events are delivered to."""

from collections.abc import Awaitable

from credit.v1 import event_endpoint_pb2 as endpoint_pb
from credit.v1 import event_endpoint_service_pb2 as pb
from creditd.domain.errors import InvalidField
from creditd.domain.events.event_endpoint import EventEndpoint
from creditd.domain.instant import Instant
from creditd.domain.resource_names import event_name, id_in
from creditd.server.acts import act_of
from creditd.server.credit_messages import timestamp
from creditd.server.requests import stated_version
from creditd.service.call import Call
from creditd.service.events.event_endpoints import EventEndpoints, KeptEndpoint
from creditd.service.pages import Asked
from creditd.storage.events.delivery_attempts import DeadLetter, DeliveryAttempt


class EventEndpointHandlers:
    """Endpoints, kept and shown."""

    def __init__(self, endpoints: EventEndpoints) -> None:
        """Act by ``endpoints``."""
        self._endpoints = endpoints

    async def create_event_endpoint(
        self, request: pb.CreateEventEndpointRequest, call: Call
    ) -> pb.CreateEventEndpointResponse:
        """Answer CreateEventEndpoint."""
        wanted, act = _wanted(request.event_endpoint), act_of(call, request)
        kept = await _kept(call, self._endpoints.create(wanted, act, dry_run=request.validate_only))
        return pb.CreateEventEndpointResponse(event_endpoint=endpoint_message(kept.endpoint), secret=kept.secret)

    async def get_event_endpoint(self, request: pb.GetEventEndpointRequest, call: Call) -> pb.GetEventEndpointResponse:
        """Answer GetEventEndpoint."""
        del call
        endpoint = await self._endpoints.get(id_in(request.name))
        return pb.GetEventEndpointResponse(event_endpoint=endpoint_message(endpoint))

    async def list_event_endpoints(
        self, request: pb.ListEventEndpointsRequest, call: Call
    ) -> pb.ListEventEndpointsResponse:
        """Answer ListEventEndpoints."""
        del call
        page = await self._endpoints.page(Asked(request.page_size, request.page_token), endpoint_message)
        return pb.ListEventEndpointsResponse(event_endpoints=page.items, next_page_token=page.next_page_token)

    async def update_event_endpoint(
        self, request: pb.UpdateEventEndpointRequest, call: Call
    ) -> pb.UpdateEventEndpointResponse:
        """Answer UpdateEventEndpoint."""
        wanted, act = _wanted(request.event_endpoint), act_of(call, request)
        updating = self._endpoints.update(wanted, act, stated_version(request), dry_run=request.validate_only)
        kept = await _kept(call, updating)
        return pb.UpdateEventEndpointResponse(event_endpoint=endpoint_message(kept.endpoint))

    async def delete_event_endpoint(
        self, request: pb.DeleteEventEndpointRequest, call: Call
    ) -> pb.DeleteEventEndpointResponse:
        """Answer DeleteEventEndpoint."""
        kept = await _kept(call, self._endpoints.delete(id_in(request.name), act_of(call, request)))
        return pb.DeleteEventEndpointResponse(event_endpoint=endpoint_message(kept.endpoint))

    async def rotate_event_endpoint_secret(
        self, request: pb.RotateEventEndpointSecretRequest, call: Call
    ) -> pb.RotateEventEndpointSecretResponse:
        """Answer RotateEventEndpointSecret."""
        kept = await _kept(call, self._endpoints.rotate(id_in(request.name), act_of(call, request)))
        return pb.RotateEventEndpointSecretResponse(event_endpoint=endpoint_message(kept.endpoint), secret=kept.secret)

    async def pause_event_endpoint(
        self, request: pb.PauseEventEndpointRequest, call: Call
    ) -> pb.PauseEventEndpointResponse:
        """Answer PauseEventEndpoint."""
        kept = await _kept(call, self._endpoints.pause(id_in(request.name), act_of(call, request)))
        return pb.PauseEventEndpointResponse(event_endpoint=endpoint_message(kept.endpoint))

    async def resume_event_endpoint(
        self, request: pb.ResumeEventEndpointRequest, call: Call
    ) -> pb.ResumeEventEndpointResponse:
        """Answer ResumeEventEndpoint."""
        kept = await _kept(call, self._endpoints.resume(id_in(request.name), act_of(call, request)))
        return pb.ResumeEventEndpointResponse(event_endpoint=endpoint_message(kept.endpoint))

    async def replay_events(self, request: pb.ReplayEventsRequest, call: Call) -> pb.ReplayEventsResponse:
        """Answer ReplayEvents."""
        endpoint_id, act, is_after = id_in(request.name), act_of(call, request), request.HasField("after_position")
        if is_after == bool(request.positions):
            raise InvalidField(field="positions", rule="either these or after_position")
        if is_after:
            replaying = self._endpoints.replay_after(endpoint_id, act, request.after_position)
        else:
            replaying = self._endpoints.replay(endpoint_id, act, tuple(request.positions))
        kept = await _kept(call, replaying)
        return pb.ReplayEventsResponse(event_endpoint=endpoint_message(kept.endpoint))

    async def list_delivery_attempts(
        self, request: pb.ListDeliveryAttemptsRequest, call: Call
    ) -> pb.ListDeliveryAttemptsResponse:
        """Answer ListDeliveryAttempts."""
        del call
        asked = Asked(request.page_size, request.page_token)
        page = await self._endpoints.attempts(id_in(request.name), asked, attempt_message)
        return pb.ListDeliveryAttemptsResponse(delivery_attempts=page.items, next_page_token=page.next_page_token)

    async def list_dead_letters(self, request: pb.ListDeadLettersRequest, call: Call) -> pb.ListDeadLettersResponse:
        """Answer ListDeadLetters."""
        del call
        asked = Asked(request.page_size, request.page_token)
        page = await self._endpoints.dead_letters(id_in(request.name), asked, dead_letter_message)
        return pb.ListDeadLettersResponse(dead_letters=page.items, next_page_token=page.next_page_token)


async def _kept(call: Call, acting: Awaitable[KeptEndpoint]) -> KeptEndpoint:
    kept = await acting
    call.replayed = kept.replayed
    return kept


def _wanted(message: endpoint_pb.EventEndpoint) -> EventEndpoint:
    return EventEndpoint(
        "",
        id_in(message.name),
        message.url,
        message.description,
        tuple(sorted(message.types)),
        message.account_id,
        message.credit_type,
        paused=False,
        position=0,
        version=0,
        create_time=Instant(0),
        update_time=Instant(0),
        active_time=Instant(0),
    )


def endpoint_message(endpoint: EventEndpoint) -> endpoint_pb.EventEndpoint:
    """Write an endpoint."""
    message = endpoint_pb.EventEndpoint(
        name=endpoint.name,
        url=endpoint.url,
        description=endpoint.description,
        types=endpoint.kinds,  # type: ignore[arg-type]
        account_id=endpoint.account_id,
        credit_type=endpoint.credit_type,
        paused=endpoint.paused,
        position=endpoint.position,
        version=endpoint.version,
        create_time=timestamp(endpoint.create_time),
        update_time=timestamp(endpoint.update_time),
    )
    if endpoint.rotation_end is not None:
        message.rotation_end_time.CopyFrom(timestamp(endpoint.rotation_end))
    return message


def attempt_message(attempt: DeliveryAttempt) -> endpoint_pb.DeliveryAttempt:
    """Write an attempt."""
    return endpoint_pb.DeliveryAttempt(
        position=attempt.position,
        event=event_name(attempt.account_id, attempt.event_id),
        type=attempt.kind,  # type: ignore[arg-type]
        number=attempt.number,
        status=attempt.status,
        problem=attempt.problem,
        begin_time=timestamp(attempt.begin_time),
        duration_milliseconds=attempt.milliseconds,
    )


def dead_letter_message(letter: DeadLetter) -> endpoint_pb.DeadLetter:
    """Write a dead letter."""
    return endpoint_pb.DeadLetter(
        position=letter.position,
        event=event_name(letter.account_id, letter.event_id),
        type=letter.kind,  # type: ignore[arg-type]
        attempts=letter.attempts,
        problem=letter.problem,
        begin_time=timestamp(letter.begin_time),
    )
