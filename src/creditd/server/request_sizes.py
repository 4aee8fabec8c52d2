"""How large a request may be, method by method: what a lawful request needs, and not what a server could bear."""

from collections.abc import Mapping
from typing import Final

CALL_BYTES: Final = 16 * 1024
"""Of a call about one thing. The longest lawful request has about 10 kB, such as labels of 4 kB and a few texts."""

LARGEST_BYTES: Final = 1024 * 1024
"""Of a batch: 1,000 requests of 1 kB each. Its answer holds what each request brought along twice, with its reservation
and with its entry, and has to fit into the 4 MB that clients take by default, or what was done could never be told. Of
a webhook: a body of 256 kB, and its headers."""

RUN_BYTES: Final = 64 * 1024 + CALL_BYTES
"""Of a run: its input of 64 kB, and the rest of a call."""

_BYTES: Final[Mapping[str, int]] = {
    "/credit.v1.CreditService/BatchReserve": LARGEST_BYTES,
    "/credit.v1.CreditService/BatchConfirm": LARGEST_BYTES,
    "/credit.v1.CreditService/BatchDeduct": LARGEST_BYTES,
    "/credit.v1.CreditService/BatchGetBalances": LARGEST_BYTES,
    "/credit.v1.WebhookService/IngestWebhook": LARGEST_BYTES,
    "/credit.v1.WorkflowService/RunWorkflow": RUN_BYTES,
}


def largest_request(method: str) -> int:
    """Return the most bytes that a request of a method (``/package.Service/Method``) may have."""
    return _BYTES.get(method, CALL_BYTES)
