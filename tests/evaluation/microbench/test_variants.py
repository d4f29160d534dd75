"""The grid of variants and attempts, with a keyword generator in this process."""

from pathlib import Path
from typing import Any

import pytest

from interleavethinker.evaluation.microbench import config as config_module
from interleavethinker.evaluation.microbench.config import ExperimentConfig
from interleavethinker.evaluation.microbench.variants import CELLS, run_variants, variants_markdown
from interleavethinker.tools.errors import InputError

from .test_benchmark import NO_WEIGHTS, InProcessGenerator


@pytest.fixture(autouse=True)
def without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_module, "_AGENTS", NO_WEIGHTS)


def test_results_without_variants_keep_their_names() -> None:
    plain = ExperimentConfig("whole request", "none", 1)
    assert ExperimentConfig("whole request", "none", 1, variants=1).key(0) == plain.key(0)
    assert ExperimentConfig("whole request", "none", 1, variants=2).key(0) != plain.key(0)


def test_every_number_of_calls_is_spent_in_several_ways() -> None:
    by_calls = {calls: {cell.variants for cell in CELLS if cell.calls == calls} for calls in range(1, 7)}
    assert by_calls == {1: {1}, 2: {1, 2}, 3: {1, 2}, 4: {1, 2, 4}, 5: {1, 2, 4}, 6: {1, 2, 4, 6}}


async def test_cells_are_compared_at_equal_calls_and_a_second_run_repeats_nothing(tmp_path: Path) -> None:
    made: list[InProcessGenerator] = []

    def generator(store: Any) -> InProcessGenerator:
        made.append(InProcessGenerator(store))
        return made[-1]

    report: Any = await run_variants(tmp_path, 3, 0, generator=generator)
    cells = {(cell["variants"], cell["max_attempts"], cell["oracle"]): cell for cell in report["cells"]}
    assert cells[1, 6, False]["difference"] is None
    difference = cells[6, 1, False]["difference"]
    apart = cells[6, 1, False]["image"] - cells[1, 6, False]["image"]
    assert difference["value"] == pytest.approx(apart, abs=0.02)
    assert difference["n"] == report["n"] == 3
    assert cells[6, 1, False]["generator_calls"] == pytest.approx(6 * cells[1, 1, False]["generator_calls"], abs=0.04)
    again: Any = await run_variants(tmp_path, 3, 0, generator=generator)
    assert made[1].made == 0
    assert again["cells"] == report["cells"]
    table = variants_markdown(report)
    assert len([line for line in table.splitlines() if line.startswith("| ")]) == 2 + len(report["cells"])


async def test_requests_without_images_are_refused_with_the_remedy(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("interleavethinker.evaluation.microbench.dataset.Item.targets", ())
    with pytest.raises(InputError, match="take more of them"):
        await run_variants(tmp_path, 1, 0, generator=InProcessGenerator)
