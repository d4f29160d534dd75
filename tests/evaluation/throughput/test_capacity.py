"""Costs follow from what a GPU does in a second; a simulated fleet is limited by the station that is too slow."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from interleavethinker.evaluation.throughput.capacity import (
    GPUS,
    Fleet,
    Work,
    document_cost,
    main,
    simulate,
    split_gpus,
)

ROOT = Path(__file__).resolve().parents[3]
SAVED = json.loads((ROOT / "results" / "capacity.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "guides" / "capacity.md").read_text(encoding="utf-8")
FREE = Fleet(transactions_per_second=1e9, store_megabytes_per_second=1e9)
"""Nothing but GPUs limits it."""


def test_attempts_are_the_mean_of_a_trajectory_that_stops_at_the_first_that_passes() -> None:
    assert Work(steps=5, pass_rate=0.6, max_attempts=3).attempts == pytest.approx(5 * (1 + 0.4 + 0.16))
    assert Work(steps=4, pass_rate=1.0).attempts == 4


def test_a_gpu_twice_as_fast_takes_half_as_long_and_a_dearer_one_costs_more() -> None:
    slow, fast = GPUS["A100-80"], replace(GPUS["A100-80"], teraflops=624)
    work = Work()
    assert work.image_seconds(slow) == pytest.approx(2 * work.image_seconds(fast))
    assert work.image_seconds(GPUS["H100"]) == pytest.approx(165 / (989 * 0.25))
    reading = work.answer_seconds(slow, (1000, 0))
    assert reading == pytest.approx(2 * 8e9 * 1000 / (312e12 * 0.4))
    writing = work.answer_seconds(slow, (0, 320))
    assert writing == pytest.approx(320 / 32 * 16e9 / (2.0e12 * 0.6))
    cost = document_cost(slow, work)
    assert cost["gpu_seconds"] == pytest.approx(
        cost["generate_seconds"] + cost["judge_seconds"] + cost["plan_seconds"], abs=0.02
    )
    dearer = document_cost(replace(slow, dollars_per_hour=3.6), work)
    assert dearer["dollars"] == pytest.approx(2 * cost["dollars"], rel=1e-3)


def test_gpus_are_divided_by_load_and_both_kinds_get_one() -> None:
    assert split_gpus(2, GPUS["H100"], Work()) == 1
    assert split_gpus(1000, GPUS["H100"], Work()) == 762
    assert split_gpus(100, GPUS["H100"], replace(Work(), image_teraflop=1e9)) == 99


def test_a_seed_gives_the_same_outcome_and_another_one_a_similar_one() -> None:
    first, again, other = (simulate(FREE, Work(), hours=0.1, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert other.documents_per_hour == pytest.approx(first.documents_per_hour, rel=0.1)


def test_a_fleet_without_other_limits_keeps_its_gpus_busy() -> None:
    outcome = simulate(replace(FREE, gpus=32), Work(), hours=0.2)
    assert outcome.limit in {"images", "planner"}
    assert 0.9 < outcome.share_of_ideal < 1.05
    # Trajectories in progress are those that arrive in a second, times the seconds that each takes.
    in_progress = outcome.documents_per_hour / 3600 * outcome.seconds_per_document
    assert in_progress == pytest.approx(32 * 12, rel=0.1)


@pytest.mark.parametrize(
    ("limit", "fleet", "calls_per_second"),
    [
        ("database", replace(FREE, gpus=32, transactions_per_second=210), 10.0),
        ("store", replace(FREE, gpus=32, store_megabytes_per_second=30), 10.0),
    ],
)
def test_a_slow_station_limits_the_fleet_to_what_it_does(limit: str, fleet: Fleet, calls_per_second: float) -> None:
    outcome = simulate(fleet, Work(), hours=0.3)
    assert outcome.limit == limit
    assert outcome.busy[limit] > 0.99
    assert outcome.documents_per_hour == pytest.approx(calls_per_second / Work().attempts * 3600, rel=0.1)
    assert outcome.share_of_ideal < 0.6


def test_a_simulation_without_gpus_or_time_is_refused() -> None:
    for fleet, hours in [(replace(FREE, gpus=1), 1.0), (FREE, 0.0), (FREE, math.nan)]:
        with pytest.raises(ValueError, match="two GPUs or more"):
            simulate(fleet, Work(), hours=hours)


def test_the_saved_figures_are_those_of_the_program(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    main(["--gpus", "2", "8", "--out", str(tmp_path / "out" / "capacity.json")])
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out" / "capacity.json").read_text(encoding="utf-8"))
    assert printed["assumptions"] == SAVED["assumptions"], "run `make capacity`"
    assert printed["document"] == SAVED["document"]
    assert printed["fleet"] == SAVED["fleet"][:2]


def test_the_page_has_the_saved_figures() -> None:
    for name, cost in SAVED["document"].items():
        cells = (
            name, f"{cost['plan_seconds']:.1f}", f"{cost['generate_seconds']:.1f}", f"{cost['judge_seconds']:.1f}",
            f"{cost['gpu_seconds']:.1f}", f"{GPUS[name].dollars_per_hour:.2f}", f"{cost['dollars'] * 100:.1f}",
            f"{cost['documents_per_gpu_hour']}",
        )  # fmt: skip
        assert f"| {' | '.join(cells)} |" in PAGE
    for one in SAVED["fleet"]:
        numbers = (
            f"{one['gpus']:,}", f"{one['image_gpus']}", f"{one['documents_per_hour']:,}",
            f"{one['seconds_per_document']:.0f}", f"{one['share_of_ideal']:.2f}",
            *(f"{one['busy'][name]:.2f}" for name in ("images", "planner", "database", "store")),
        )  # fmt: skip
        assert f"| {' | '.join(numbers)} |" in PAGE
