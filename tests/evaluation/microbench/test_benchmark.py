"""MicroBench from requests to report, with a keyword generator in this process instead of the image server."""

import asyncio
import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.evaluation.microbench import agents as microbench_agents
from interleavethinker.evaluation.microbench import config as config_module
from interleavethinker.evaluation.microbench.benchmark import BenchmarkConfig, BenchmarkResult, run_microbench
from interleavethinker.evaluation.microbench.config import ExperimentConfig, is_installed
from interleavethinker.evaluation.microbench.experiments import EXPERIMENTS, SkippedExperiment, configs_of
from interleavethinker.evaluation.microbench.report_html import html_report
from interleavethinker.evaluation.microbench.report_markdown import markdown_report
from interleavethinker.evaluation.microbench.runner import RequestResult, open_trajectory_runner
from interleavethinker.microworld.agents.registry import AgentWeights
from interleavethinker.microworld.generators.keyword import KeywordGenerator
from interleavethinker.tools.errors import GeneratorError, InputError, StoreError
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.types import GeneratedImage, GenerationRequest, Request, TextPart

N = 14
EXPERIMENTS_RUN = (
    "generator alone",
    "planner, no critic",
    "planner + reseed",
    "full RL",
    "T_max = 5",
    "oracle planner",
)


class InProcessGenerator:
    """Follows plain wordings and no others."""

    def __init__(self, store: ImageStore, fails_at: int | None = None) -> None:
        self.made = 0
        self._store = store
        self._fails_at = fails_at
        self._generator = KeywordGenerator()

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:  # noqa: ARG002
        if self.made == self._fails_at:
            raise GeneratorError("the server is gone")
        self.made += 1
        if call.source is None:
            (image,) = self._generator.generate([call.prompt], [call.seed])
        else:
            from PIL import Image

            with Image.open(self._store.path(call.source)) as source:
                (image,) = self._generator.edit([source.convert("RGB")], [call.prompt], [call.seed])
        sha256 = self._store.put(encode_png(image))
        return GeneratedImage(
            sha256=sha256, width=96, height=96, seed=call.seed, model="keyword", seconds=0, cached=False
        )


NO_WEIGHTS: Mapping[str, Mapping[str, AgentWeights]] = {"planner": {}, "critic": {}}
"""These tests load no model, whatever weights are installed."""


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_module, "_AGENTS", NO_WEIGHTS)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> BenchmarkResult:
    """A small run with all parts."""
    order = BenchmarkConfig(EXPERIMENTS_RUN, 4, robustness=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config_module, "_AGENTS", NO_WEIGHTS)
        return asyncio.run(run_microbench(order, tmp_path_factory.mktemp("bench"), generator=InProcessGenerator))


async def mean(root: Path, measure: Callable[[object], float], config: ExperimentConfig) -> float:
    async with open_trajectory_runner(root, 28, 0, generator=InProcessGenerator) as runner:
        found = await runner.run({config: runner.items})
    results = [result for result in found[config] if result.steps is not None]
    return sum(map(measure, results)) / len(results)


async def test_the_report_has_metrics_or_a_reason_for_every_requested_experiment(tmp_path: Path) -> None:
    outcome = await run_microbench(
        BenchmarkConfig(EXPERIMENTS_RUN, N, robustness=False), tmp_path, generator=InProcessGenerator
    )
    report = json.loads(json.dumps(outcome.report))
    assert [row["name"] for row in report["experiments"]] == [name for name in EXPERIMENTS_RUN if name != "full RL"]
    assert [row["name"] for row in report["skipped"]] == ["full RL"]
    assert "train micro-critic-grpo" in report["skipped"][0]["recipe"]
    for row in report["experiments"]:
        assert 0 <= row["low"] <= row["average"] <= row["high"] <= 100
        assert {"text", "image", "generator_calls", "paper", "n", "families"} <= set(row)
        assert row["families"]["questions"]["image"] is None
    alone, planner, reseeded, *_, oracle = report["experiments"]
    assert alone["text"] == 0
    assert alone["paper"] == {"text": 0, "image": 36.4, "average": 18.2}
    assert planner["scripted_baseline"]
    assert oracle["text"] == 100
    assert planner["difference"]["reference"] == "generator alone"
    assert planner["difference"]["average"]["value"] == pytest.approx(planner["average"] - alone["average"], abs=0.02)
    # This generator makes the same image with every seed.
    close, large = reseeded["difference"]["average"], oracle["difference"]["average"]
    assert reseeded["difference"]["reference"] == "planner, no critic"
    assert (close["verdict"], abs(close["value"]) <= close["minimum_detectable_effect"]) == ("inconclusive", True)
    assert (large["verdict"], large["value"] > large["minimum_detectable_effect"]) == ("better", True)


