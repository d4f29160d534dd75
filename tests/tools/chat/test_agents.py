"""Planner and critic with a scripted chat model: what it is sent, how often, and how its answers are read."""

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

from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.chat.answers import write_plan, write_verdict
from interleavethinker.tools.chat.loading import load_chat_model
from interleavethinker.tools.chat.logprobs import confidence_of
from interleavethinker.tools.chat.messages import to_messages
from interleavethinker.tools.chat.rendering import load_prompts, render_case, render_request
from interleavethinker.tools.errors import ModelAnswerError, ModelError, ProfileError
from interleavethinker.tools.images.png import encode_png, image_size
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.testing.agents import RuleCritic, plan_of
from interleavethinker.tools.types import Attempt, CriticInput, ImagePart, Plan, Step, TextPart, Verdict

ACCEPTED = write_verdict(Verdict(success=True, refined_prompt="p", reasoning="fine"))
NONSENSE = "I would rather not."
HUGE = pytest.param(10**400, id="no float")


class Scripted(BaseChatModel):
    """Returns its answers in order, then the last one again and again."""

    answers: list[Any]
    _calls: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def calls(self) -> list[list[BaseMessage]]:
        return self._calls

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self._calls.append(messages)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        message = answer if isinstance(answer, AIMessage) else AIMessage(content=answer)
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path)


def add(store: ImageStore, color: str, width: int = 32, height: int = 48) -> str:
    from PIL import Image

    return store.put(encode_png(Image.new("RGB", (width, height), color)))


def images_in(messages: Sequence[BaseMessage]) -> list[bytes]:
    blocks = [block for message in messages for block in message.content if isinstance(block, dict)]
    return [base64.b64decode(block["base64"]) for block in blocks if block["type"] == "image"]


async def test_a_planner_sees_every_part_of_the_request_in_order(store: ImageStore) -> None:
    model = Scripted(answers=[write_plan(plan_of("a"))])
    one, two = add(store, "red"), add(store, "blue")
    request = as_request(
        [ImagePart(sha256=one), TextPart(text="and then"), ImagePart(sha256=two), ImagePart(sha256=one)]
    )
    assert (await ChatPlanner(model, store).plan(request, PlanContext())).steps == plan_of("a").steps
    assert images_in(model.calls[0]) == [store.get(name) for name in (one, two, one)]
    assert model.calls[0][0].text == load_prompts().planner_interleaved


async def test_a_planner_gets_another_prompt_for_a_request_without_images(store: ImageStore) -> None:
    model = Scripted(answers=[write_plan(plan_of("a"))])
    await ChatPlanner(model, store).plan(as_request("a ball"), PlanContext())
    assert [message.text for message in model.calls[0]] == [load_prompts().planner_text, "a ball"]


async def test_an_unusable_answer_is_retried_with_its_problem_up_to_a_limit(store: ImageStore) -> None:
    model = Scripted(answers=[NONSENSE, '<answer>{"execution_plan": []}</answer>', write_plan(plan_of("a"))])
    await ChatPlanner(model, store).plan(as_request("x"), PlanContext())
    assert len(model.calls) == 3
    assert "none was found" in model.calls[1][-1].text
    assert model.calls[1][-2].text == NONSENSE
    assert "at least 1 item" in model.calls[2][-1].text
    stubborn = Scripted(answers=[NONSENSE])
    with pytest.raises(ModelAnswerError, match="no usable answer in 2 attempts"):
        await ChatPlanner(stubborn, store, max_answers=2).plan(as_request("x"), PlanContext())
    assert len(stubborn.calls) == 2


async def test_a_planner_that_refuses_in_prose_is_quoted(store: ImageStore) -> None:
    words = "<think>No.</think>I'm sorry,\nbut I \x1b[31mcannot help with that. " + "Really. " * 100
    with pytest.raises(ModelAnswerError, match=r"It wrote: “I'm sorry, but I cannot help with that\. Really") as caught:
        await ChatPlanner(Scripted(answers=[words]), store).plan(as_request("x"), PlanContext())
    assert len(str(caught.value)) < 500
    refusal = AIMessage("", additional_kwargs={"refusal": "I can't assist with this."})
    with pytest.raises(ModelAnswerError, match=r"It wrote: “I can't assist with this\.”"):
        await ChatPlanner(Scripted(answers=[refusal]), store).plan(as_request("x"), PlanContext())


