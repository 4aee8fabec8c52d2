"""The figures that are computed: percentiles, medians, context switches, and what is reached of a target."""

import json
import threading
import time
from os import getpid
from typing import Any

import pytest

from tests.bench import requests
from tests.bench.cpu import CpuSeconds
from tests.bench.figures import Figures, Row, summaries, summary
from tests.bench.job import Job, Outcome
from tests.bench.latency import Latencies, quantile
from tests.bench.plan import BATCHED, FULL, GET_BALANCE, HOT, MIX, MODES, RESERVE, UNIFORM, narrowed
from tests.bench.report import COLUMNS, Ledger, line
from tests.bench.steady import Minute, Sample, calls_of, minute, slopes
from tests.bench.switches import switched, switches
from tests.bench.targets import TARGETS, verdicts
from tests.bench.transport import environment, transport_in
from tests.bench.trend import trend

_FIGURES = Figures(*range(1, 13))


def _figures(**given: float) -> Figures:
    return _FIGURES._replace(**given)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1), (0.5, 50), (0.501, 51), (0.99, 99), (0.999, 100), (1.0, 100)]
)
def test_a_quantile_is_the_least_value_that_the_share_does_not_exceed(share: float, expected: float) -> None:
    assert quantile(range(1, 101), share) == expected
    counted = Latencies()
    for milliseconds in range(1, 101):
        counted.add(milliseconds / 1_000)
    assert counted.quantile_ms(share) == pytest.approx(expected, rel=0.01)


def test_of_nothing_every_quantile_is_nothing() -> None:
    assert quantile([], 0.5) == Latencies().quantile_ms(0.5) == 0


def test_a_median_is_of_each_figure_by_itself() -> None:
    runs = [_figures(rate=rate, p99_ms=p99_ms) for rate, p99_ms in ((10, 3), (30, 1), (20, 2))]
    found = summary(runs)
    assert (found.median.rate, found.least.rate, found.most.rate) == (20, 10, 30)
    assert (found.median.p99_ms, found.least.p99_ms, found.most.p99_ms) == (2, 1, 3)


def test_runs_of_a_row_are_put_together_and_rows_stay_apart() -> None:
    one, other = Row(UNIFORM, 64, "queue", RESERVE), Row(UNIFORM, 64, "grpc.aio", RESERVE)
    found = summaries([(one, _figures(rate=1)), (other, _figures(rate=5)), (one, _figures(rate=3))])
    assert [(row.served_by, each.median.rate) for row, each in found.items()] == [("queue", 2), ("grpc.aio", 5)]


def _reached(row: Row, **given: float) -> dict[str, dict[str, bool]]:
    found = {row: summary([_figures(**given)])}
    return {verdict.target.figure: verdict.reached for verdict in verdicts(found)}


def test_each_level_of_a_target_is_reached_or_missed_by_itself() -> None:
    row = Row(UNIFORM, 64, "queue", RESERVE)
    reached = _reached(row, ratio=1.8, p99_ms=25.0, server_us=130.1, machine_us=220.0, switches=0.81)
    assert reached["ratio"] == {"least": True, "two_cores": True, "aim": False}
    assert reached["p99_ms"] == {"least": True, "aim": False}
    assert reached["server_us"] == {"least": False}
    assert reached["machine_us"] == {"least": True}
    assert reached["switches"] == {"least": False}
    assert "of_uniform" not in reached


def test_a_lone_caller_is_measured_by_its_latency() -> None:
    reached = _reached(Row(UNIFORM, 1, "queue", RESERVE), latency_ratio=1.3)
    assert reached == {"latency_ratio": {"least": True, "aim": False}}


def test_the_hot_account_is_compared_with_many_by_the_same_transport() -> None:
    rates = {("queue", UNIFORM): 100.0, ("queue", HOT): 74.0, ("grpc.aio", UNIFORM): 100.0, ("grpc.aio", HOT): 75.0}
    found = {Row(spread, 64, by, RESERVE): summary([_figures(rate=rate)]) for (by, spread), rate in rates.items()}
    compared = {v.served_by: (v.value, v.reached) for v in verdicts(found) if v.target.figure == "of_uniform"}
    assert compared == {"queue": (0.74, {"least": False}), "grpc.aio": (0.75, {"least": True})}


