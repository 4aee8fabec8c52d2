"""Which handler answers which RPC. The names say it: GetBalance is answered by get_balance."""

import re
from collections.abc import Container, Iterable

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from creditd.server.contexts import method_handler
from creditd.server.pipeline import Steps


def snake_case(name: str) -> str:
    """Turn an RPC's name into its handler's."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def service_handler(
    service: ServiceDescriptor, handlers: Iterable[object], steps: Steps, without: Container[str] = ()
) -> grpc.GenericRpcHandler:
    """Return what grpc serves a service with, ``without`` some RPCs, by their names: these are UNIMPLEMENTED.

    Raises LookupError if an RPC has no handler, or more than one.
    """
    methods = {}
    for method in service.methods:
        if method.name in without:
            continue
        name = snake_case(method.name)
        found = [getattr(handler, name) for handler in handlers if hasattr(handler, name)]
        if len(found) != 1:
            message = f"{service.full_name}/{method.name} has {len(found)} handlers"
            raise LookupError(message)
        methods[method.name] = method_handler(method, found[0], steps)
    return grpc.method_handlers_generic_handler(service.full_name, methods)
