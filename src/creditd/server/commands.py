"""CreditService's requests as the domain has them: each is a command on a wallet."""

from collections.abc import Callable

from credit.v1 import credit_service_pb2 as pb
from creditd.domain.commands import Confirm, Deduct, Extend, Refund, Reserve
from creditd.domain.reservation import parse_reservation_name
from creditd.domain.wallet import WalletKey
from creditd.ledger.work import Step
from creditd.server.requests import expiry, origin, stated_amount, stated_version
from creditd.service.call import Call

MakeId = Callable[[], str]


def reserve(request: pb.ReserveRequest, call: Call, make_id: MakeId) -> Step:
    """Read a ReserveRequest; its reservation is named by ``make_id``. Raises InvalidField, as all of these."""
    expire_time, ttl = expiry(request)
    by = origin(call, request, request.reason)
    version = stated_version(request)
    command = Reserve(by, make_id(), request.amount, expire_time, ttl, version, request.spender_id)
    return Step(WalletKey(request.account_id, request.credit_type), command)


def deduct(request: pb.DeductRequest, call: Call, make_id: MakeId) -> Step:
    """Read a DeductRequest; its reservation is named by ``make_id``."""
    by = origin(call, request, request.reason)
    version = stated_version(request)
    command = Deduct(by, make_id(), request.amount, version, request.spender_id)
    return Step(WalletKey(request.account_id, request.credit_type), command)


def confirm(request: pb.ConfirmRequest, call: Call) -> Step:
    """Read a ConfirmRequest."""
    account_id, credit_type, reservation_id = parse_reservation_name(request.name)
    by = origin(call, request, request.reason)
    amount = stated_amount(request)
    version = stated_version(request)
    return Step(WalletKey(account_id, credit_type), Confirm(by, reservation_id, amount, request.allow_excess, version))


def refund(request: pb.RefundRequest, call: Call) -> Step:
    """Read a RefundRequest."""
    account_id, credit_type, reservation_id = parse_reservation_name(request.name)
    by = origin(call, request, request.reason)
    amount = stated_amount(request)
    version = stated_version(request)
    command = Refund(by, reservation_id, amount, version, request.pending_only)
    return Step(WalletKey(account_id, credit_type), command)


def extend(request: pb.ExtendReservationRequest, call: Call) -> Step:
    """Read an ExtendReservationRequest."""
    account_id, credit_type, reservation_id = parse_reservation_name(request.name)
    expire_time, ttl = expiry(request)
    by = origin(call, request, request.reason)
    version = stated_version(request)
    return Step(WalletKey(account_id, credit_type), Extend(by, reservation_id, expire_time, ttl, version))
