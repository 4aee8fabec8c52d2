"""The RPCs of credit.v1, read from the generated code, so that a new one needs no change here."""

import pkgutil
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib import import_module
from itertools import groupby
from typing import Any, Final

from google.protobuf.descriptor import MethodDescriptor

from creditd.cli.help_text import wrapped
from creditd.cli.output import MISUSED, CommandFailure

_ONE_LINE_COLUMNS: Final = 10_000
"""More than the fields of any request take."""

PACKAGE: Final = "credit.v1"


def all_methods() -> list[MethodDescriptor]:
    """Return every RPC, service by service, in the order of the protos."""
    return list(_methods())


def _methods() -> Iterator[MethodDescriptor]:
    names = sorted(module.name for module in pkgutil.iter_modules(import_module(PACKAGE).__path__))
    for name in names:
        if name.endswith("_service_pb2"):
            for service in import_module(f"{PACKAGE}.{name}").DESCRIPTOR.services_by_name.values():
                yield from service.methods


def find_method(name: str, methods: Sequence[MethodDescriptor]) -> MethodDescriptor:
    """Return the RPC called ``Method``, ``Service/Method`` or ``package.Service/Method``, in any case of letters.

    Raises CommandFailure, with what may have been meant.
    """
    wanted = name.strip("/").lower()
    found = [method for method in methods if wanted in _names(method)]
    if len(found) == 1:
        return found[0]
    if found:
        meant = " or ".join(f"{method.containing_service.name}/{method.name}" for method in found)
        raise CommandFailure(f"{name} is in several services: say {meant}", MISUSED)
    known = {method.name.lower(): method.name for method in methods}
    near = [known[match] for match in get_close_matches(wanted.rpartition("/")[2], known, 3)]
    hint = f"did you mean {' or '.join(near)}?" if near else "`creditd call` lists all of them"
    raise CommandFailure(f"there is no RPC {name}; {hint}", MISUSED)


def _names(method: MethodDescriptor) -> set[str]:
    service = method.containing_service
    return {text.lower() for text in (method.name, f"{service.name}/{method.name}", full_name(method).strip("/"))}


def names_of(methods: Sequence[MethodDescriptor]) -> Iterator[str]:
    """Yield the name of each RPC, with its service where others have one of that name."""
    counts = Counter(method.name for method in methods)
    for method in methods:
        yield method.name if counts[method.name] == 1 else f"{method.containing_service.name}/{method.name}"


def full_name(method: MethodDescriptor) -> str:
    """Return the RPC's path on the wire."""
    return f"/{method.containing_service.full_name}/{method.name}"


def listing(methods: Sequence[MethodDescriptor], width: int) -> str:
    """Return all RPCs with the fields of their requests, which go on in the next line where a terminal ends."""
    lines: list[str] = []
    longest = max(len(method.name) for method in methods)
    # Beside a long name there would be no room: the fields go under it.
    is_narrow = width < 2 * longest
    for service, group in groupby(methods, key=lambda method: method.containing_service.full_name):
        lines += ["", service]
        for method in group:
            streams = "(streams) " if method.server_streaming else ""
            fields = streams + " ".join(field.name for field in method.input_type.fields)
            start = f"  {method.name}\n" if is_narrow else f"  {method.name:{longest}}  "
            indent = " " * (4 if is_narrow else len(start))
            rest = f"\n{indent}".join(wrapped(fields, min(width, _ONE_LINE_COLUMNS) - len(indent)))
            lines.append((start + (indent if is_narrow else "") + rest).rstrip())
    return "\n".join(lines[1:])


def described(methods: Sequence[MethodDescriptor]) -> list[dict[str, Any]]:
    """Return all RPCs with the fields of their requests, for programs."""
    return [
        {
            "method": full_name(method).strip("/"),
            "streams": method.server_streaming,
            "fields": [field.name for field in method.input_type.fields],
        }
        for method in methods
    ]
