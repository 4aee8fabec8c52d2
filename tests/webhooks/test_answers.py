"""What becomes of a webhook decides the status; the answer tells nothing else, and the log tells why."""

import logging
from typing import Any

import pytest
from grpc import StatusCode

from credit.v1.webhook_service_pb2 import IngestResult
from tests.support.patience import eventually
from tests.support.told_service import SECRET, Refused
from tests.support.webhook_adapter import Adapter, running_adapter

OUTCOMES: list[tuple[int, Refused | None, int, str]] = [
    (IngestResult.INGEST_RESULT_STORED, None, 200, "STORED"),
    (IngestResult.INGEST_RESULT_DUPLICATE, None, 200, "DUPLICATE"),
    (IngestResult.INGEST_RESULT_NOT_OF_INTEREST, None, 200, "NOT_OF_INTEREST"),
    (99, None, 200, "99"),
    (IngestResult.INGEST_RESULT_UNSPECIFIED, None, 503, "RESULT_UNSPECIFIED"),
    (0, Refused(StatusCode.INVALID_ARGUMENT, "WEBHOOK_REJECTED"), 400, "WEBHOOK_REJECTED"),
    (0, Refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"), 400, "INVALID_FIELD"),
    (0, Refused(StatusCode.INVALID_ARGUMENT), 400, "INVALID_ARGUMENT"),
    (0, Refused(StatusCode.NOT_FOUND, "PROVIDER_NOT_CONFIGURED"), 404, "PROVIDER_NOT_CONFIGURED"),
    (0, Refused(StatusCode.NOT_FOUND), 503, "NOT_FOUND"),
    (0, Refused(StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED"), 503, "TOKEN_EXPIRED"),
    (0, Refused(StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"), 503, "PERMISSION_DENIED"),
    (0, Refused(StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"), 503, "OVERLOADED"),
    (0, Refused(StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE"), 503, "DATABASE_UNAVAILABLE"),
    (0, Refused(StatusCode.INTERNAL, "INTERNAL"), 503, "INTERNAL"),
    (0, Refused(StatusCode.UNIMPLEMENTED), 503, "UNIMPLEMENTED"),
    (0, Refused(StatusCode.CANCELLED), 503, "CANCELLED"),
    (0, Refused(StatusCode.FAILED_PRECONDITION), 503, "FAILED_PRECONDITION"),
]


def lines(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """Return the lines about webhooks."""
    return [record for record in caplog.records if record.message == "webhook"]


@pytest.mark.requirement("E2", "E7")
def test_each_outcome_has_its_status_and_only_the_log_says_why(
    adapter: Adapter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "creditd.webhooks")
    for result, refusal, status, reason in OUTCOMES:
        adapter.service.result, adapter.service.refusal = result, refusal
        response = adapter.post()
        assert (response.status_code, response.headers.get("retry-after")) == (status, "5" if status == 503 else None)
        assert response.headers["content-type"].startswith("text/plain")
        assert "server" not in response.headers
        assert response.text == f"{response.reason_phrase}\n"
        line = lines(caplog)[-1]
        assert (line.status, line.reason) == (status, reason)
        assert line.levelno == (logging.WARNING if status == 503 else logging.INFO)
    assert SECRET not in caplog.text


@pytest.mark.requirement("I4")
def test_the_line_of_a_webhook_says_all_but_what_it_says(adapter: Adapter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "creditd.webhooks")
    adapter.post("/webhooks/omise", b"the body", headers={"omise-signature": "the signature"})
    line = eventually(lambda: lines(caplog))[0]
    assert (line.provider, line.status, line.reason, line.size) == ("omise", 200, "STORED", 8)
    assert line.remote_address == "127.0.0.1"
    assert 0 < line.seconds < 30
    assert line.correlation_id == adapter.service.taken[0].metadata["x-correlation-id"]
    assert "the body" not in str(vars(line))
    assert "the signature" not in str(vars(line))


@pytest.mark.requirement("E2")
@pytest.mark.parametrize("path", ["/", "/webhooks", "/webhooks/", "/webhooks/paypal", "/webhooks/stripe/", "/docs"])
def test_other_paths_are_not_there_and_nothing_is_redirected(adapter: Adapter, path: str) -> None:
    assert adapter.post(path).status_code == 404
    assert adapter.http.get(path).status_code == 404
    assert adapter.service.taken == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_told_which_one_it_is(adapter: Adapter, method: str) -> None:
    response = adapter.http.request(method, "/webhooks/stripe")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert adapter.http.post("/healthz").status_code == 405


@pytest.mark.requirement("E7")
def test_a_defect_is_not_stored_and_its_text_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> str:
        raise ValueError(SECRET)

    with running_adapter(token=broken) as adapter:
        assert adapter.post().status_code == 503
    complaint = next(record for record in caplog.records if record.levelno == logging.ERROR)
    assert vars(complaint)["error"] == "ValueError"
    assert "in broken" in vars(complaint)["where"]
    assert lines(caplog)[-1].reason == "UNEXPECTED"
    assert SECRET not in str([vars(record) for record in caplog.records])
