"""Variants that a critic compares in pairs: a scripted chat model that looks at the images, through the real critic."""

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from interleavethinker.graph import Components, HumanVerdict, Limits, Workspace
from interleavethinker.graph.attempts import derive_seed
from interleavethinker.graph.profiles.opening import _build_role
from interleavethinker.graph.profiles.profile import Role
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.chat.agents import ChatCritic
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import GenerationRequest

SEED = 5
FOUR = Limits(variants=4, max_attempts=2)


class Judge(BaseChatModel):
    """Accepts or rejects every image with the same words, and compares two images by taste.

    Attributes:
        taste: How much it likes each variant of the first step, by its number.
        accepts: Numbers of the variants that it accepts.
        says: Its answer to every comparison instead.
    """

    taste: Mapping[int, int]
    accepts: frozenset[int] = frozenset(range(-1, 20))
    says: str | None = None
    logprobs: bool = True
    confidences: Mapping[int, float] = {}
    _compared: list[tuple[int, int]] = PrivateAttr(default_factory=list)
    _seen: list[int] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "judge"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        blocks = [block for block in messages[-1].content if isinstance(block, dict)]
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        images = [base64.b64decode(block["base64"]) for block in blocks if block["type"] == "image"]
        self._seen.append(len(images))
        if "picture A" in text:
            return self._answer(self._comparison(*map(number_of, images[-2:])))
        number = number_of(images[1])
        accepted = number in self.accepts
        answer = {"previous_step_success": accepted, "refine_prompt": f"as {number} lacked"}
        return self._answer(json.dumps(answer), self.confidences.get(number, 0.5), accepted=accepted)

    def _comparison(self, first: int, second: int) -> str:
        self._compared.append((first, second))
        better = "A" if self.taste.get(first, 0) > self.taste.get(second, 0) else "B"
        return self.says if self.says is not None else json.dumps({"better": better})

    def _answer(self, text: str, confidence: float = 0.5, *, accepted: bool = True) -> ChatResult:
        words = f"<think>I looked.</think><answer>{text}</answer>"
        head, value, tail = words.partition("true" if accepted else "false")
        logs = {"true": math.log(confidence), "false": math.log1p(-confidence)}
        top = [{"token": word, "logprob": log} for word, log in logs.items()]
        content = [{"token": part, "logprob": -0.1, "top_logprobs": top} for part in (head, value, tail)]
        message = AIMessage(words, response_metadata={"logprobs": {"content": content}})
        return ChatResult(generations=[ChatGeneration(message=message)])


NUMBERS = {
    hashlib.sha256(fake_image(GenerationRequest(prompt="a", seed=derive_seed(SEED, 0, n)))).hexdigest(): n
    for n in range(8)
}


def number_of(png: bytes) -> int:
    """Returns the number of a first step's attempt; -1 for another image."""
    return NUMBERS.get(hashlib.sha256(png).hexdigest(), -1)


async def answer(folder: Path, model: Judge, *, comparisons: int = 3, limits: Limits = FOUR) -> Trajectory:
    store = ImageStore(folder / "images")
    critic = ChatCritic(model, store, comparisons=comparisons, max_answers=1)
    components = Components(FixedPlanner(plan_of("a")), critic, MemoryGenerator(store))
    async with Workspace.open(folder, components) as workspace:
        return await workspace.run(await workspace.create("x", seed=SEED, limits=limits))


def kept(trajectory: Trajectory) -> int:
    selected = trajectory.selected(0)
    assert selected is not None
    return selected.iteration


def places(trajectory: Trajectory) -> list[int | None]:
    return [None if one.verdict is None else one.verdict.place for one in trajectory.attempts]


async def test_the_variant_that_wins_the_comparisons_is_kept_whatever_the_confidences(tmp_path: Path) -> None:
    model = Judge(taste={0: 1, 1: 4, 2: 3, 3: 2}, confidences={0: 0.9, 1: 0.5, 2: 0.8, 3: 0.7})
    result = await answer(tmp_path, model)
    assert kept(result) == 1
    assert places(result) == [3, 1, 2, 4]
    assert len(model._compared) == 6, "three pairs decide among four variants, each in both orders"
    assert {tuple(reversed(pair)) for pair in model._compared} == set(model._compared)
    again = Trajectory.model_validate_json(result.model_dump_json())
    assert places(again) == places(result)