def test_both_reports_show_metrics_paper_scores_skipped_experiments_and_scripted_baselines(
    outcome: BenchmarkResult,
) -> None:
    text, html = markdown_report(outcome.report), html_report(outcome)
    for expected in (
        "full RL | skipped",
        "58.6 / 74.0 / 66.3",
        "planner + reseed †",
        "Gain attribution",
        "flipped verdicts",
    ):
        assert expected in text
    assert html.count("<svg") == 2 + 2 * 3
    assert "data:image/png;base64," in html
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in html
    assert "<script" not in html


def test_reports_show_right_documents_and_results_by_plan_length(outcome: BenchmarkResult) -> None:
    rows: Any = outcome.report["experiments"]
    for row in rows:
        lengths = row["plan_lengths"]
        assert sum(one["n"] for one in lengths.values()) == row["document_right"]["n"] == row["n"]
        right = sum(one["document_right"]["value"] * one["n"] for one in lengths.values())
        assert right / row["n"] == pytest.approx(row["document_right"]["value"], abs=1e-3)
    text, html = markdown_report(outcome.report), html_report(outcome)
    for title in ("Whole documents right", "Results by plan length"):
        assert f"## {title}" in text
        assert f"<h2>{title}</h2>" in html
    oracle = next(row for row in rows if row["name"] == "oracle planner")["document_right"]
    rate = f"{oracle['value']:.3f} [{oracle['low']:.3f}, {oracle['high']:.3f}]"
    assert f"| oracle planner † | {rate} | {oracle['n']} |" in text
    assert f"<td>{rate}" in html


def test_reports_of_earlier_versions_are_rendered_without_these_tables(outcome: BenchmarkResult) -> None:
    report: Any = copy.deepcopy(outcome.report)
    for row in report["experiments"]:
        del row["document_right"], row["plan_lengths"]
    for rendered in (markdown_report(report), html_report(replace(outcome, report=report))):
        assert "planner + reseed" in rendered
        assert "Whole documents right" not in rendered
        assert "plan length" not in rendered


async def test_the_documents_of_the_oracles_are_right_and_a_single_image_is_not_a_story(tmp_path: Path) -> None:
    oracle, alone = ExperimentConfig("oracle", "oracle"), ExperimentConfig("whole request", "none", 1)
    async with open_trajectory_runner(tmp_path, 14, 0, generator=InProcessGenerator) as runner:
        found = await runner.run({oracle: runner.items, alone: runner.items})
    assert [result.document_right for result in found[oracle]] == [True] * 14
    lengths = [len(item.targets) for item in runner.items]
    assert [result.reference_images for result in found[oracle]] == lengths
    assert not any(one.document_right for one, length in zip(found[alone], lengths, strict=True) if length != 1)


def forget_documents(root: Path) -> list[RequestResult]:
    """Makes the saved results those of an earlier version; returns what they were."""
    (file,) = (root / "results").iterdir()
    saved = [RequestResult.model_validate_json(line) for line in file.read_text().splitlines()]
    added = {"document_right", "reference_images"}
    file.write_text("".join(f"{result.model_dump_json(exclude=added)}\n" for result in saved))
    return sorted(saved, key=lambda result: result.number)


async def test_saved_results_of_earlier_versions_are_scored_from_their_images_once(tmp_path: Path) -> None:
    config = ExperimentConfig("oracle", "none", 1)
    async with open_trajectory_runner(tmp_path, 14, 0, generator=InProcessGenerator) as runner:
        await runner.run({config: runner.items})
    before = forget_documents(tmp_path)
    assert {result.document_right for result in before} == {True, False}
    made = InProcessGenerator(ImageStore(tmp_path / "images"), fails_at=0)
    for _ in range(2):
        async with open_trajectory_runner(tmp_path, 14, 0, generator=lambda _: made) as runner:
            again = (await runner.run({config: runner.items}))[config]
        assert list(again) == before
        (file,) = (tmp_path / "results").iterdir()
        assert len(file.read_text().splitlines()) == 2 * 14, "older lines stay, and none is scored twice"


