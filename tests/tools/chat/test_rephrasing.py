"""A critic is asked for a prompt that was not tried: told what was tried, or sampled with a seed."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from interleavethinker.tools.chat.agents import ChatCritic
from interleavethinker.tools.chat.answers import write_verdict
from interleavethinker.tools.chat.rephrasing import Rephrasings
from interleavethinker.tools.errors import ModelError, ProfileError
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import RuleCritic
from interleavethinker.tools.types import CriticInput, Verdict

TRIED = ["a red ball", "a crimson ball"]
REPEATED = Verdict(success=False, refined_prompt="a red ball", reasoning="it is blue", confidence=0.2)


class Scripted(BaseChatModel):
    """Returns its answers in order, then the last one again and again, and records its calls."""

    answers: list[Any]
    _calls: list[tuple[str, float | None, int | None]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def calls(self) -> list[tuple[str, float | None, int | None]]:
        return self._calls

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self._calls.append((messages[-1].text, getattr(self, "temperature", None), getattr(self, "seed", None)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=answer))])


class Sampled(Scripted):
    temperature: float = 0.0
    seed: int | None = None


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path)


def case_in(store: ImageStore) -> CriticInput:
    from PIL import Image

    image = store.put(encode_png(Image.new("RGB", (32, 32), "blue")))
    return CriticInput(source=None, image=image, original_prompt="a red ball", prompt="a crimson ball")


def rejects(prompt: str) -> str:
    return write_verdict(Verdict(success=False, refined_prompt=prompt, reasoning="now it is green"))


ACCEPTS = write_verdict(Verdict(success=True, refined_prompt="a fine ball", reasoning="now it is red"))


async def test_a_critic_is_told_what_was_tried_and_only_its_words_change(store: ImageStore) -> None:
    model = Scripted(answers=[rejects("a ball of red color")])
    critic = ChatCritic(model, store, rephrasings=Rephrasings(2))
    verdict = await critic.rephrase(case_in(store), REPEATED, TRIED, 7)
    assert verdict == REPEATED.model_copy(update={"refined_prompt": "a ball of red color", "rephrasings": 1})
    ((text, _, _),) = model.calls
    assert text.endswith("- a red ball\n- a crimson ball")


async def test_answers_that_repeat_accept_or_cannot_be_read_are_passed_over_within_the_bound(store: ImageStore) -> None:
    answers = ["no idea", ACCEPTS, rejects(" A Crimson  BALL."), rejects("a new one")]
    for most, prompt in ((3, "a red ball"), (4, "a new one")):
        model = Scripted(answers=list(answers))
        verdict = await ChatCritic(model, store, rephrasings=Rephrasings(most)).rephrase(
            case_in(store), REPEATED, TRIED, 7
        )
        assert (verdict.refined_prompt, verdict.rephrasings, len(model.calls)) == (prompt, most, most)
        assert (verdict.success, verdict.reasoning, verdict.confidence) == (False, "it is blue", 0.2)


async def test_sampled_answers_have_seeds_of_their_own_that_follow_from_the_given_one(store: ImageStore) -> None:
    model = Sampled(answers=[rejects("a red ball")], seed=5)
    critic = ChatCritic(model, store, rephrasings=Rephrasings(3, 0.8))
    for _ in range(2):
        await critic.rephrase(case_in(store), REPEATED, TRIED, 2**31 - 2)
    await critic.judge([case_in(store)])
    *sampled, judged = model.calls
    assert [(temperature, seed) for _, temperature, seed in sampled] == [(0.8, 2**31 - 1), (0.8, 0), (0.8, 1)] * 2
    assert judged[1:] == (0.0, 5), "the verdict itself stays greedy"
    assert len({text for text, _, _ in model.calls}) == 1, "the same question, sampled"


def test_a_model_without_a_temperature_cannot_be_sampled(store: ImageStore) -> None:
    with pytest.raises(ProfileError, match=r"Scripted has none\. Remove it"):
        ChatCritic(Scripted(answers=[""]), store, rephrasings=Rephrasings(1, 1.0))


@pytest.mark.parametrize(("code", "raised"), [("timeout", False), ("model", True)])
async def test_a_critic_that_takes_too_long_keeps_its_prompt(store: ImageStore, code: str, raised: bool) -> None:
    model = Scripted(answers=[ModelError("too slow", code=code)])
    asked = ChatCritic(model, store, rephrasings=Rephrasings(3)).rephrase(case_in(store), REPEATED, TRIED, 7)
    if raised:
        with pytest.raises(ModelError, match="too slow"):
            await asked
        return
    verdict = await asked
    assert (verdict.refined_prompt, verdict.rephrasings) == ("a red ball", 1)


@pytest.mark.parametrize("second", [Verdict(success=True, reasoning="it is there"), Verdict(success=None)])
async def test_a_fallback_critic_judges_where_the_model_only_repeats_itself(store: ImageStore, second: Verdict) -> None:
    fallback = RuleCritic(lambda _: second)
    critic = ChatCritic(Scripted(answers=[]), store, fallback=fallback)
    verdict = await critic.rephrase(case_in(store), REPEATED, TRIED, 1)
    assert len(fallback.calls) == 1
    if second.success is None:
        assert verdict == REPEATED
    else:
        assert verdict.success
        assert "repeats a prompt that was tried" in verdict.reasoning


async def test_a_fallback_critic_is_not_asked_where_the_model_finds_other_words(store: ImageStore) -> None:
    fallback = RuleCritic()
    other = write_verdict(Verdict(success=False, refined_prompt="a scarlet ball", reasoning="it is blue"))
    critic = ChatCritic(Scripted(answers=[other]), store, rephrasings=Rephrasings(1), fallback=fallback)
    verdict = await critic.rephrase(case_in(store), REPEATED, TRIED, 1)
    assert (verdict.refined_prompt, verdict.success, fallback.calls) == ("a scarlet ball", False, [])