async def test_an_answer_of_the_wrong_form_is_not_quoted_as_a_refusal(store: ImageStore) -> None:
    with pytest.raises(ModelAnswerError) as caught:
        await ChatPlanner(Scripted(answers=['{"plan": []}']), store).plan(as_request("x"), PlanContext())
    assert "It wrote" not in str(caught.value)


async def test_a_critic_rewords_a_refused_prompt_or_leaves_it_as_it_is(store: ImageStore) -> None:
    answer = '<think>t</think><answer>{"previous_step_success": false, "refine_prompt": "red paint"}</answer>'
    model = Scripted(answers=[answer])
    assert await ChatCritic(model, store).reword("blood!", "blood", "unsafe content") == "red paint"
    shown = str(model.calls[0])
    assert all(text in shown for text in ("blood!", "blood", "unsafe content"))
    assert await ChatCritic(Scripted(answers=["I cannot."]), store).reword("blood", "blood", "no") == "blood"


async def test_a_plan_with_the_wrong_number_of_steps_is_retried_but_better_than_no_plan(store: ImageStore) -> None:
    willing = Scripted(answers=[write_plan(plan_of("a", "b")), write_plan(plan_of("a", "b", "c"))])
    plan = await ChatPlanner(willing, store).plan(as_request("a story in three steps"), PlanContext())
    assert len(plan.steps) == 3
    assert "exactly that many, not 2" in willing.calls[1][-1].text
    stubborn = Scripted(answers=[write_plan(plan_of("a", "b"))])
    plan = await ChatPlanner(stubborn, store).plan(as_request("a story in three steps"), PlanContext())
    assert len(plan.steps) == 2


async def test_a_plan_with_text_only_may_ignore_the_number_of_steps(store: ImageStore) -> None:
    model = Scripted(answers=[write_plan(Plan(steps=(Step(auxiliary_text="A cat."),)))])
    request = as_request([ImagePart(sha256=add(store, "red")), "what happens in these 3 pictures?"])
    assert len((await ChatPlanner(model, store).plan(request, PlanContext())).steps) == 1
    assert len(model.calls) == 1


async def test_a_planner_that_replans_sees_what_is_done_and_what_failed(store: ImageStore) -> None:
    model = Scripted(answers=[write_plan(plan_of("z"))])
    done = Attempt(plan_version=1, step=0, iteration=0, prompt="a!", seed=1, source=None, image="a" * 64)
    context = PlanContext(plan_of("first", "{{done}}"), (done,), (0,), 1)
    await ChatPlanner(model, store).plan(as_request("in 5 steps"), context)
    text = model.calls[0][-1].text
    assert "Failed:\n- first" in text
    assert text.endswith("- {{done}}"), "a prompt that looks like a placeholder is left alone"


async def test_the_critic_sees_source_and_result_and_both_prompts(store: ImageStore) -> None:
    model = Scripted(answers=[ACCEPTED])
    source, image = add(store, "red"), add(store, "blue")
    case = CriticInput(source=source, image=image, original_prompt="the wish", prompt="the words {{prompt}}")
    (verdict,) = await ChatCritic(model, store).judge([case])
    assert verdict == Verdict(success=True, refined_prompt="p", reasoning="fine")
    assert images_in(model.calls[0]) == [store.get(source), store.get(image)]
    assert "the wish" in model.calls[0][0].text
    assert "the words {{prompt}}" in model.calls[0][0].text


async def test_without_a_source_the_critic_sees_a_white_image_of_the_same_size(store: ImageStore) -> None:
    from PIL import Image

    model = Scripted(answers=[ACCEPTED])
    await ChatCritic(model, store).judge(
        [CriticInput(source=None, image=add(store, "blue"), original_prompt="a", prompt="a")]
    )
    assert images_in(model.calls[0])[0] == encode_png(Image.new("RGB", (32, 48), "white"))


