"""Runs a benchmark: items, answers, judgments, scores. Everything lies in one folder, and the same run resumes there.

| path | content |
| --- | --- |
| `run.json` | what the folder belongs to: benchmark, data, and whose answers |
| `workspace/` | the agent's trajectories and images; absent for answers from files |
| `shards/` | the same for each shard, if worker processes or a cluster answer |
| `trajectories.jsonl` | which trajectories belong to which item |
| `judge.jsonl` | every answer of the judge's model |
| `answers.json` | the answers, in the form of UEval's submissions |
| `scores.jsonl` | the scores of each item, replaced by each run |
| `report.json`, `.md`, `.html`, `.svg` | the report |
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from pydantic import JsonValue

from interleavethinker.evaluation.executors import ExecutorConfig
from interleavethinker.evaluation.judges.cache import JudgeCache
from interleavethinker.evaluation.judges.chat import ChatJudge, JudgeUsage
from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.file_lock import only_writer
from interleavethinker.tools.files import atomic_write
from interleavethinker.tools.structured_text import parse_json

from .agent_answers import answer_items, begun_items
from .benchmark import Benchmark, BenchmarkAnswer, Item
from .estimate import CostEstimate, estimate_cost
from .experiments import changed_profile, check_experiment, open_agent
from .generation_estimate import GenerationEstimate, estimate_generation
from .judging import JudgedItem, judge_answers
from .prompt_files import PromptFiles
from .registry import make_benchmark
from .sharded_answers import SHARDS, answer_in_shards
from .sources import FileSource, open_source

__all__ = ["BenchmarkRun", "RunConfig", "estimate_run", "run_benchmark"]

_MISSING = BenchmarkAnswer(problem="There is no answer with this id.", missing=True)


@dataclass(frozen=True)
class RunConfig:
    """What is run."""

    benchmark: str
    data: str
    """A folder, a file, or a data set's name on the Hugging Face Hub."""
    out: Path
    """The folder of the run."""
    protocol: str | None = None
    judge: str = ""
    """`provider:model`, or `qwen3-vl:` with weights for this machine."""
    judge_options: Mapping[str, JsonValue] = field(default_factory=dict)
    """Options of the judge's model; a temperature here replaces the protocol's."""
    prompts: Path | None = None
    """A folder of prompt files that replace ours."""
    profile: str = "micro"
    experiment: str = "full"
    answers: str | None = None
    """Somebody's answers in the published layout, instead of the profile's."""
    leave_out_missing: bool = False
    """Whether items without an answer do not count, as in some published scripts; otherwise they count as failures."""
    limit: int | None = None
    """Number of items, the first ones of every group in turn; None: all."""
    seed: int = 0
    at_once: int = 4
    """Trajectories that run concurrently."""
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    """Where they run; its `at_once` does not count."""
    judge_at_once: int = 16
    """Calls of the judge that run concurrently."""
    image_price: float | None = None
    """US dollars for an image, for estimates; None: the known price of the profile's generator."""
    max_answers: int = 3
    """Answers of the judge to a question until one is usable."""

    def options_for(self, benchmark: Benchmark) -> dict[str, JsonValue]:
        """Returns the options of the judge's model, with the protocol's temperature unless another is given."""
        temperature = benchmark.protocol.temperature
        default: dict[str, JsonValue] = {} if temperature is None else {"temperature": temperature}
        return {name: value for name, value in {**default, **self.judge_options}.items() if value is not None}


@dataclass(frozen=True)
class BenchmarkRun:
    """A finished run."""

    config: RunConfig
    benchmark: Benchmark
    prompts: PromptFiles
    items: Sequence[Item]
    """In the order of the data; the first ones of every group if there is a limit."""
    answers: Mapping[str, BenchmarkAnswer]
    judged: Sequence[JudgedItem]
    data_digest: str
    data_ids: Sequence[str]
    """The ids of all items in the data, in order, without limit."""
    duplicates: int
    """Records of the data that are there twice."""
    replaced: int
    """Records of the answers that a later record with the same id replaced."""
    unknown: int
    """Answers whose id is not in the data."""
    usage: JudgeUsage

    @property
    def counted(self) -> Sequence[JudgedItem]:
        """The items that enter the figures."""
        if not self.config.leave_out_missing:
            return self.judged
        return [one for one in self.judged if not self.answers[one.score.id].missing]

    @property
    def complete(self) -> bool:
        """Whether all items of the data were run, and count."""
        return len(self.counted) == len(self.data_ids)