@pytest.mark.parametrize("says", ['{"better": "A"}', '{"better": "B"}', '{"better": "same"}', "I like both.", "{}"])
async def test_a_position_bias_or_an_unusable_answer_leaves_the_choice_to_the_confidence(
    says: str, tmp_path: Path
) -> None:
    model = Judge(taste={}, says=says, confidences={0: 0.6, 1: 0.5, 2: 0.9, 3: 0.7})
    result = await answer(tmp_path, model)
    assert (kept(result), places(result)) == (2, [2, 4, 1, 3])


async def test_the_number_of_comparisons_is_bounded(tmp_path: Path) -> None:
    model = Judge(taste={1: 9, 2: 5}, confidences={0: 0.9, 1: 0.2, 2: 0.8, 3: 0.7})
    result = await answer(tmp_path, model, comparisons=1)
    assert {frozenset(pair) for pair in model._compared} == {frozenset({0, 2})}, "the two most confident ones"
    assert kept(result) == 2
    assert places(result) == [2, 4, 1, 3]


async def test_without_the_setting_nothing_is_compared(tmp_path: Path) -> None:
    model = Judge(taste={1: 9}, confidences={0: 0.9, 1: 0.2, 2: 0.8, 3: 0.7})
    result = await answer(tmp_path, model, comparisons=0)
    assert (kept(result), model._compared, places(result)) == (0, [], [None] * 4)


async def test_only_accepted_variants_are_compared(tmp_path: Path) -> None:
    model = Judge(taste={0: 9, 2: 2, 3: 1}, accepts=frozenset({2, 3}), confidences={2: 0.6, 3: 0.9})
    result = await answer(tmp_path, model)
    assert (kept(result), places(result)) == (2, [None, None, 1, 2])


async def test_a_single_accepted_variant_needs_no_comparison(tmp_path: Path) -> None:
    model = Judge(taste={}, accepts=frozenset({2}))
    result = await answer(tmp_path, model)
    assert (kept(result), model._compared) == (2, [])


async def test_of_rejected_variants_the_winner_is_refined_and_kept_if_nothing_better_comes(tmp_path: Path) -> None:
    model = Judge(taste={3: 9}, accepts=frozenset(), confidences={0: 0.4, 3: 0.3, -1: 0.1})
    result = await answer(tmp_path, model)
    assert [one.prompt for one in result.attempts] == ["a"] * 4 + ["as 3 lacked"]
    assert kept(result) == 3


async def test_a_person_outranks_the_comparison(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    model = Judge(taste={1: 9}, accepts=frozenset())
    components = Components(FixedPlanner(plan_of("a")), ChatCritic(model, store, comparisons=3), MemoryGenerator(store))
    async with Workspace.open(tmp_path, components) as workspace:
        name = (await workspace.run(await workspace.create("x", seed=SEED, limits=Limits(variants=4, max_calls=4)))).id
        await workspace.change_limits(name, Limits(variants=4, max_calls=9))
        await workspace.judge(name, HumanVerdict(success=True, iteration=2))
        assert kept(await workspace.run(name)) == 2


async def test_a_comparison_of_edits_shows_the_source_as_well(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    model = Judge(taste={})
    critic = ChatCritic(model, store, comparisons=1, max_answers=1)
    components = Components(FixedPlanner(plan_of("a", "b")), critic, MemoryGenerator(store))
    async with Workspace.open(tmp_path, components) as workspace:
        await workspace.run(await workspace.create("x", seed=SEED, limits=Limits(variants=2)))
    assert sorted(model._seen) == [2] * 6 + [3] * 2, "four verdicts and a pair of the first step see two images"


async def test_critics_that_cannot_compare_rank_as_before(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    components = Components(FixedPlanner(plan_of("a")), RuleCritic(), MemoryGenerator(store))
    async with Workspace.open(tmp_path, components) as workspace:
        result = await workspace.run(await workspace.create("x", seed=SEED, limits=FOUR))
    assert (kept(result), places(result)) == (3, [None] * 4)


def test_a_profile_gives_the_setting_to_its_critic(tmp_path: Path) -> None:
    role = Role(model="openai:gpt-5-mini", comparisons=2, options={"api_key": "none"})
    critic = _build_role(role, ImageStore(tmp_path), "critic")
    assert isinstance(critic, ChatCritic)
    assert critic.comparisons == 2
