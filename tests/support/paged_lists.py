"""Which methods answer in pages."""

from google.protobuf.descriptor import MethodDescriptor


def is_paged(method: MethodDescriptor) -> bool:
    """Tell whether a list can be asked for in pages (AIP-158)."""
    asks = {"page_size", "page_token"} <= set(method.input_type.fields_by_name)
    return asks and "next_page_token" in method.output_type.fields_by_name