@dataclass(frozen=True)
class _Prepared:
    benchmark: Benchmark
    prompts: PromptFiles
    source: FileSource
    items: list[Item]
    """Without those beyond the limit."""
    ids: tuple[str, ...]
    """Of all items in the data, in order."""
    duplicates: int


async def run_benchmark(
    config: RunConfig,
    *,
    model: BaseChatModel | None = None,
    announce: Callable[[CostEstimate | GenerationEstimate], None] | None = None,
    progress: StageProgress = ignore_progress,
) -> BenchmarkRun:
    """Runs or resumes a benchmark.

    Args:
        config: What is run.
        model: The judge's model, instead of the one that `config.judge` names.
        announce: Called with the cost of answering before the first trajectory, and with the cost of the judge before
            its first call.
        progress: Called for every answered and every judged item.

    Raises:
        InputError: The data, the answers or an option cannot be used, the folder belongs to another run, or another
            process is writing to it.
        InterleaveError: A model, the image server or the disk failed; the same call resumes.
    """
    prepared = await asyncio.to_thread(_prepare, config)
    with only_writer(config.out):
        return await _run(config, prepared, model, announce, progress)


async def _run(
    config: RunConfig,
    prepared: _Prepared,
    model: BaseChatModel | None,
    announce: Callable[[CostEstimate | GenerationEstimate], None] | None,
    progress: StageProgress,
) -> BenchmarkRun:
    judge = _judge(config, prepared.benchmark, model)
    await asyncio.to_thread(_claim, config, prepared)
    if announce is not None and config.answers is None:
        announce(await asyncio.to_thread(_generation, config, prepared))
    answers, replaced, unknown = await _answers(config, prepared, progress)
    if announce is not None:
        announce(await asyncio.to_thread(estimate_cost, prepared.benchmark, prepared.items, answers, judge))
    judged = await judge_answers(
        prepared.benchmark, prepared.items, answers, judge, at_once=config.judge_at_once, progress=progress
    )
    return BenchmarkRun(
        config,
        prepared.benchmark,
        prepared.prompts,
        prepared.items,
        answers,
        judged,
        prepared.source.digest,
        prepared.ids,
        prepared.duplicates,
        replaced,
        unknown,
        judge.usage,
    )


def estimate_run(config: RunConfig) -> tuple[GenerationEstimate | None, CostEstimate]:
    """Returns what a run costs, without calling any model and without writing anything but unpacked images.

    Returns:
        The cost of answering, None for answers from files; and the cost of judging.
    """
    prepared = _prepare(config)
    generation = None if config.answers is not None else _generation(config, prepared)
    answers: dict[str, BenchmarkAnswer] | None = None
    if config.answers is not None:
        answers, _, _ = _answers_from_files(config, prepared)
    judge = None
    if config.judge:
        judge = ChatJudge(
            _NoModel(), name=config.judge, options=config.options_for(prepared.benchmark), cache=_cache(config)
        )
    return generation, estimate_cost(prepared.benchmark, prepared.items, answers, judge, name=config.judge)


def _generation(config: RunConfig, prepared: _Prepared) -> GenerationEstimate:
    profile = load_profile(config.profile)
    check_experiment(config.experiment, profile)
    begun = begun_items(config.out / "trajectories.jsonl")
    return estimate_generation(
        [item for item in prepared.items if item.id not in begun],
        changed_profile(config.experiment, profile),
        config.experiment,
        one_image=prepared.benchmark.one_image,
        image_price=config.image_price,
    )


class _NoModel(BaseChatModel):
    """Takes the place of a judge's model where nothing is asked."""

    @property
    def _llm_type(self) -> str:
        return "none"

    def _generate(self, *_: object, **__: object) -> None:  # type: ignore[override]
        raise NotImplementedError


def _prepare(config: RunConfig) -> _Prepared:
    benchmark, prompts = make_benchmark(config.benchmark, config.protocol, config.prompts)
    source = open_source(config.data, config.out / "data-images")
    read = benchmark.items(source.rows(), source)
    if not read:
        raise InputError(f"{config.data} has no items of {benchmark.title}. See the guide for the forms that are read.")
    items: dict[str, Item] = {}
    for item in read:
        if items.setdefault(item.id, item) != item:
            raise InputError(f"{config.data} has two different items with the id {item.id!r}. Remove one of them.")
    chosen = list(items.values())
    if config.limit is not None:
        chosen = _first_of_each_group(chosen, config.limit)
    return _Prepared(benchmark, prompts, source, chosen, tuple(items), len(read) - len(items))


