"""``creditd call``: any RPC of credit.v1 with JSON, unary or streaming; without a method it lists them all.

The token is made with the key in the data folder unless one is given. Addresses on this machine are called in
plaintext unless --tls, --ca or --cert is given, all others over TLS.

On a terminal, balances and lists are shown as tables, with amounts by the decimals of their credit type; all else, and
what a program reads, is JSON, with amounts in the smallest unit.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from credit.v1.credit_service_pb2 import ListCreditTypesRequest
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from creditd.cli.answer_cells import has_amounts
from creditd.cli.answer_tables import AnswerTables, is_list
from creditd.cli.arguments import Arguments
from creditd.cli.connection import (
    Identity,
    Metadata,
    Server,
    add_role_arguments,
    add_server_arguments,
    authorization,
    channel_to,
    everybody,
    no_answer,
    server_of,
)
from creditd.cli.messages import add_request_ids, as_json, parse_request
from creditd.cli.methods import all_methods, described, find_method, full_name, listing, names_of
from creditd.cli.output import DONE, FAILED, remark, say, say_styled
from creditd.cli.presentation import Presentation, add_output_arguments
from creditd.cli.printable import json_text
from creditd.cli.refusal import explain
from creditd.config import configuration
from creditd.server.authorization.policy import SERVICE

TIMEOUT_SECONDS: Final = 30.0
"""For a single answer; a stream may last."""

MOST_TYPES: Final = 100
"""Of credit types in a page, which is as many as the service gives."""


def command(argv: Sequence[str]) -> int:
    """Make a call and print its answer; 1 and an explanation if it is refused."""
    arguments = command_parser().parsed(argv)
    presentation = Presentation(arguments)
    methods = all_methods()
    if arguments.method is None:
        say(json_text(described(methods)) if presentation.is_json else listing(methods, presentation.width))
        return DONE
    config = configuration()
    method = find_method(arguments.method, methods)
    text = sys.stdin.read() if arguments.json == "-" else arguments.json
    request = parse_request(method.input_type, text)
    for field, request_id in add_request_ids(request).items():
        remark(f"{field}: {request_id} (generated; send it again and nothing is done twice)")
    identity = everybody(arguments.subject)
    if arguments.role or arguments.scope:
        identity = Identity(arguments.subject, tuple(arguments.role) or (SERVICE,), tuple(arguments.scope))
    metadata = authorization(arguments.token, identity, config)
    call = CommandCall(method, request, metadata)
    return _made(call, server_of(arguments, config), presentation)


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("call", __doc__)
    parser.add_argument("method", nargs="?", metavar="METHOD", help="such as GetBalance or AdminService/AddCredits")
    parser.add_argument("json", nargs="?", default="{}", metavar="JSON", help="the request; - reads standard input")
    add_server_arguments(parser)
    parser.add_argument("--token", help="a bearer token (CREDITD_CALL_TOKEN), instead of one made now")
    parser.add_argument("--subject", default="developer", help="who the token made now is for")
    add_role_arguments(parser)
    parser.completed["method"] = lambda: names_of(all_methods())
    parser.completed["json"] = lambda: ("-",)
    add_output_arguments(parser, "a table of a list on a terminal, else JSON")
    return parser


class CommandCall(NamedTuple):
    """What is called, with what."""

    method: MethodDescriptor
    request: Message
    metadata: Metadata


def _made(call: CommandCall, server: Server, presentation: Presentation) -> int:
    with channel_to(server) as channel:
        try:
            for place, answer in enumerate(_answers(channel, call)):
                if not presentation.is_table(is_list=is_list(call.method)):
                    say(as_json(answer))
                else:
                    _draw(answer, call, channel, presentation, is_first=place == 0)
        except grpc.RpcError as error:
            failure = no_answer(server, error)
            if failure:
                raise failure from error
            remark(explain(error))
            return FAILED
    return DONE


def _answers(channel: grpc.Channel, call: CommandCall) -> Iterable[Message]:
    method = call.method
    kind = GetMessageClass(method.output_type)
    codec: dict[str, Any] = {
        "request_serializer": GetMessageClass(method.input_type).SerializeToString,
        "response_deserializer": kind.FromString,
    }
    if method.server_streaming:
        yield from channel.unary_stream(full_name(method), **codec)(call.request, metadata=call.metadata)
        return
    invoke = channel.unary_unary(full_name(method), **codec)
    answer, outcome = invoke.with_call(call.request, metadata=call.metadata, timeout=TIMEOUT_SECONDS)
    if ("replayed", "true") in (outcome.trailing_metadata() or ()):
        remark("replayed: this request id was answered before, and nothing was done again")
    yield answer


def _draw(
    answer: Message, call: CommandCall, channel: grpc.Channel, presentation: Presentation, *, is_first: bool
) -> None:
    decimals = _decimals(channel, call.metadata) if has_amounts(answer) else {}
    tables = AnswerTables(call.method, call.request, presentation.width, presentation.palette)
    shown = tables.text(answer, decimals)
    say_styled(shown.text if is_first else f"\n{shown.text}")
    for text in shown.remarks:
        remark(text)


def _decimals(channel: grpc.Channel, metadata: Metadata) -> Mapping[str, int]:
    """Return the decimals of each credit type, by its code; none, with a remark, if they cannot be had."""
    types: dict[str, int] = {}
    request = ListCreditTypesRequest(page_size=MOST_TYPES)
    stub: Any = CreditServiceStub(channel)
    try:
        while True:
            page = stub.ListCreditTypes(request, metadata=metadata, timeout=TIMEOUT_SECONDS)
            types |= {found.code: found.decimals for found in page.credit_types}
            if not page.next_page_token:
                return types
            request.page_token = page.next_page_token
    except grpc.RpcError as error:
        remark(
            f"amounts are in the smallest unit, for the credit types cannot be had: {explain(error).splitlines()[0]}"
        )
        return {}