async def test_large_images_are_scaled_down_for_the_model_only(store: ImageStore) -> None:
    name = add(store, "red", 3000, 1500)
    shown = images_in(to_messages(render_request(as_request([ImagePart(sha256=name)])), store))[0]
    width, height = image_size(shown)
    assert width * height <= 1024 * 1024
    assert width == pytest.approx(2 * height, abs=2)
    assert image_size(store.get(name)) == (3000, 1500)


async def test_a_critic_without_a_usable_answer_leaves_the_attempt_unjudged_and_says_why(store: ImageStore) -> None:
    model = Scripted(answers=[NONSENSE])
    case = CriticInput(source=None, image=add(store, "blue"), original_prompt="a", prompt="a")
    (verdict,) = await ChatCritic(model, store, max_answers=2).judge([case])
    assert verdict.success is None
    assert "no usable answer in 2 attempts" in verdict.reasoning
    assert len(model.calls) == 2


async def test_an_answer_that_does_not_follow_from_the_case_is_not_usable(store: ImageStore) -> None:
    def check(case: CriticInput, verdict: Verdict) -> None:
        if case.prompt not in verdict.reasoning:
            raise ModelAnswerError("The answer is about something else.")

    good = write_verdict(Verdict(success=True, refined_prompt="p", reasoning="a ball is there"))
    model = Scripted(answers=[ACCEPTED, good])
    case = CriticInput(source=None, image=add(store, "blue"), original_prompt="a ball", prompt="a ball")
    (verdict,) = await ChatCritic(model, store, check=check).judge([case])
    assert (verdict.success, len(model.calls)) == (True, 2)
    assert "about something else" in model.calls[1][-1].text
    (unjudged,) = await ChatCritic(Scripted(answers=[ACCEPTED]), store, max_answers=1, check=check).judge([case])
    assert unjudged.success is None
    assert "about something else" in unjudged.reasoning


async def test_a_check_that_fails_itself_is_named(store: ImageStore) -> None:
    def check(case: CriticInput, verdict: Verdict) -> None:
        raise ZeroDivisionError(verdict.reasoning and case.prompt)

    case = CriticInput(source=None, image=add(store, "blue"), original_prompt="a", prompt="a")
    with pytest.raises(ProfileError, match="verdict_check failed: ZeroDivisionError"):
        await ChatCritic(Scripted(answers=[ACCEPTED]), store, check=check).judge([case])


@pytest.mark.parametrize("answer", [NONSENSE, ModelError("It took too long.", code="timeout")])
async def test_a_fallback_critic_judges_where_the_model_gives_no_usable_answer(store: ImageStore, answer: Any) -> None:
    fallback = RuleCritic(lambda case: Verdict(success=False, refined_prompt=f"{case.prompt}!", reasoning="too blue"))
    critic = ChatCritic(Scripted(answers=[ACCEPTED, answer]), store, max_answers=1, fallback=fallback)
    case = CriticInput(source=None, image=add(store, "blue"), original_prompt="a", prompt="a")
    assert (await critic.judge([case]))[0].success
    (judged,) = await critic.judge([case])
    assert (judged.success, judged.refined_prompt) == (False, "a!")
    assert judged.reasoning.endswith("Judged by the fallback critic.) too blue")
    assert len(fallback.calls) == 1


async def test_a_model_that_cannot_be_reached_is_an_error_instead_of_a_verdict(store: ImageStore) -> None:
    model = Scripted(answers=[ConnectionError("no route")])
    case = CriticInput(source=None, image=add(store, "blue"), original_prompt="a", prompt="a")
    with pytest.raises(ModelError, match="no route"):
        await ChatCritic(model, store).judge([case])


async def test_all_cases_are_sent_at_once(store: ImageStore) -> None:
    all_called = asyncio.Barrier(3)

    class Concurrent(Scripted):
        async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
            await all_called.wait()
            return self._generate(messages)

    case = CriticInput(source=None, image=add(store, "blue"), original_prompt="a", prompt="a")
    async with asyncio.timeout(60):
        assert len(await ChatCritic(Concurrent(answers=[ACCEPTED]), store).judge([case] * 3)) == 3


