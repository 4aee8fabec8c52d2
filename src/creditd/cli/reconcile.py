"""``creditd reconcile``: compares a payment provider with what the service knows, and has it apply what was missed.

The service does so by itself once a day; this is for after an outage. Ends with 1 if a find needs a person.
"""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import payment_admin_service_pb2 as pb
from credit.v1.payment_admin_service_pb2_grpc import PaymentAdminServiceStub
from credit.v1.payment_provider_pb2 import PaymentProvider
from creditd.cli.arguments import Arguments, one_of
from creditd.cli.connection import Identity, add_server_arguments, authorization, channel_to, no_answer, server_of
from creditd.cli.messages import as_json
from creditd.cli.output import DONE, FAILED, remark, say
from creditd.cli.presentation import Presentation, add_output_arguments
from creditd.cli.refusal import explain
from creditd.config import configuration

_PROVIDERS: Final = {
    "stripe": PaymentProvider.PAYMENT_PROVIDER_STRIPE,
    "omise": PaymentProvider.PAYMENT_PROVIDER_OMISE,
    "lemonsqueezy": PaymentProvider.PAYMENT_PROVIDER_LEMON_SQUEEZY,
}


def command(argv: Sequence[str]) -> int:
    """Compare, and print every find and the summary."""
    arguments = command_parser().parsed(argv)
    config = configuration()
    request = pb.ReconcilePaymentsRequest(provider=_PROVIDERS[arguments.provider], since=arguments.since)
    metadata = authorization(arguments.token, Identity("developer", ("ADMIN",)), config)
    server = server_of(arguments, config)
    with channel_to(server) as channel:
        stub: Any = PaymentAdminServiceStub(channel)
        try:
            return _show(stub.ReconcilePayments(request, metadata=metadata), Presentation(arguments))
        except grpc.RpcError as error:
            failure = no_answer(server, error)
            if failure:
                raise failure from error
            remark(explain(error))
            return FAILED


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("reconcile", __doc__)
    parser.add_argument(
        "--provider",
        required=True,
        type=one_of(sorted(_PROVIDERS)),
        metavar="NAME",
        help=f"whom to compare with: {', '.join(sorted(_PROVIDERS))}",
    )
    parser.add_argument(
        "--since", type=_instant, metavar="TIME", help="such as 2026-11-18 or 2026-11-18T09:30:00Z; else three days ago"
    )
    add_server_arguments(parser)
    parser.add_argument("--token", help="a bearer token (CREDITD_CALL_TOKEN), instead of one made now")
    add_output_arguments(parser, "a line for each find")
    return parser


def _instant(text: str) -> Timestamp:
    """Read a time; without a zone it is UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-11-18 or 2026-11-18T09:30:00Z") from error
    stamp = Timestamp()
    stamp.FromDatetime(time if time.tzinfo else time.replace(tzinfo=UTC))
    return stamp


def _show(outcomes: Any, presentation: Presentation) -> int:
    unresolved = 0
    for outcome in outcomes:
        is_find = outcome.WhichOneof("outcome") == "find"
        unresolved = unresolved if is_find else outcome.summary.unresolved
        if presentation.is_json:
            say(as_json(outcome))
        elif is_find:
            find = outcome.find
            state = "applied" if find.applied else "UNRESOLVED"
            say(f"{state:10}  {find.reference}  {find.purchase or '-'}  {find.description}")
        else:
            summary = outcome.summary
            say(f"{summary.compared} compared, {summary.applied} applied, {unresolved} for a person")
    return FAILED if unresolved else DONE