async def test_a_saved_result_whose_image_is_gone_stays_unknown_and_is_left_out_of_the_rate(tmp_path: Path) -> None:
    order = BenchmarkConfig(("oracle planner",), N, robustness=False)
    await run_microbench(order, tmp_path, generator=InProcessGenerator)
    before = forget_documents(tmp_path)
    lost = next(result for result in before if result.selected[-1] is not None)
    ImageStore(tmp_path / "images").delete(lost.selected[-1] or "")
    outcome = await run_microbench(order, tmp_path, generator=InProcessGenerator)
    (row,) = json.loads(json.dumps(outcome.report["experiments"]))
    assert outcome.results["oracle planner"][lost.number].document_right is None
    assert (row["n"], row["document_right"]["n"]) == (N, N - 1)
    others = [result.document_right for result in before if result.number != lost.number]
    assert row["document_right"]["value"] == pytest.approx(sum(map(bool, others)) / (N - 1), abs=1e-4)


async def test_rewriting_prompts_beats_new_seeds_if_only_other_words_help(tmp_path: Path) -> None:
    def image(result: object) -> float:
        value: float = result.scores.image  # type: ignore[attr-defined]
        return value

    rewording = await mean(tmp_path, image, ExperimentConfig("oracle", "oracle"))
    reseeding = await mean(tmp_path, image, ExperimentConfig("oracle", "oracle", reseed=True))
    alone = await mean(tmp_path, image, ExperimentConfig("oracle", "none", 1))
    assert rewording > reseeding + 10
    assert reseeding == pytest.approx(alone, abs=1)


async def test_a_stopped_run_resumes_without_repeating_finished_requests(tmp_path: Path) -> None:
    made: list[InProcessGenerator] = []

    def generator(fails_at: int | None) -> Callable[[ImageStore], InProcessGenerator]:
        def make(store: ImageStore) -> InProcessGenerator:
            made.append(InProcessGenerator(store, fails_at))
            return made[-1]

        return make

    order = BenchmarkConfig(("oracle planner",), N, robustness=False)
    with pytest.raises(GeneratorError):
        await run_microbench(order, tmp_path, generator=generator(28))
    finished = await run_microbench(order, tmp_path, generator=generator(None))
    undisturbed = await run_microbench(order, tmp_path / "other", generator=generator(None))
    assert made[1].made < made[2].made
    assert experiments_of(finished) == experiments_of(undisturbed)
    again = await run_microbench(order, tmp_path, generator=generator(0))
    assert experiments_of(again) == experiments_of(finished)
    assert made[3].made == 0


def experiments_of(outcome: BenchmarkResult) -> object:
    return json.loads(json.dumps(outcome.report["experiments"]))


async def test_a_refused_request_is_the_agents_failure_and_scores_0(tmp_path: Path) -> None:
    async with open_trajectory_runner(tmp_path, 7, 0, generator=InProcessGenerator) as runner:
        item = next(item for item in runner.items if item.family == "knowledge")
        unknown = replace(item, request=Request(parts=(TextPart(text="Draw a purple dinosaur."),)))
        config = ExperimentConfig("scripted", "scripted")
        (result,) = (await runner.run({config: [unknown]}))[config]
    assert "dinosaur" in result.failure
    assert (result.text, result.scores.image, result.calls, result.document_right) == (0, 0, 0, False)


async def test_a_stepwise_agent_sees_its_images_and_stops_at_its_last_step(tmp_path: Path) -> None:
    async with open_trajectory_runner(tmp_path, 42, 0, generator=InProcessGenerator) as runner:
        item = next(one for one in runner.items if one.family == "questions")
        story = next(one for one in runner.items if one.family == "narrative")
        config = ExperimentConfig("oracle", "oracle", stepwise=True)
        text_only, illustrated = (await runner.run({config: [item, story]}))[config]
    assert (len(text_only.plan), text_only.calls, text_only.text) == (1, 0, 100)
    # This planner never returns a single step, so the plan gets the maximum length; each step edits the previous image.
    assert len(illustrated.plan) == 8
    selected = [attempt for attempt in illustrated.attempts if attempt.image == illustrated.selected[attempt.step]]
    sources = {attempt.step: attempt.source for attempt in selected}
    assert sources[0] is None
    assert [sources[step] for step in range(1, 8)] == list(illustrated.selected[:-1])


