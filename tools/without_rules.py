"""Take the imports that only options need out of a descriptor set: from standard input to standard output.

The rules of fields and the paths of RPCs stay, as extensions that nobody has to know.
"""

import sys

from google.protobuf.descriptor_pb2 import FileDescriptorSet

OPTIONS = frozenset({"buf/validate/validate.proto", "google/api/annotations.proto"})


def without_rules(described: FileDescriptorSet) -> FileDescriptorSet:
    """Return the files but those that declare options, and without any import of them."""
    kept = FileDescriptorSet(file=[file for file in described.file if file.name not in OPTIONS])
    for file in kept.file:
        imports = [name for name in file.dependency if name not in OPTIONS]
        file.ClearField("dependency")
        file.dependency.extend(imports)
    return kept


if __name__ == "__main__":
    read = FileDescriptorSet.FromString(sys.stdin.buffer.read())
    sys.stdout.buffer.write(without_rules(read).SerializeToString(deterministic=True))
