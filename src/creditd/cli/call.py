"""``creditd call``: any RPC of credit.v1 with JSON, unary or streaming; without a method it lists them all.

The token is made with the key in the data folder unless one is given. Addresses on this machine are called in
plaintext unless --tls, --ca or --cert is given, all others over TLS.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

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
from creditd.cli.methods import all_methods, find_method, full_name, listing
from creditd.cli.output import DONE, FAILED, remark, say
from creditd.cli.refusal import explain
from creditd.config import configuration
from creditd.server.authorization.policy import SERVICE

TIMEOUT_SECONDS: Final = 30.0
"""For a single answer; a stream may last."""


def command(argv: Sequence[str]) -> int:
    """Make a call and print its answer; 1 and an explanation if it is refused."""
    arguments = command_parser().parsed(argv)
    methods = all_methods()
    if arguments.method is None:
        say(listing(methods))
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
    return _call(method, request, server_of(arguments, config), metadata)


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("call", __doc__)
    parser.add_argument("method", nargs="?", metavar="METHOD", help="such as GetBalance or AdminService/AddCredits")
    parser.add_argument("json", nargs="?", default="{}", metavar="JSON", help="the request; - reads standard input")
    add_server_arguments(parser)
    parser.add_argument("--token", help="a bearer token (CREDITD_CALL_TOKEN), instead of one made now")
    parser.add_argument("--subject", default="developer", help="who the token made now is for")
    add_role_arguments(parser)
    return parser


def _call(method: MethodDescriptor, request: Message, server: Server, metadata: Metadata) -> int:
    with channel_to(server) as channel:
        try:
            for answer in _answers(channel, method, request, metadata):
                say(as_json(answer))
        except grpc.RpcError as error:
            failure = no_answer(server, error)
            if failure:
                raise failure from error
            remark(explain(error))
            return FAILED
    return DONE


def _answers(
    channel: grpc.Channel, method: MethodDescriptor, request: Message, metadata: Metadata
) -> Iterable[Message]:
    kind = GetMessageClass(method.output_type)
    codec: dict[str, Any] = {
        "request_serializer": GetMessageClass(method.input_type).SerializeToString,
        "response_deserializer": kind.FromString,
    }
    if method.server_streaming:
        yield from channel.unary_stream(full_name(method), **codec)(request, metadata=metadata)
        return
    call = channel.unary_unary(full_name(method), **codec)
    answer, outcome = call.with_call(request, metadata=metadata, timeout=TIMEOUT_SECONDS)
    if ("replayed", "true") in (outcome.trailing_metadata() or ()):
        remark("replayed: this request id was answered before, and nothing was done again")
    yield answer
