"""Take the import of buf/validate out of a descriptor set: from standard input to standard output.

The rules themselves stay, as extensions that nobody has to know.
"""

import sys

from google.protobuf.descriptor_pb2 import FileDescriptorSet

RULES = "buf/validate/validate.proto"


def without_rules(described: FileDescriptorSet) -> FileDescriptorSet:
    """Return the files but that of the rules, none of which imports it."""
    kept = FileDescriptorSet(file=[file for file in described.file if file.name != RULES])
    for file in kept.file:
        imports = [name for name in file.dependency if name != RULES]
        file.ClearField("dependency")
        file.dependency.extend(imports)
    return kept


if __name__ == "__main__":
    read = FileDescriptorSet.FromString(sys.stdin.buffer.read())
    sys.stdout.buffer.write(without_rules(read).SerializeToString(deterministic=True))
