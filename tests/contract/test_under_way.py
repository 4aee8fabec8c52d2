"""What becomes of a call whose caller gave up, or asked again, while it was under way (A7, H3)."""

import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from tests.contract.at_once import was_replayed
from tests.support.answers import lasting
from tests.support.customer import Customer
from tests.support.held_up import held_up
from tests.support.patience import eventually
from tests.support.refusals import refused


@pytest.mark.requirement("A7")
def test_a_repeat_while_the_first_call_still_runs_waits_for_its_answer(customer: Customer) -> None:
    customer.top_up(100)
    request = customer.reserving(10)
    call = customer.app.credit.Reserve.with_call
    with ThreadPoolExecutor(2) as pool:
        with held_up(customer) as until_it_waits:
            first = pool.submit(call, request)
            until_it_waits()
            second = pool.submit(call, request)
            ledger = customer.service.core.ledger
            eventually(lambda: ledger.waiting == 1)
        answer, made = first.result()
        again, repeated = second.result()
    assert lasting(again) == lasting(answer)
    assert (was_replayed(made), was_replayed(repeated)) == (False, True)
    assert customer.figures() == (90, 10)


@pytest.mark.requirement("A7")
def test_a_call_that_has_begun_is_finished_though_its_caller_gave_up(customer: Customer) -> None:
    """The caller who asks again under the same request id hears what came of it."""
    customer.top_up(100)
    request = customer.reserving(10)
    with held_up(customer) as until_it_waits, ThreadPoolExecutor(1) as pool:
        given_up = pool.submit(refused, customer.app.credit.Reserve, request, timeout=2.0)
        until_it_waits()
        assert given_up.result().code == grpc.StatusCode.DEADLINE_EXCEEDED
    answer, call = customer.app.credit.Reserve.with_call(request)
    assert was_replayed(call)
    assert answer.balance.available == 90
    assert customer.figures() == (90, 10)


@pytest.mark.requirement("A7")
def test_a_cancelled_call_that_has_begun_is_finished(customer: Customer) -> None:
    customer.top_up(100)
    request = customer.deducting(10)
    with held_up(customer) as until_it_waits:
        call = customer.app.credit.Deduct.future(request)
        until_it_waits()
        call.cancel()
    eventually(lambda: customer.figures() == (90, 0))
    assert was_replayed(customer.app.credit.Deduct.with_call(request)[1])


@pytest.mark.requirement("H3")
def test_a_call_whose_deadline_passes_before_its_batch_starts_has_no_effect(customer: Customer) -> None:
    """Not even later, when the ledger comes to it."""
    customer.top_up(100)
    late = customer.deducting(50)
    with ThreadPoolExecutor(1) as pool:
        with held_up(customer) as until_it_waits:
            first = pool.submit(customer.deduct, 10)
            until_it_waits()
            given_up = customer.app.credit.Deduct.future(late, timeout=1.0)
            eventually(lambda: customer.service.core.ledger.waiting == 1)
            arrived = time.monotonic()
            assert given_up.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            # The server counts from when the call arrived, later than its caller.
            time.sleep(max(0.0, arrived + 1.1 - time.monotonic()))
        first.result()
    assert customer.deduct(1).balance.available == 89
    assert customer.kinds() == ["DEDUCT", "DEDUCT", "ADMIN_ADD"]
    assert not was_replayed(customer.app.credit.Deduct.with_call(late)[1])


@pytest.mark.requirement("A7", "H3")
def test_a_deadline_too_short_for_anything_leaves_nothing_half_done(customer: Customer) -> None:
    """Whatever the caller heard, asking again settles it, and it has happened once."""
    customer.top_up(100)
    requests = [customer.deducting(1) for _ in range(30)]
    for number, request in enumerate(requests):
        try:
            customer.app.credit.Deduct(request, timeout=0.0005 * (number % 10))
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED  # noqa: PT017 - either outcome is right.
    for request in requests:
        customer.app.credit.Deduct(request)
    assert customer.figures() == (70, 0)
    assert customer.balance().version == 31


def test_reads_go_on_while_a_batch_waits(customer: Customer) -> None:
    customer.top_up(100)
    with ThreadPoolExecutor(1) as pool:
        with held_up(customer) as until_it_waits:
            first = pool.submit(customer.deduct, 10)
            until_it_waits()
            assert customer.figures() == (100, 0)
            assert len(customer.entries()) == 1
        assert first.result().balance.available == 90
