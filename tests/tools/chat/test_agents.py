"""Planner and critic over a scripted chat model: what they ask, how often, and what they make of the answers."""

import asyncio
import base64
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner, to_messages
from interleavethinker.tools.chat.answers import write_plan, write_verdict
from interleavethinker.tools.chat.loading import load_chat_model
from interleavethinker.tools.chat.logprobs import confidence_of
from interleavethinker.tools.chat.rendering import load_prompts, render_case, render_request
from interleavethinker.tools.errors import ModelAnswerError, ModelError, ProfileError
from interleavethinker.tools.images.png import encode_png, image_size
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.types import Attempt, CriticInput, ImagePart, Plan, Step, TextPart, Verdict

YES = write_verdict(Verdict(success=True, refined_prompt="p", reasoning="fine"))
NONSENSE = "I would rather not."


class Scripted(BaseChatModel):
    """Gives its answers in order; the last one again and again."""

    answers: list[Any]
    _asked: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def asked(self) -> list[list[BaseMessage]]:
        return self._asked

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self._asked.append(messages)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=answer))])


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path)


def add(store: ImageStore, colour: str, width: int = 32, height: int = 48) -> str:
    from PIL import Image

    return store.put(encode_png(Image.new("RGB", (width, height), colour)))


def pictures(messages: Sequence[BaseMessage]) -> list[bytes]:
    blocks = [block for message in messages for block in message.content if isinstance(block, dict)]
    return [base64.b64decode(block["base64"]) for block in blocks if block["type"] == "image"]


async def test_a_planner_sees_every_part_of_the_request_in_order(store: ImageStore) -> None:
    model = Scripted(answers=[write_plan(plan_of("a"))])
    one, two = add(store, "red"), add(store, "blue")
    request = as_request(
        [ImagePart(sha256=one), TextPart(text="and then"), ImagePart(sha256=two), ImagePart(sha256=one)]
    )
    assert (await ChatPlanner(model, store).plan(request, PlanContext())).steps == plan_of("a").steps
    assert pictures(model.asked[0]) == [store.get(name) for name in (one, two, one)]
    assert model.asked[0][0].text == load_prompts().planner_interleaved


async def test_a_planner_without_pictures_gets_the_other_prompt(store: ImageStore) -> None:
    model = Scripted(answers=[write_plan(plan_of("a"))])
    await ChatPlanner(model, store).plan(as_request("a ball"), PlanContext())
    assert [message.text for message in model.asked[0]] == [load_prompts().planner_text, "a ball"]


async def test_an_unusable_answer_is_asked_again_with_what_is_wrong_and_only_so_often(store: ImageStore) -> None:
    model = Scripted(answers=[NONSENSE, '<answer>{"execution_plan": []}</answer>', write_plan(plan_of("a"))])
    await ChatPlanner(model, store).plan(as_request("x"), PlanContext())
    assert len(model.asked) == 3
    assert "none was found" in model.asked[1][-1].text
    assert model.asked[1][-2].text == NONSENSE
    assert "at least 1 item" in model.asked[2][-1].text
    stubborn = Scripted(answers=[NONSENSE])
    with pytest.raises(ModelAnswerError, match="after 2 questions"):
        await ChatPlanner(stubborn, store, questions=2).plan(as_request("x"), PlanContext())
    assert len(stubborn.asked) == 2


async def test_a_named_number_of_steps_is_insisted_on_but_not_at_the_price_of_no_plan(store: ImageStore) -> None:
    willing = Scripted(answers=[write_plan(plan_of("a", "b")), write_plan(plan_of("a", "b", "c"))])
    plan = await ChatPlanner(willing, store).plan(as_request("a story in three steps"), PlanContext())
    assert len(plan.steps) == 3
    assert "exactly that many, not 2" in willing.asked[1][-1].text
    stubborn = Scripted(answers=[write_plan(plan_of("a", "b"))])
    plan = await ChatPlanner(stubborn, store).plan(as_request("a story in three steps"), PlanContext())
    assert len(plan.steps) == 2


async def test_words_alone_are_an_answer_to_a_request_that_names_steps(store: ImageStore) -> None:
    model = Scripted(answers=[write_plan(Plan(steps=(Step(auxiliary_text="A cat."),)))])
    request = as_request([ImagePart(sha256=add(store, "red")), "what happens in these 3 pictures?"])
    assert len((await ChatPlanner(model, store).plan(request, PlanContext())).steps) == 1
    assert len(model.asked) == 1


async def test_a_planner_that_plans_anew_is_told_what_is_done_and_what_failed(store: ImageStore) -> None:
    model = Scripted(answers=[write_plan(plan_of("z"))])
    done = Attempt(plan_version=1, step=0, iteration=0, prompt="a!", seed=1, source=None, image="a" * 64)
    context = PlanContext(plan_of("first", "{{done}}"), (done,), (0,), 1)
    await ChatPlanner(model, store).plan(as_request("in 5 steps"), context)
    told = model.asked[0][-1].text
    assert "Failed:\n- first" in told
    assert told.endswith("- {{done}}"), "a prompt that looks like a placeholder stays what it is"