def test_prompt_files_of_another_folder_replace_the_shipped_ones_one_by_one(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="none of these files"):
        load_prompts(tmp_path / "none")
    (tmp_path / "critic.md").write_text("Judge {{prompt}} by {{original_prompt}} {{other}}!\n")
    prompts = load_prompts(tmp_path)
    assert prompts.planner_text == load_prompts().planner_text
    case = CriticInput(source=None, image="a" * 64, original_prompt="o", prompt="p")
    assert render_case(case, prompts)[0].text == "Judge p by o {{other}}!"


def test_an_unknown_provider_is_a_profile_error() -> None:
    with pytest.raises(ProfileError, match="nobody:x"):
        load_chat_model("nobody:x")


def answer_of(*tokens: tuple[str, dict[str, float]]) -> AIMessage:
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
    assert confidence_of(answer_of(*tokens), "ok") == pytest.approx(expected)


def test_without_log_probabilities_there_is_no_confidence() -> None:
    assert confidence_of(AIMessage(content='{"ok": true}'), "ok") is None
    assert (
        confidence_of(AIMessage(content="", response_metadata={"logprobs": {"content": [{"other": 1}]}}), "ok") is None
    )
    assert confidence_of(AIMessage(content="", response_metadata={"logprobs": "yes"}), "ok") is None


@pytest.mark.parametrize("number", [1000, HUGE, math.inf, math.nan, True, None, "0", [0]])
async def test_log_probabilities_that_are_none_leave_the_verdict_without_a_confidence(
    number: object, store: ImageStore
) -> None:
    said, decision = ACCEPTED.partition("true")[0], {"token": "true", "logprob": number}
    content = [{"token": said, "logprob": 0}, {**decision, "top_logprobs": [decision]}]
    answer = AIMessage(content=ACCEPTED, response_metadata={"logprobs": {"content": content}})
    case = CriticInput(source=None, image=add(store, "red"), original_prompt="p", prompt="p")
    (verdict,) = await ChatCritic(Scripted(answers=[answer]), store).judge([case])
    assert verdict.success
    assert verdict.confidence is None


@pytest.mark.parametrize("never", [-math.inf, -(10**400)], ids=["infinite", "no float"])
def test_an_impossible_token_has_the_probability_0(never: float) -> None:
    choices = [{"token": "true", "logprob": 0.001}, {"token": "false", "logprob": never}]
    content = [{"token": '{"ok": ', "logprob": 0}, {**choices[0], "top_logprobs": choices}]
    assert confidence_of(AIMessage(content="", response_metadata={"logprobs": {"content": content}}), "ok") == 1


async def test_planner_and_critic_are_told_how_much_of_a_prompt_is_read_and_asked_again(store: ImageStore) -> None:
    long = " ".join(["ball"] * 60)
    plans = [write_plan(plan_of(long)), write_plan(plan_of("a ball"))]
    model = Scripted(answers=list(plans))
    plan = await ChatPlanner(model, store, prompt_words=40).plan(as_request("a ball"), PlanContext())
    assert plan.steps == plan_of("a ball").steps
    assert "reads only the first 40 words of a prompt" in model.calls[0][0].text
    assert "A prompt has 60 words" in model.calls[1][-1].text
    case = CriticInput(source=None, image=add(store, "red"), original_prompt="a ball", prompt="a ball")
    verdicts = [write_verdict(Verdict(success=False, refined_prompt=text)) for text in (long, "a round ball")]
    critic = Scripted(answers=list(verdicts))
    (verdict,) = await ChatCritic(critic, store, prompt_words=40).judge([case])
    assert verdict.refined_prompt == "a round ball"
    assert "reads only the first 40 words of a prompt" in critic.calls[0][-1].text
    untold = Scripted(answers=list(plans))
    await ChatPlanner(untold, store).plan(as_request("a ball"), PlanContext())
    assert len(untold.calls) == 1
    assert untold.calls[0][0].text == load_prompts().planner_text


async def test_a_planner_that_writes_only_long_prompts_still_gives_its_plan(store: ImageStore) -> None:
    long = plan_of(" ".join(["ball"] * 60))
    model = Scripted(answers=[write_plan(long)])
    plan = await ChatPlanner(model, store, prompt_words=40, max_answers=2).plan(as_request("a ball"), PlanContext())
    assert plan.steps == long.steps
    assert len(model.calls) == 2