def test_each_verdict_says_what_each_level_asks_for_and_whether_it_is_reached() -> None:
    (verdict,) = verdicts({Row(HOT, 64, "queue", BATCHED): summary([_figures(ratio=19.5)])})
    assert verdict.line().endswith("queue: rate 19.50x naive; least 20 MISSED")
    assert json.loads(json.dumps(verdict.as_json()))["levels"]["least"] == 20


def test_every_target_is_of_a_row_that_the_full_plan_measures() -> None:
    measured = {(mode.name, callers) for callers in FULL.callers for mode in FULL.chosen(callers)}
    assert {(target.mode, target.callers) for target in TARGETS} <= measured


def test_reads_and_the_mix_are_measured_with_one_caller_and_with_64_unless_asked_for() -> None:
    assert [mode.name for mode in FULL.chosen(64)] == [mode.name for mode in MODES]
    assert {GET_BALANCE, MIX}.isdisjoint(mode.name for mode in FULL.chosen(8))
    plan = narrowed(FULL, modes=[MIX], callers=[8], seconds=0.5)
    assert (plan.callers, plan.round_s, [mode.name for mode in plan.chosen(8)]) == ((8,), 0.5, [MIX])
    assert narrowed(FULL) == FULL


@pytest.mark.parametrize(
    ("counts", "sound"),
    [
        ((10, 10, 0, 0), True),
        ((10, 9, 0, 0), False),
        ((10, 11, 0, 0), False),
        ((10, 11, 1, 0), True),
        ((10, 9, 1, 0), False),
        ((10, 10, 0, 1), False),
    ],
)
def test_a_ledger_is_sound_if_each_acknowledged_row_is_there_once(counts: tuple[int, ...], *, sound: bool) -> None:
    assert Ledger(*counts).sound is sound
    assert ("none lost" in Ledger(*counts).line()) is sound


@pytest.mark.parametrize(
    ("metrics", "transport"),
    [
        ('# TYPE creditd_transport_info gauge\ncreditd_transport_info{transport="queue"} 1.0\n', "queue"),
        ('creditd_transport_info{transport="aio"} 1\n', "grpc.aio"),
        ('creditd_transport_info{transport="queue"} 0.0\ncreditd_transport_info{transport="aio"} 1.0\n', "grpc.aio"),
    ],
)
def test_a_server_tells_which_transport_serves(metrics: str, transport: str) -> None:
    assert transport_in(metrics) == transport


def test_a_server_that_does_not_tell_is_not_guessed_at() -> None:
    with pytest.raises(LookupError):
        transport_in('creditd_transport_info{transport="queue"} 0.0\n')


def test_a_transport_is_asked_for_by_its_setting_or_left_to_the_service() -> None:
    assert environment(None) == {}
    assert environment("queue") == {"CREDITD_TRANSPORT": "queue"}


def test_switches_are_counted_over_all_threads() -> None:
    before = switches(getpid())
    done = threading.Event()
    sleeper = threading.Thread(target=time.sleep, args=(0.001,))
    waiter = threading.Thread(target=done.wait)
    sleeper.start()
    waiter.start()
    sleeper.join()
    after = switches(getpid())
    done.set()
    waiter.join()
    assert switched(before, after) > 0
    assert len(after) > 1


def test_a_thread_that_began_counts_from_its_beginning() -> None:
    assert switched({1: 10, 2: 5}, {1: 12, 3: 4}) == 6


def test_a_job_travels_between_two_processes_unchanged() -> None:
    job = Job(1, "token", requests.mix(), 64, 1, 10, rate=500, windows=3)
    assert Job.from_json(job.to_json()) == job
    assert job.counts_calls
    assert not Job(1, "token", requests.reserve_and_confirm(), 64, 1, 10).counts_calls


