"""What the protos say: messages and RPCs with their comments, rules and paths."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor, OneofDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

PACKAGE = "credit.v1"

_FIELD, _NESTED, _METHOD = 2, 3, 2
_MESSAGE_OF_FILE, _ENUM_OF_FILE, _SERVICE_OF_FILE = 4, 5, 6
"""The numbers of these in descriptor.proto: a comment's place is a path of them."""


class Protos:
    """A descriptor set that was built with comments."""

    def __init__(self, described: FileDescriptorSet) -> None:
        """Take a set in which what a file imports stands before it."""
        self._pool = DescriptorPool()
        self._comments: dict[str, str] = {}
        self._files = [file.name for file in described.file if file.package == PACKAGE]
        for file in described.file:
            self._pool.Add(file)
            self._comments |= _comments_of(file)

    def services(self) -> Iterator[ServiceDescriptor]:
        """Yield the services by name."""
        found = [service for file in self._files for service in self._services_of(file)]
        yield from sorted(found, key=lambda service: service.name)

    def _services_of(self, file: str) -> list[ServiceDescriptor]:
        return list(self._pool.FindFileByName(file).services_by_name.values())

    def comment_of(self, what: Any) -> str:
        """Return the comment before something that has a full name, on one line a paragraph."""
        paragraphs = self._comments.get(what.full_name, "").split("\n\n")
        return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).strip()

    def http_of(self, method: MethodDescriptor) -> Any:
        """Return a google.api.HttpRule; None if the RPC has no path."""
        options = self._known("google.protobuf.MethodOptions", method)
        rule = self._pool.FindExtensionByName("google.api.http")
        return options.Extensions[rule] if options.HasExtension(rule) else None

    def rules_of(self, field: FieldDescriptor) -> Any:
        """Return the rules of a field: a buf.validate.FieldRules, empty if it has none."""
        options = self._known("google.protobuf.FieldOptions", field)
        return options.Extensions[self._pool.FindExtensionByName("buf.validate.field")]

    def is_required(self, oneof: OneofDescriptor) -> bool:
        """Tell whether one of a oneof's fields has to be set."""
        options = self._known("google.protobuf.OneofOptions", oneof)
        return bool(options.Extensions[self._pool.FindExtensionByName("buf.validate.oneof")].required)

    def _known(self, kind: str, what: Any) -> Any:
        # The options of a descriptor are of classes that know no extension; these know those of the set.
        return GetMessageClass(self._pool.FindMessageTypeByName(kind)).FromString(what.GetOptions().SerializeToString())


def oneofs_of(message: Descriptor) -> list[OneofDescriptor]:
    """Return the oneofs that are written as such; that of an optional field has a name that begins with `_`."""
    return [oneof for oneof in message.oneofs if not oneof.name.startswith("_")]


def _comments_of(file: FileDescriptorProto) -> dict[str, str]:
    names = dict(_names_of(file))
    located = ((tuple(place.path), place.leading_comments) for place in file.source_code_info.location)
    return {names[path]: comment for path, comment in located if comment and path in names}


def _names_of(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    for number, message in enumerate(file.message_type):
        yield from _names_in(message, (_MESSAGE_OF_FILE, number), f"{file.package}.{message.name}")
    for number, enum in enumerate(file.enum_type):
        yield (_ENUM_OF_FILE, number), f"{file.package}.{enum.name}"
    for number, service in enumerate(file.service):
        name = f"{file.package}.{service.name}"
        yield (_SERVICE_OF_FILE, number), name
        for place, method in enumerate(service.method):
            yield (_SERVICE_OF_FILE, number, _METHOD, place), f"{name}.{method.name}"


def _names_in(message: Any, path: tuple[int, ...], name: str) -> Iterator[tuple[tuple[int, ...], str]]:
    yield path, name
    for number, field in enumerate(message.field):
        yield (*path, _FIELD, number), f"{name}.{field.name}"
    for number, nested in enumerate(message.nested_type):
        yield from _names_in(nested, (*path, _NESTED, number), f"{name}.{nested.name}")
