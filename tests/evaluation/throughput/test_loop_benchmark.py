"""The serial loop gives the product's documents, and the benchmark says how their times compare."""

import json
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from interleavethinker.cli import main
from interleavethinker.evaluation.throughput import loop_benchmark
from interleavethinker.evaluation.throughput.loop_benchmark import LoopBenchmarkConfig, measure_loops
from interleavethinker.evaluation.throughput.loop_report import loop_markdown
from interleavethinker.evaluation.throughput.product_run import Answered, Measured, Stages
from interleavethinker.evaluation.throughput.serial_loop import SerialLoop
from interleavethinker.graph import load_profile
from interleavethinker.microworld.generators.micro import MicroGenerator
from interleavethinker.tools.errors import ProfileError


async def test_the_serial_loop_and_the_product_give_the_same_documents(tmp_path: Path) -> None:
    named: list[str] = []
    config = LoopBenchmarkConfig(n=1, rounds=1, at_once=(1,), look_ahead=())
    figures = await measure_loops(config, tmp_path / "bench", named.append)
    assert figures["different_documents"] == {"serial": 0, "at_once.1": 0}
    assert named == ["round 1 of 1: serial loop", "round 1 of 1: 1 at once, look-ahead 1"]
    variants = figures["variants"]
    assert isinstance(variants, dict)
    serial, product = variants["serial"], variants["at_once.1"]
    assert serial["images"] == product["images"] > 0
    for variant in (serial, product):
        stages = [variant[f"{stage}_seconds_per_trajectory"] for stage in ("plan", "generate", "judge")]
        assert min(stages) > 0
        assert sum(stages) < variant["seconds"]
    assert figures["ratio.1"] == pytest.approx(serial["seconds"] / product["seconds"], abs=2e-3)
    assert isinstance(overhead := figures["overhead_ms_per_call"], float)
    assert overhead > 0


def measured(wall: float, document: str = "a") -> Measured:
    seconds = defaultdict(float, {"plan": 1.0, "check": 0.5, "generate": 2.0, "judge": 3.0})
    stages = Stages(seconds, pipeline=1.5, calls=5)
    return Measured(wall, 4.0, stages, (Answered(((document, None),)),))


def test_ratios_are_medians_of_pairs_of_one_round_and_above_one_where_the_product_is_faster() -> None:
    serial = [measured(10.0), measured(20.0), measured(30.0)]
    product = {
        (1, 1): [measured(10.0), measured(10.0), measured(10.0)],
        (8, 1): [measured(4.0, "b"), measured(4.0), measured(4.0)],
        (1, 2): [measured(20.0), measured(5.0), measured(10.0)],
    }
    figures = loop_benchmark._figures(LoopBenchmarkConfig(n=1, at_once=(1, 8), look_ahead=(2,)), serial, product)
    assert (figures["ratio.1"], figures["ratio.8"]) == (2.0, 5.0)
    assert figures["look_ahead.2.latency_ratio"] == 1.0
    assert figures["overhead_ms_per_call"] == (10.0 - 1.0 - 0.5 - 3.0 - 1.5) / 5 * 1000
    assert figures["different_documents"] == {"serial": 0, "at_once.1": 0, "at_once.8": 1, "look_ahead.2": 0}


@pytest.mark.parametrize("name", ["api", "klein"])
def test_the_serial_loop_refuses_profiles_with_other_models(name: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="serial loop"):
        SerialLoop(load_profile(name), tmp_path, MicroGenerator())


def test_the_command_prints_the_figures_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def figures(config: LoopBenchmarkConfig, _folder: Path, report: object) -> dict[str, object]:
        assert callable(report)
        report("round 1")
        return {"ratio.1": 1.25, "requests": config.n, "rounds": config.rounds}

    monkeypatch.setattr(loop_benchmark, "measure_loops", figures)
    with pytest.raises(SystemExit):
        main(["bench", "loop", "--n", "2", "--rounds", "1", "--json"])
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"ratio.1": 1.25, "requests": 2, "rounds": 1}
    assert "measuring: round 1" in printed.err


def test_the_written_page_says_what_was_reached_and_where_it_was_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serial = [measured(10.0)]
    product = {(1, 1): [measured(5.0)], (8, 1): [measured(8.0, "b")], (1, 2): [measured(2.5)]}
    config = LoopBenchmarkConfig(n=1, rounds=1, at_once=(1, 8), look_ahead=(2,))
    monkeypatch.setattr(
        loop_benchmark, "measure_loops", AsyncMock(return_value=loop_benchmark._figures(config, serial, product))
    )
    with pytest.raises(SystemExit):
        main(["bench", "loop", "--n", "1", "--rounds", "1", "--out", str(tmp_path / "loop"), "--json"])
    page = (tmp_path / "loop" / "loop.md").read_text(encoding="utf-8")
    assert "| one trajectory at a time (`ratio.1`) | 2.00 | 1.2 | reached |" in page
    assert "| 8 at once (`ratio.8`) | 1.25 | 2.5 | missed |" in page
    assert "| one at a time, look-ahead 2, against none (`look_ahead.2.latency_ratio`) | 2.00 | 1 | reached |" in page
    assert "differ from the serial loop's: 1." in page
    assert "Time outside of planner, checks, critic and pipeline: -200.0 ms" in page
    assert (
        "| variant | trajectories an hour | CPU seconds | plan | checks | generate | judge | MCP and queue | rest |"
        in page
    )
    assert "| at once 1 | 720 | 4.00 | 1.00 | 0.50 | 1.50 | 3.00 | 0.50 | -1.50 |" in page
    assert "| look ahead 2 | 1,440 | 4.00 | 1.00 | 0.50 | 1.50 | 3.00 | 0.50 | – |" in page
    figures = json.loads((tmp_path / "loop" / "loop.json").read_text(encoding="utf-8"))
    assert figures["run"]["command"] == "interleavethinker bench loop --n 1 --rounds 1 --seed 0"
    assert f"torch {version('torch')}" in page


def test_the_shipped_page_is_rendered_from_the_shipped_figures() -> None:
    shipped = Path(__file__).parents[3] / "results" / "loop"
    for data in shipped.glob("loop.json"):
        expected = loop_markdown(json.loads(data.read_text(encoding="utf-8")))
        assert data.with_suffix(".md").read_text(encoding="utf-8") == expected
