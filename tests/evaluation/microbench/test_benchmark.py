"""MicroBench from requests to report, with an obedient generator in this process instead of the server."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from interleavethinker.evaluation.microbench import agents as microbench_agents
from interleavethinker.evaluation.microbench import config as microbench_settings
from interleavethinker.evaluation.microbench.benchmark import Order, Outcome, microbench
from interleavethinker.evaluation.microbench.config import ExperimentConfig
from interleavethinker.evaluation.microbench.experiments import ROWS, settings_of
from interleavethinker.evaluation.microbench.report_html import page
from interleavethinker.evaluation.microbench.report_markdown import table
from interleavethinker.evaluation.microbench.runner import open_trajectory_runner
from interleavethinker.microworld.agents.registry import AgentWeights
from interleavethinker.microworld.generators.keyword import KeywordGenerator
from interleavethinker.tools.errors import GeneratorError, InputError
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

N = 14
ROWS_RUN = ("generator alone", "planner, no critic", "planner + reseed", "full RL", "T_max = 5", "oracle planner")


class Obedient:
    """Carries out plain words and no others."""

    def __init__(self, store: ImageStore, fails_at: int | None = None) -> None:
        self.made = 0
        self._store = store
        self._fails_at = fails_at
        self._maker = KeywordGenerator()

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:  # noqa: ARG002
        if self.made == self._fails_at:
            raise GeneratorError("the server is gone")
        self.made += 1
        if call.source is None:
            (picture,) = self._maker.generate([call.prompt], [call.seed])
        else:
            from PIL import Image

            with Image.open(self._store.path(call.source)) as source:
                (picture,) = self._maker.edit([source.convert("RGB")], [call.prompt], [call.seed])
        sha256 = self._store.put(encode_png(picture))
        return GeneratedImage(
            sha256=sha256, width=96, height=96, seed=call.seed, model="obedient", seconds=0, cached=False
        )


NOBODY: Mapping[str, Mapping[str, AgentWeights]] = {"planner": {}, "critic": {}}
"""Whatever the package ships by now: these tests load no model."""


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microbench_settings, "_AGENTS", NOBODY)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """One small run with everything in it."""
    order = Order(ROWS_RUN, 4, brittleness=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(microbench_settings, "_AGENTS", NOBODY)
        return asyncio.run(microbench(order, tmp_path_factory.mktemp("bench"), generator=Obedient))


async def mean(root: Path, measure: Callable[[object], float], setting: ExperimentConfig) -> float:
    async with open_trajectory_runner(root, 28, 0, generator=Obedient) as arena:
        found = await arena.run({setting: arena.items})
    results = [result for result in found[setting] if result.steps is not None]
    return sum(map(measure, results)) / len(results)


async def test_the_report_has_a_figure_or_a_reason_for_every_row_that_was_asked_for(tmp_path: Path) -> None:
    outcome = await microbench(Order(ROWS_RUN, N, brittleness=False), tmp_path, generator=Obedient)
    report = json.loads(json.dumps(outcome.report))
    assert [row["name"] for row in report["rows"]] == [name for name in ROWS_RUN if name != "full RL"]
    assert [row["name"] for row in report["skipped"]] == ["full RL"]
    assert "train micro-critic-grpo" in report["skipped"][0]["recipe"]
    for row in report["rows"]:
        assert 0 <= row["low"] <= row["average"] <= row["high"] <= 100
        assert {"text", "image", "generator_calls", "paper", "n", "families"} <= set(row)
        assert row["families"]["questions"]["image"] is None
    alone, planner, *_, oracle = report["rows"]
    assert alone["text"] == 0
    assert alone["paper"] == {"text": 0, "image": 36.4, "average": 18.2}
    assert planner["stand_ins"]
    assert oracle["text"] == 100
    assert planner["difference"]["to"] == "generator alone"
    assert planner["difference"]["average"]["verdict"] in {"better", "worse", "undecided"}


def test_markdown_and_page_tell_figures_the_papers_skipped_rows_and_stand_ins(outcome: Outcome) -> None:
    text, html = table(outcome.report), page(outcome)
    for words in ("full RL | skipped", "58.6 / 74.0 / 66.3", "planner + reseed †", "Whose gain", "flipped verdicts"):
        assert words in text
    assert html.count("<svg") == 2 + 2 * 3
    assert "data:image/png;base64," in html
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in html
    assert "<script" not in html


async def test_a_critic_that_rewords_beats_new_seeds_where_only_other_words_help(tmp_path: Path) -> None:
    def image(result: object) -> float:
        value: float = result.scores.image  # type: ignore[attr-defined]
        return value

    rewording = await mean(tmp_path, image, ExperimentConfig("oracle", "oracle"))
    reseeding = await mean(tmp_path, image, ExperimentConfig("oracle", "oracle", reseed=True))
    alone = await mean(tmp_path, image, ExperimentConfig("oracle", "none", 1))
    assert rewording > reseeding + 10
    assert reseeding == pytest.approx(alone, abs=1)


async def test_a_stopped_run_goes_on_and_repeats_no_finished_request(tmp_path: Path) -> None:
    made: list[Obedient] = []

    def generator(fails_at: int | None) -> Callable[[ImageStore], Obedient]:
        def make(store: ImageStore) -> Obedient:
            made.append(Obedient(store, fails_at))
            return made[-1]

        return make

    order = Order(("oracle planner",), N, brittleness=False)
    with pytest.raises(GeneratorError):
        await microbench(order, tmp_path, generator=generator(28))
    finished = await microbench(order, tmp_path, generator=generator(None))
    undisturbed = await microbench(order, tmp_path / "other", generator=generator(None))
    assert made[1].made < made[2].made
    assert told(finished) == told(undisturbed)
    again = await microbench(order, tmp_path, generator=generator(0))
    assert told(again) == told(finished)
    assert made[3].made == 0


def told(outcome: Outcome) -> object:
    return json.loads(json.dumps(outcome.report["rows"]))


async def test_a_refused_request_is_the_agents_failure_and_gets_nothing(tmp_path: Path) -> None:
    async with open_trajectory_runner(tmp_path, 7, 0, generator=Obedient) as arena:
        hinted = next(item for item in arena.items if item.family == "knowledge")
        setting = ExperimentConfig("scripted", "scripted")
        (result,) = (await arena.run({setting: [hinted]}))[setting]
    assert "does not know" in result.failure
    assert (result.text, result.scores.image, result.calls) == (0, 0, 0)


async def test_a_stepwise_agent_sees_its_pictures_and_stops_at_its_last_step(tmp_path: Path) -> None:
    async with open_trajectory_runner(tmp_path, 42, 0, generator=Obedient) as arena:
        item = next(one for one in arena.items if one.family == "questions")
        drawn = next(one for one in arena.items if one.family == "narrative")
        setting = ExperimentConfig("oracle", "oracle", stepwise=True)
        words, pictures = (await arena.run({setting: [item, drawn]}))[setting]
    assert (len(words.plan), words.calls, words.text) == (1, 0, 100)
    # This planner never says that it is done, so the longest plan is written; each step starts from the picture before.
    assert len(pictures.plan) == 8
    kept = [attempt for attempt in pictures.attempts if attempt.image == pictures.kept[attempt.step]]
    sources = {attempt.step: attempt.source for attempt in kept}
    assert sources[0] is None
    assert [sources[step] for step in range(1, 8)] == list(pictures.kept[:-1])


def test_brittleness_tells_image_and_calls_at_every_rate_and_gives_a_verdict(outcome: Outcome) -> None:
    report = json.loads(json.dumps(outcome.report))
    part = report["brittleness"]
    curves = {(point["error"], point["variant"]) for point in part["points"]}
    assert len(part["points"]) == len(curves) * len(part["rates"]) == 10 * 4
    assert {name: bool(one["verdict"]) for name, one in part["summary"].items()} == {
        "plan errors": True,
        "flipped verdicts": True,
        "misleading prompts": True,
    }


def test_every_row_of_the_issue_is_there_and_runs_or_says_why_not() -> None:
    assert len(ROWS) == 17
    assert all(settings_of(row) for row in ROWS)


def test_bad_orders_are_refused_in_words() -> None:
    with pytest.raises(InputError, match="at least 1"):
        Order(n=0)
    with pytest.raises(InputError, match="as many"):
        Order(n=20, n_finer=10)


def test_what_one_critic_answered_is_never_taken_for_anothers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    base = tmp_path / "base"
    critics = {}
    for name in ("one", "other"):
        for folder in (base, tmp_path / name):
            folder.mkdir(exist_ok=True)
            (folder / "weights").write_text(folder.name)
        critics[name] = AgentWeights(name, f"qwen3-vl:{base}", str(tmp_path / name))
    monkeypatch.setattr(microbench_settings, "_AGENTS", {"planner": {}, "critic": critics})
    before = microbench_settings.fingerprint("critic", "one")
    assert before[:12] != microbench_settings.fingerprint("critic", "other")[:12]
    (tmp_path / "one" / "weights").write_text("trained further")
    microbench_settings._folder_hash.cache_clear()
    assert before[:12] != microbench_settings.fingerprint("critic", "one")[:12]


async def test_a_question_that_several_ask_at_once_is_asked_once(tmp_path: Path) -> None:
    book, asked = microbench_agents._Book(tmp_path / "answers.jsonl"), []

    async def ask() -> str:
        asked.append(True)
        await asyncio.sleep(0.01)
        return str(len(asked))

    assert await asyncio.gather(*(book.answer("how many?", ask) for _ in range(5))) == ["1"] * 5
    assert await microbench_agents._Book(tmp_path / "answers.jsonl").answer("how many?", ask) == "1"


async def test_an_unknown_row_is_refused_with_the_names_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"full SFT.*'best row'"):
        await microbench(Order(("best row",)), tmp_path, generator=Obedient)