def _first_of_each_group(items: Sequence[Item], limit: int) -> list[Item]:
    """Returns `limit` items in their order: the first of every group, then the second, and so on."""
    places: dict[str, int] = {}
    ranked = []
    for number, item in enumerate(items):
        places[item.group] = places.get(item.group, 0) + 1
        ranked.append((places[item.group], number, item))
    return [item for _, _, item in sorted(sorted(ranked, key=lambda one: one[:2])[:limit], key=lambda one: one[1])]


def _judge(config: RunConfig, benchmark: Benchmark, model: BaseChatModel | None) -> ChatJudge:
    options = config.options_for(benchmark)
    if model is None:
        from interleavethinker.tools.chat.loading import load_chat_model

        if not config.judge:
            raise InputError(
                f"Name the judge with --judge provider:model. The published figures of {benchmark.title} "
                f"({benchmark.protocol.name}) were judged by {benchmark.protocol.judge}."
            )
        model = load_chat_model(config.judge, **options)
    return ChatJudge(
        model,
        name=config.judge or None,
        options=options,
        cache=_cache(config),
        max_answers=config.max_answers,
        at_once=config.judge_at_once,
    )


def _cache(config: RunConfig) -> JudgeCache:
    return JudgeCache(config.out / "judge.jsonl")


def _claim(config: RunConfig, prepared: _Prepared) -> None:
    """Records what the folder belongs to, or checks that it belongs to this run."""
    path = config.out / "run.json"
    whose: dict[str, JsonValue] = {"answers": str(Path(config.answers).absolute())} if config.answers else {}
    if not whose:
        whose = {"profile": config.profile, "experiment": config.experiment, "seed": config.seed}
    if config.executor.name != "local" and config.answers is None:
        whose["shards"] = SHARDS
    # The requests differ between UEval's protocols, so answers belong to a protocol too.
    mine = {"benchmark": config.benchmark, "protocol": prepared.benchmark.protocol.name, **whose}
    mine["data"] = prepared.source.digest
    try:
        if path.is_file():
            theirs = parse_json(path.read_text(encoding="utf-8"))
            other = [
                f"{name} {theirs.get(name)!r}, not {mine.get(name)!r}"
                for name in {**mine, **theirs}
                if theirs.get(name) != mine.get(name)
            ]
            if other:
                raise InputError(f"{config.out} holds a run with {'; '.join(other)}. Choose another folder with --out.")
            return
        atomic_write(path, (json.dumps(mine, indent=2) + "\n").encode())
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(
            f"{path}, which says what the folder belongs to, cannot be used: {error}. If it is damaged, remove it and "
            "run the same command again: answers and judgments are kept."
        ) from error


async def _answers(
    config: RunConfig, prepared: _Prepared, progress: StageProgress
) -> tuple[dict[str, BenchmarkAnswer], int, int]:
    if config.answers is not None:
        return await asyncio.to_thread(_answers_from_files, config, prepared)
    if config.executor.name != "local":
        answers = await answer_in_shards(
            config.out / "shards",
            prepared.items,
            replace(config.executor, at_once=config.at_once),
            profile=config.profile,
            experiment=config.experiment,
            seed=config.seed,
            progress=progress,
        )
        return answers, 0, 0
    async with open_agent(config.out / "workspace", config.profile, config.experiment) as agent:
        answers = await answer_items(
            agent,
            prepared.items,
            config.out / "trajectories.jsonl",
            seed=config.seed,
            at_once=config.at_once,
            progress=progress,
        )
    return answers, 0, 0


def _answers_from_files(config: RunConfig, prepared: _Prepared) -> tuple[dict[str, BenchmarkAnswer], int, int]:
    folder = Path(config.answers or "").expanduser()
    if not folder.exists():
        raise InputError(f"There is no folder or file of answers {folder}.")
    found, replaced = prepared.benchmark.answers(FileSource(folder, config.out / "data-images"), prepared.items)
    if not found:
        raise InputError(f"{folder} has no answer in the published layout of {prepared.benchmark.title}.")
    answers = {item.id: found.get(item.id, _MISSING) for item in prepared.items}
    return answers, replaced, len(found.keys() - set(prepared.ids))
