"""The rules that the protos declare: generated code carries them, but has no types for them."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

ROOT = Path(__file__).parents[2]
BUF = Path(sys.executable).with_name("buf")


@cache
def _pool() -> DescriptorPool:
    command = [str(BUF), "build", "protos", "--as-file-descriptor-set", "--output", "-#format=binpb"]
    built = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(built.stdout).file:
        pool.Add(file)
    return pool


def rules_of(field: FieldDescriptor) -> Any:
    """Return the rules of a field: a buf.validate.FieldRules, empty if it has none."""
    options = GetMessageClass(_pool().FindMessageTypeByName("google.protobuf.FieldOptions"))
    known: Any = options.FromString(field.GetOptions().SerializeToString())
    return known.Extensions[_pool().FindExtensionByName("buf.validate.field")]


def path_of(method: MethodDescriptor) -> Any:
    """Return the path of an RPC over HTTP: a google.api.HttpRule, None if it has none."""
    options = GetMessageClass(_pool().FindMessageTypeByName("google.protobuf.MethodOptions"))
    known: Any = options.FromString(method.GetOptions().SerializeToString())
    rule = _pool().FindExtensionByName("google.api.http")
    return known.Extensions[rule] if known.HasExtension(rule) else None
