"""The trained agents in this repository: their size, their model cards, and what they can do."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from interleavethinker.evaluation.micro.critic_cases import CriticCase, RetryTask, generate_cases, retry_failures
from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.microworld.agents.registry import CRITICS, PLANNERS, AgentWeights, available, prompts_folder
from interleavethinker.microworld.agents.teachers import plan_of, request_of
from interleavethinker.microworld.generators.micro import MicroGenerator
from interleavethinker.microworld.requests.families import sample_scenario
from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.chat.loading import load_chat_model
from interleavethinker.tools.chat.rephrasing import Rephrasings
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.qwen3vl.inference import resolve_folder
from interleavethinker.tools.types import Request, TextPart, Verdict

SHIPPED = {
    name: weights
    for name, weights in {**available(PLANNERS), **available(CRITICS)}.items()
    if "interleavethinker.microworld:" in weights.model  # the others are in the run folders of their recipes
}


def _folder(weights: AgentWeights) -> Path:
    return Path(resolve_folder(weights.adapter or weights.model.partition("qwen3-vl:")[2]))


def test_planner_and_critic_ship() -> None:
    assert {"sft", "one_agent"} <= set(available(PLANNERS))
    assert {"sft", "sft_continued", "grpo", "grpo_seed1"} <= set(available(CRITICS))


@pytest.mark.parametrize("name", SHIPPED)
def test_models_name_the_processor_class_of_transformers_so_that_other_programs_load_it(name: str) -> None:
    folder = _folder(SHIPPED[name])
    if (folder / "adapter_config.json").is_file():
        return
    for file in ("processor_config.json", "tokenizer_config.json"):
        assert json.loads((folder / file).read_text(encoding="utf-8"))["processor_class"] == "Qwen3VLProcessor"


@pytest.mark.parametrize("name", SHIPPED)
def test_weights_are_small_and_have_a_card(name: str) -> None:
    folder = _folder(SHIPPED[name])
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    assert 0 < weights < (2_000_000 if SHIPPED[name].adapter else 10_000_000)
    assert "license: apache-2.0" in (folder / "README.md").read_text(encoding="utf-8")
    assert not list(folder.glob("*.bin")), "pickled files must not ship"


async def test_the_planner_plans_the_example_in_the_users_own_words(tmp_path: Path) -> None:
    profile = load_profile("micro")
    assert profile.example is not None
    model = load_chat_model(PLANNERS["sft"].model, dtype="float32", max_new_tokens=600)
    planner = ChatPlanner(model, ImageStore(tmp_path), prompts=prompts_folder())
    plan = await planner.plan(Request(parts=(TextPart(text=profile.example),)), PlanContext())
    assert len(plan.steps) == 4
    assert all((step.prompt or "?") in profile.example for step in plan.steps)


async def test_the_planner_looks_at_a_given_image_before_it_plans_a_change(tmp_path: Path) -> None:
    """Plans held-out changes that must be inferred from an image; a planner that guesses gets few right."""
    store, right, asked = ImageStore(tmp_path), 0, 0
    model = load_chat_model(PLANNERS["sft"].model, dtype="float32", max_new_tokens=400, max_batch=16)
    planner = ChatPlanner(model, store, prompts=prompts_folder())
    for index in range(6, 6 + 7 * 12, 7):
        drawn = sample_scenario(77, index, "combinations")
        assert drawn.family == "reasoning"
        plan = await planner.plan(request_of(drawn.scenario, store), PlanContext())
        wanted = [step.prompt for step in plan_of(drawn.scenario).steps]
        right += [step.prompt for step in plan.steps] == wanted
        asked += 1
    assert right > asked / 2


@pytest.fixture(scope="module")
def attempts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageStore, MicroGenerator, Sequence[CriticCase]]:
    """First attempts of the shipped generator at steps that no training contains."""
    store, generator = ImageStore(tmp_path_factory.mktemp("attempts")), MicroGenerator()
    return store, generator, generate_cases(generator, store, 48, 5, retry_seeds=2)


def _critic(name: str, store: ImageStore, rephrasings: Rephrasings = Rephrasings()) -> ChatCritic:  # noqa: B008 - frozen
    weights = CRITICS[name]
    sizes = {"dtype": "float32", "max_new_tokens": 200, "max_batch": 16}
    model = load_chat_model(weights.model, **sizes, **weights.options)
    return ChatCritic(model, store, prompts=prompts_folder(), max_answers=1, rephrasings=rephrasings)


@pytest.mark.parametrize("name", ["sft", "grpo"])
async def test_critics_accept_good_images_and_reject_bad_ones(
    name: str, attempts: tuple[ImageStore, MicroGenerator, Sequence[CriticCase]]
) -> None:
    """A critic that guesses is right half of the time."""
    store, _, cases = attempts
    verdicts = await _critic(name, store).judge([one.input for one in cases])
    for good in (True, False):
        right = [verdict.success is good for verdict, one in zip(verdicts, cases, strict=True) if one.success is good]
        assert len(right) > 10
        assert sum(right) > 0.7 * len(right)


async def test_the_critics_rewritten_prompts_fix_most_failures_and_new_seeds_do_not(
    attempts: tuple[ImageStore, MicroGenerator, Sequence[CriticCase]],
) -> None:
    store, generator, cases = attempts
    failed = [one for one in cases if not one.success]
    verdicts = await _critic("grpo", store).judge([one.input for one in failed])

    def gain(prompts: Sequence[str]) -> float:
        again = [RetryTask(text, one.source, one.target, one.seeds) for text, one in zip(prompts, failed, strict=True)]
        pairs = zip(retry_failures(generator, again), failed, strict=True)
        return sum(sum(scores) / len(scores) - one.score.overall / 10 for scores, one in pairs) / len(failed)

    assert (
        gain([verdict.refined_prompt or one.input.prompt for verdict, one in zip(verdicts, failed, strict=True)]) > 0.3
    )
    assert gain([one.input.prompt for one in failed]) < 0.1


async def test_a_critic_that_is_asked_for_other_words_finds_some_and_the_same_ones_for_the_same_seed(
    attempts: tuple[ImageStore, MicroGenerator, Sequence[CriticCase]],
) -> None:
    store, _, cases = attempts
    critic = _critic("grpo", store, Rephrasings(4, 1.0))
    failed = [one.input for one in cases if not one.success][:4]
    rejected = [
        (case, verdict)
        for case, verdict in zip(failed, await critic.judge(failed), strict=True)
        if verdict.success is False
    ]

    async def other_words(number: int) -> Verdict:
        case, verdict = rejected[number]
        return await critic.rephrase(case, verdict, [case.prompt, verdict.refined_prompt], number)

    beside = await asyncio.gather(*map(other_words, range(len(rejected))))
    alone = [await other_words(number) for number in range(len(rejected))]
    assert beside == alone, "side by side, in one batch, as one after the other"
    found = [
        new.refined_prompt
        for new, (case, old) in zip(beside, rejected, strict=True)
        if new.refined_prompt not in {case.prompt, old.refined_prompt}
    ]
    assert found
    assert all(new.confidence == old.confidence for new, (_, old) in zip(beside, rejected, strict=True))