def test_the_mix_is_ten_reads_to_two_reserves_and_their_confirms() -> None:
    calls: dict[str, int] = {}
    for operation in requests.mix():
        for step in operation.steps:
            name = step.path.rsplit("/", 1)[1]
            calls[name] = calls.get(name, 0) + operation.weight
    assert calls == {"GetBalance": 10, "Reserve": 2, "Confirm": 2}


def test_a_line_is_as_wide_as_its_heading_has_it() -> None:
    figures: dict[str, Any] = dict.fromkeys(Figures._fields, 12.0)
    assert len(line(Row(UNIFORM, 64, "grpc.aio", RESERVE), Figures(**figures))) == len(COLUMNS)


def test_a_line_through_the_points_has_their_slope_and_no_error() -> None:
    found = trend([100.0, 101.0, 102.0, 103.0, 104.0])
    assert found is not None
    assert found.slope == pytest.approx(1 / 102)
    assert found.error == pytest.approx(0.0, abs=1e-12)
    assert found.is_slope


def test_scatter_alone_is_no_slope() -> None:
    found = trend([100.0, 104.0, 97.0, 102.0, 98.0, 103.0, 99.0, 101.0])
    assert found is not None
    # By the formulas of simple linear regression: -2/42 and the root of 41.905/6/42, of a mean of 100.5.
    assert found.slope == pytest.approx(-0.00047382, rel=1e-3)
    assert found.error == pytest.approx(0.0040576, rel=1e-3)
    assert not found.is_slope


def test_a_fall_beyond_the_scatter_is_a_slope_however_noisy() -> None:
    found = trend([100.0, 99.0, 96.0, 95.5, 92.0, 91.5, 88.0, 87.0])
    assert found is not None
    assert found.slope < 0
    assert found.is_slope


def test_a_slope_too_small_to_matter_is_none() -> None:
    found = trend([10_000.0, 10_001.0, 10_002.0, 10_003.0])
    assert found is not None
    assert found.error == pytest.approx(0.0, abs=1e-12)
    assert not found.is_slope


@pytest.mark.parametrize("values", [[], [1.0, 2.0, 3.0], [0.0] * 8])
def test_of_too_few_points_or_of_nothing_there_is_no_trend(values: list[float]) -> None:
    assert trend(values) is None


def test_a_minute_is_what_lies_between_two_samples() -> None:
    before = Sample(CpuSeconds(1.0, 2.0), 50 << 20, 1_000, 3, 7)
    after = Sample(CpuSeconds(1.5, 2.25), 60 << 20, 601_000, 5, 8)
    outcome = Outcome(25.0, 1.0, 2.0, operations=1_000, calls=1_000, acknowledged=300, unanswered=0,
                      generator_cpu_s=0.1, wall_s=60.0)  # fmt: skip
    found = minute(before, after, outcome)
    assert (found.server_us, found.postgres_us) == (500.0, 250.0)
    assert (found.resident_mib, found.wal_bytes) == (60.0, 2_000.0)
    assert (found.checkpoints, found.vacuums) == (2, 1)


def test_the_first_minute_is_no_part_of_a_slope_and_a_short_run_has_none() -> None:
    flat = Minute(100.0, 1.0, 2.0, 90.0, 60.0, 80.0, 900.0, 2, 3)
    first = flat._replace(rate=10.0, resident_mib=10.0, server_us=900.0)
    assert [said.endswith(": no slope") for said in slopes([first, *[flat] * 4])] == [True] * 6
    rising = [flat._replace(resident_mib=80.0 + number) for number in range(5)]
    assert [said.split()[0] for said in slopes([first, *rising]) if said.endswith(": SLOPE")] == ["resident_mib"]
    assert all("too short" in said for said in slopes([first, *[flat] * 3]))


def test_the_calls_of_the_mix_are_counted_by_weight() -> None:
    assert calls_of(requests.mix()) == pytest.approx(14 / 12)
    assert calls_of(requests.mix_with_expiry()) == pytest.approx(15 / 13)
