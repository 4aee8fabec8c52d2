"""The description of the API over HTTP is valid, is served, and can be browsed (H5)."""

import json
import re
import subprocess

import httpx
import pytest

from tests.gateway.envoy import ENVIRONMENT, ROOT, Gateway

pytestmark = [pytest.mark.gateway, pytest.mark.requirement("H5")]

DESCRIPTION = ROOT / "generated" / "gateway" / "openapi.json"


def test_it_is_valid_openapi() -> None:
    command = [str(ENVIRONMENT / "bin" / "openapi-spec-validator"), str(DESCRIPTION)]
    judged = subprocess.run(command, capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_it_is_served_to_whoever_asks(gateway: Gateway) -> None:
    with gateway.client({}) as anybody:
        answer = anybody.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == json.loads(DESCRIPTION.read_text(encoding="utf-8"))


def test_it_can_be_browsed_with_nothing_from_elsewhere(gateway: Gateway) -> None:
    with gateway.client({}) as anybody:
        page = anybody.get("/docs", follow_redirects=True)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(linked) == 3
        types = {name: part_of(anybody, name) for name in linked}
    assert types == {
        "swagger-ui.css": "text/css; charset=utf-8",
        "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
        "start.js": "text/javascript; charset=utf-8",
    }


def part_of(anybody: httpx.Client, name: str) -> str:
    """Ask for a file of the page, and return its type."""
    answer = anybody.get(f"/docs/{name}")
    assert answer.status_code == 200
    assert answer.content
    return answer.headers["content-type"]
