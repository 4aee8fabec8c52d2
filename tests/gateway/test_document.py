"""The commands of docs/gateway.md work as pasted, through a real Envoy (H5)."""

import tempfile
from pathlib import Path

import pytest

from tests.gateway.envoy import ROOT, running_gateway
from tests.support.document_blocks import Block, blocks_of
from tests.support.patience import eventually
from tests.support.terminals import terminals

pytestmark = [pytest.mark.gateway, pytest.mark.requirement("H5")]

DOCUMENT = ROOT / "docs" / "gateway.md"


def test_its_commands_work_as_pasted() -> None:
    """`make gateway` is in the Makefile, and is run here: before the service that the first block starts."""
    first, *blocks = [block for block in blocks_of(DOCUMENT) if block.language == "sh"]
    with tempfile.TemporaryDirectory(prefix="creditd-docs-") as made, terminals(Path(made)) as opened:
        opened.paste(first)
        certificates = Path(made) / ".creditd" / "gateway"
        service, listen = (opened.filled(address) for address in ("127.0.0.1:50051", "127.0.0.1:8443"))
        opened.paste(Block(DOCUMENT, 0, "sh", f"creditd certs dev --folder {certificates}"))
        with running_gateway(Path(made), service, listen=listen, tls_folder=certificates) as gateway:
            eventually(lambda: gateway.health() == 200)
            for block in blocks:
                opened.paste(block)
    assert blocks