def test_robustness_reports_image_and_calls_at_every_rate_and_claims_no_more_than_it_can_show(
    outcome: BenchmarkResult,
) -> None:
    report = json.loads(json.dumps(outcome.report))
    part = report["robustness"]
    curves = {(point["error"], point["variant"]) for point in part["points"]}
    assert len(part["points"]) == len(curves) * len(part["rates"]) == 10 * 4
    image = {(point["error"], point["variant"], point["rate"]): point["image"] for point in part["points"]}
    assert (part["n"], part["planner"], part["critic"]) == (1, "oracle", "scripted")
    for error, summary in part["summary"].items():
        start, end = image[error, "default loop", 0.0], image[error, "default loop", 0.4]
        assert start == 100
        assert summary["cost"]["value"] == pytest.approx(start - end)
        # A single request proves nothing, however large its loss is.
        assert summary["cost"]["minimum_detectable_effect"] is None
        assert summary["verdict"] == "no detectable loss with this many requests"
    assert list(part["summary"]) == ["plan errors", "flipped verdicts", "misleading prompts"]
    assert part["summary"]["plan errors"]["cost"]["value"] > 30


def test_all_17_experiments_have_configurations_or_a_reason_to_be_skipped() -> None:
    assert len(EXPERIMENTS) == 17
    for experiment in EXPERIMENTS:
        configs = configs_of(experiment)
        if isinstance(configs, SkippedExperiment):
            assert "are installed" in configs.reason
            assert configs.recipe.startswith("interleavethinker ")
        else:
            assert configs
            assert all(is_installed("planner", one.planner) and is_installed("critic", one.critic) for one in configs)


def test_invalid_numbers_of_requests_are_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        BenchmarkConfig(n=0)
    with pytest.raises(InputError, match="at least as many requests as the others: 20; got 10"):
        BenchmarkConfig(n=20, n_large_sample=10)


def test_critics_with_different_weights_have_different_fingerprints(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    base = tmp_path / "base"
    critics = {}
    for name in ("one", "other"):
        for folder in (base, tmp_path / name):
            folder.mkdir(exist_ok=True)
            (folder / "weights").write_text(folder.name)
        critics[name] = AgentWeights(name, f"qwen3-vl:{base}", str(tmp_path / name))
    monkeypatch.setattr(config_module, "_AGENTS", {"planner": {}, "critic": critics})
    before = config_module.fingerprint("critic", "one")
    assert before[:12] != config_module.fingerprint("critic", "other")[:12]
    (tmp_path / "one" / "weights").write_text("trained further")
    config_module._folder_hash.cache_clear()
    assert before[:12] != config_module.fingerprint("critic", "one")[:12]


async def test_concurrent_requests_for_an_answer_compute_it_once(tmp_path: Path) -> None:
    cache, calls = microbench_agents._AnswerCache(tmp_path / "answers.jsonl"), []

    async def ask() -> str:
        calls.append(True)
        await asyncio.sleep(0.01)
        return str(len(calls))

    assert await asyncio.gather(*(cache.answer("how many?", ask) for _ in range(5))) == ["1"] * 5
    assert await microbench_agents._AnswerCache(tmp_path / "answers.jsonl").answer("how many?", ask) == "1"


async def test_a_damaged_answer_or_result_of_an_earlier_run_is_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('["question", "1"]\n{"question": "1"}\n["other", "2"]\n')
    with pytest.raises(StoreError, match=r"Line 2 of .*answers\.jsonl is damaged"):
        microbench_agents._AnswerCache(path)
    config = ExperimentConfig("whole request", "none", 1)
    results = tmp_path / "results" / f"{config.key(0)}.jsonl"
    results.parent.mkdir()
    results.write_text('{"number": 1}\n')
    async with open_trajectory_runner(tmp_path, 1, 0, generator=InProcessGenerator) as runner:
        with pytest.raises(StoreError, match=r"Line 1 of .*jsonl is damaged"):
            await runner.run({config: runner.items})


async def test_an_unknown_experiment_is_refused_with_the_known_names(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'best row'.*full SFT"):
        await run_microbench(BenchmarkConfig(("best row",)), tmp_path, generator=InProcessGenerator)
