"""MicroBench's experiments beyond the paper, with generators whose behavior is known."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from interleavethinker.evaluation.microbench import config as config_module
from interleavethinker.evaluation.microbench.extensions.report import (
    extensions_html,
    extensions_markdown,
    extensions_plots,
)
from interleavethinker.evaluation.microbench.extensions.run import ExtensionConfig, run_extensions
from interleavethinker.microworld.generators.oracle import OracleGenerator
from interleavethinker.microworld.scenes.reader import read
from interleavethinker.microworld.scenes.scene import render, to_image
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS
from interleavethinker.tools.errors import InputError

from .test_benchmark import NO_WEIGHTS, InProcessGenerator

NAMED = "Make sure of this"


class Literal(OracleGenerator):
    """Paints another background after each edit, and carries nothing out unless the prompt says what failed."""

    def __init__(self) -> None:
        self.made = 0

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        self.made += len(texts)
        return super().generate([text.partition(f" {NAMED}")[0] for text in texts], seeds)

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        self.made += len(texts)
        plain = [text.partition(f" {NAMED}")[0] for text in texts]
        done = super().edit(images, plain, seeds)
        return [
            after if NAMED in text else _spoiled(before)
            for before, after, text in zip(images, done, texts, strict=True)
        ]


class Drifting(OracleGenerator):
    """Carries every edit out, and paints another background as well."""

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        return [_spoiled(image) for image in super().edit(images, texts, seeds)]


def _spoiled(image: Image.Image) -> Image.Image:
    scene = read(image).scene
    other = BACKGROUNDS[(BACKGROUNDS.index(scene.background) + 1) % len(BACKGROUNDS)]
    return to_image(render(type(scene)(other, scene.cells)))


@pytest.fixture(autouse=True)
def without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_module, "_AGENTS", NO_WEIGHTS)


SMALL = ExtensionConfig(seed=3, characters=6, requests=1, attempts=24, chains=2, edits=4)


def run(root: Path, config: ExtensionConfig = SMALL, model: Any = None) -> Any:
    made = model or OracleGenerator()
    return json.loads(
        json.dumps(run_extensions(config, root, model=lambda _weaker: made, generator=InProcessGenerator))
    )


def rows_of(report: Any, name: str) -> dict[str, Any]:
    return {row["name"]: row for row in report["extensions"][name]["rows"]}


def only(name: str) -> ExtensionConfig:
    return ExtensionConfig((name,), seed=3, characters=6, requests=3, attempts=24, chains=2, edits=4)


def test_references_keep_characters_that_a_name_alone_does_not(tmp_path: Path) -> None:
    report = run(tmp_path, only("consistency"))
    named, referenced = rows_of(report, "consistency").values()
    assert referenced["measures"]["images with the character"]["value"] == 100
    assert referenced["measures"]["images with the character"]["low"] < 65, "six characters, not eighteen images"
    difference = referenced["differences"]["images with the character"]
    assert difference["reference"] == named["name"]
    assert difference["value"] == pytest.approx(100 - named["measures"]["images with the character"]["value"], abs=0.02)
    assert (difference["n"], difference["low"] > 0) == (6, True)


def test_checklists_name_what_failed_and_a_generator_that_needs_them_gains_by_them(tmp_path: Path) -> None:
    report = run(tmp_path, only("checklists"), Literal())
    result, rows = report["extensions"]["checklists"], rows_of(report, "checklists")
    same, named, anew = rows.values()
    gain = named["differences"]["score of the retries"]
    assert (gain["reference"], gain["low"] > 0) == (same["name"], True)
    assert anew["differences"]["score of the retries"]["reference"] == named["name"]
    assert anew["differences"]["score of the retries"]["high"] < 0, "a loss is as much of a verdict as a gain"
    assert same["counts"]["prompts changed, %"] == 0 < named["counts"]["prompts changed, %"]
    assert result["n"] < result["settings"]["first_attempts"] == 24
    assert result["rates"]["checklists right on failed attempts"]["n"] == result["n"]
    assert result["rates"]["verdicts right"]["n"] == 24


def test_without_a_failed_attempt_there_is_nothing_to_retry(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="take more of them"):
        run(tmp_path, ExtensionConfig(("checklists",), seed=3, attempts=1), OracleGenerator())


def test_the_drift_guard_is_compared_chain_by_chain(tmp_path: Path) -> None:
    rows = rows_of(run(tmp_path, only("drift"), Drifting()), "drift")
    assert list(rows) == ["no guard", "redraw", "restart"]
    assert rows["no guard"]["differences"] == {}
    assert rows["restart"]["counts"]["steps drawn again"] > 0
    for measure in ("all images", "last image"):
        difference = rows["restart"]["differences"][measure]
        apart = rows["restart"]["measures"][measure]["value"] - rows["no guard"]["measures"][measure]["value"]
        assert difference["value"] == pytest.approx(apart, abs=0.02)
        assert difference["n"] == 2


def test_one_report_has_a_table_an_interval_and_a_verdict_for_each_experiment(tmp_path: Path) -> None:
    model = Literal()
    report = run(tmp_path, SMALL, model)
    assert list(report["extensions"]) == ["consistency", "variants", "checklists", "drift"]
    made = model.made
    again = run(tmp_path, SMALL, model)
    assert model.made == made, "finished experiments are not run again"
    for result in (report, again):
        result["extensions"]["variants"].pop("seconds")
    assert again == report
    report["extensions"]["variants"]["seconds"] = 1.0
    text, html, plots = extensions_markdown(report), extensions_html(report), extensions_plots(report)
    assert text.count("\n## ") == html.count("<table>") == html.count("<svg") == len(plots) == 4
    for result in report["extensions"].values():
        measured = [one for row in result["rows"] for one in row["measures"].values()]
        assert all(0 <= one["low"] <= one["value"] <= one["high"] <= 100 for one in measured)
        verdicts = [one["verdict"] for row in result["rows"] for one in row["differences"].values()]
        assert verdicts
        assert set(verdicts) <= {"better", "worse", "inconclusive"}
        assert f"| n = {result['n']} {result['unit']} |" in text
        for row in result["rows"]:
            assert f"\n| {row['name']} | " in text
            assert f"<td>{row['name']}<td>" in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")


def test_another_size_is_measured_anew_and_the_others_are_kept(tmp_path: Path) -> None:
    model = Literal()
    run(tmp_path, only("consistency"), model)
    made = model.made
    larger = run(tmp_path, ExtensionConfig(("consistency",), seed=3, characters=7), model)
    assert model.made > made
    assert larger["extensions"]["consistency"]["n"] == 7
    assert run(tmp_path, ExtensionConfig(("consistency",), seed=3, characters=7, chains=2), model) == larger
    for path in (tmp_path / "extensions").iterdir():
        path.write_text('{"rows": ')
    damaged = run(tmp_path, ExtensionConfig(("consistency",), seed=3, characters=7), model)["extensions"]["consistency"]
    assert damaged["rows"] == larger["extensions"]["consistency"]["rows"]


@pytest.mark.parametrize("wrong", [{"names": ("magic",)}, {"chains": 0}, {"characters": -1}, {"seed": 2**20}])
def test_impossible_sizes_and_names_are_input_errors(wrong: Any) -> None:
    with pytest.raises(InputError):
        ExtensionConfig(**wrong)


def test_more_chains_go_on_from_those_that_are_finished(tmp_path: Path) -> None:
    resumed, anew = Literal(), Literal()
    first = ExtensionConfig(("drift",), seed=3, chains=1, edits=2)
    both = ExtensionConfig(("drift",), seed=3, chains=2, edits=2)
    run(tmp_path / "one", first, resumed)
    before = resumed.made
    found = run(tmp_path / "one", both, resumed)["extensions"]["drift"]["rows"]
    assert found == run(tmp_path / "two", both, anew)["extensions"]["drift"]["rows"]
    assert resumed.made == anew.made > before, "the first chain is not run again"