async def test_the_critic_sees_source_and_result_and_both_prompts(store: ImageStore) -> None:
    model = Scripted(answers=[YES])
    source, image = add(store, "red"), add(store, "blue")
    case = CriticInput(source=source, image=image, original_prompt="the wish", prompt="the words {{prompt}}")
    (verdict,) = await ChatCritic(model, store).judge([case])
    assert verdict == Verdict(success=True, refined_prompt="p", reasoning="fine")
    assert pictures(model.asked[0]) == [store.get(source), store.get(image)]
    assert "the wish" in model.asked[0][0].text
    assert "the words {{prompt}}" in model.asked[0][0].text


async def test_without_a_source_the_critic_sees_a_white_picture_of_the_same_size(store: ImageStore) -> None:
    from PIL import Image

    model = Scripted(answers=[YES])
    await ChatCritic(model, store).judge(
        [CriticInput(source=None, image=add(store, "blue"), original_prompt="a", prompt="a")]
    )
    assert pictures(model.asked[0])[0] == encode_png(Image.new("RGB", (32, 48), "white"))


async def test_large_pictures_are_scaled_down_for_the_model_alone(store: ImageStore) -> None:
    name = add(store, "red", 3000, 1500)
    shown = pictures(to_messages(render_request(as_request([ImagePart(sha256=name)])), store))[0]
    width, height = image_size(shown)
    assert width * height <= 1024 * 1024
    assert width == pytest.approx(2 * height, abs=2)
    assert image_size(store.get(name)) == (3000, 1500)


async def test_a_critic_that_never_answers_properly_leaves_it_unjudged_and_says_why(store: ImageStore) -> None:
    model = Scripted(answers=[NONSENSE])
    case = CriticInput(source=None, image=add(store, "blue"), original_prompt="a", prompt="a")
    (verdict,) = await ChatCritic(model, store, questions=2).judge([case])
    assert verdict.success is None
    assert "after 2 questions" in verdict.reasoning
    assert len(model.asked) == 2


async def test_a_model_that_cannot_be_reached_is_an_error_and_no_verdict(store: ImageStore) -> None:
    model = Scripted(answers=[ConnectionError("no route")])
    case = CriticInput(source=None, image=add(store, "blue"), original_prompt="a", prompt="a")
    with pytest.raises(ModelError, match="no route"):
        await ChatCritic(model, store).judge([case])


async def test_all_cases_are_asked_at_once(store: ImageStore) -> None:
    together = asyncio.Barrier(3)

    class Meeting(Scripted):
        async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
            await together.wait()
            return self._generate(messages)

    case = CriticInput(source=None, image=add(store, "blue"), original_prompt="a", prompt="a")
    async with asyncio.timeout(10):
        assert len(await ChatCritic(Meeting(answers=[YES]), store).judge([case] * 3)) == 3


def test_own_prompt_files_replace_the_shipped_ones_one_by_one(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="at least one"):
        load_prompts(tmp_path / "none")
    (tmp_path / "critic.md").write_text("Judge {{prompt}} by {{original_prompt}} {{other}}!\n")
    prompts = load_prompts(tmp_path)
    assert prompts.planner_text == load_prompts().planner_text
    case = CriticInput(source=None, image="a" * 64, original_prompt="o", prompt="p")
    assert render_case(case, prompts)[0].text == "Judge p by o {{other}}!"


def test_a_provider_that_is_not_installed_or_not_known_is_told_as_such() -> None:
    with pytest.raises(ProfileError, match="nobody:x"):
        load_chat_model("nobody:x")


def said(*tokens: tuple[str, dict[str, float]]) -> AIMessage:
    content = [
        {
            "token": text,
            "logprob": math.log(top.get(text, 0.9)),
            "top_logprobs": [{"token": t, "logprob": math.log(p)} for t, p in top.items()],
        }
        for text, top in tokens
    ]
    return AIMessage(content="".join(text for text, _ in tokens), response_metadata={"logprobs": {"content": content}})


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([('{"ok":', {}), (" true", {" true": 0.6, " false": 0.2, "x": 0.2}), ("}", {})], 0.75),
        ([('{"ok": ', {}), ("tr", {"tr": 0.3, "f": 0.6, "t": 0.1}), ("ue}", {})], 0.4),
        ([('{"o', {}), ('k":', {}), (" false", {" false": 0.9, " true": 0.1})], 0.1),
        ([('"ok": true ', {}), ('{"ok": ', {}), ("false", {"false": 0.8, "true": 0.2})], 0.2),
        ([('{"ok": true', {'{"ok": true': 0.3, '{"ok": false': 0.1})], 0.75),
        ([("no json", {})], None),
    ],
)
def test_confidence_is_the_share_of_true_at_the_boolean_token(
    tokens: list[tuple[str, dict[str, float]]], expected: float | None
) -> None:
    assert confidence_of(said(*tokens), "ok") == pytest.approx(expected)


def test_without_log_probabilities_there_is_no_confidence() -> None:
    assert confidence_of(AIMessage(content='{"ok": true}'), "ok") is None
    assert (
        confidence_of(AIMessage(content="", response_metadata={"logprobs": {"content": [{"other": 1}]}}), "ok") is None
    )
    assert confidence_of(AIMessage(content="", response_metadata={"logprobs": "yes"}), "ok") is None
