"""Answers that are cut off, contradictory, half Unicode or slow to read: asked again, or read for what they decide."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.chat.answer_text import MAX_ANSWER
from interleavethinker.tools.chat.answers import read_plan, read_verdict, reasoning_of, strict_answer, write_plan
from interleavethinker.tools.chat.checker import ChatChecker
from interleavethinker.tools.chat.invocation import check_complete
from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.images.data_uris import find_image
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.plain_text import MAX_PROMPT
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.request_parsing import as_request, named_step_count
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.types import CheckReport, CriticInput, Step, TextPart, Verdict

from .test_agents import Scripted

DRAFT = '{"execution_plan": [{"prompt": "a draft"}]}'
FINAL = '{"execution_plan": [{"prompt": "a ball"}]}'


@pytest.mark.parametrize(
    "text",
    [
        f"<think>I plan {DRAFT} and then",
        f"<THINK>I plan {DRAFT} and then",
        f"<Thinking>I plan <answer>{DRAFT}</answer> and then",
        f"<think>one</think><think>two {DRAFT}",
        f"<|channel|>analysis<|message|>I plan {DRAFT}",
        f"[THINK]I plan {DRAFT}",
        f"I plan {DRAFT}</think>",
        f"<answer>{DRAFT}</answer></think>",
    ],
)
def test_a_draft_in_a_thought_is_no_answer(text: str) -> None:
    with pytest.raises(ModelAnswerError):
        read_plan(text)


@pytest.mark.parametrize(
    "text",
    [
        f"I plan {DRAFT}, in braces {{like these}}</think>{FINAL}",
        f"<think>I plan <answer>{DRAFT}</answer></think><answer>{FINAL}</answer>",
        f"<THINK>I plan {DRAFT}</THINK><ANSWER>{FINAL}</ANSWER>",
        f"<think>one</think>{DRAFT}<think>two</think>{FINAL}",
        f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>final<|message|>{FINAL}",
        f"```json\n{FINAL}\n```\nEach {{step}} is small.",
        f"Here is a {{plan}}: {FINAL}",
        f"{FINAL} {{and}} so on",
        f"<answer>{FINAL}</answer> I wrote it between <answer> and </answer>.",
        f"{DRAFT} No, better: {FINAL}",
        "<answer>{'execution_plan': [{'prompt': 'a ball',},]}</answer>",
        '{"execution_plan": [{"prompt": "a ball", "step_number": ' + "9" * 5000 + "}]}",
    ],
)
def test_the_answer_after_the_thought_is_read(text: str) -> None:
    assert [step.prompt for step in read_plan(text).steps] == ["a ball"]


def test_a_prompt_may_name_a_tag() -> None:
    plan = plan_of("a cloud with the word <think> in it")
    assert read_plan(write_plan(plan)).steps == plan.steps


def test_a_thought_without_an_opening_tag_is_the_reasoning() -> None:
    assert reasoning_of(f"so be it </think>{FINAL}") == "so be it"


@pytest.mark.parametrize(
    "metadata",
    [
        {"finish_reason": "length"},
        {"stop_reason": "max_tokens"},
        {"finish_reason": "MAX_TOKENS"},
        {"done_reason": "length"},
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
    ],
)
async def test_an_answer_that_the_token_limit_ended_is_asked_again(tmp_path: Path, metadata: dict[str, object]) -> None:
    class CutOff(Scripted):
        def _generate(self, messages: list[BaseMessage], *_: object, **__: object) -> ChatResult:
            self._calls.append(messages)
            first = len(self._calls) == 1
            message = AIMessage(content=DRAFT if first else FINAL, response_metadata=metadata if first else {})
            return ChatResult(generations=[ChatGeneration(message=message)])

    plan = await ChatPlanner(CutOff(answers=["-"]), ImageStore(tmp_path)).plan(as_request("x"), PlanContext())
    assert plan.steps[0].prompt == "a ball"


@pytest.mark.parametrize("prompt", ["", ', "refine_prompt": null', ', "refine_prompt": "None"', ', "refine_prompt": 3'])
def test_an_acceptance_needs_no_new_prompt(prompt: str) -> None:
    assert read_verdict('{"previous_step_success": true' + prompt + "}") == Verdict(success=True)


@pytest.mark.parametrize(
    "nothing", ["None", "N/A", "...", "…", "null", " n/a. ", "(none)", "-", "Not applicable", "Ｎ/Ａ"]
)
async def test_a_rejection_without_a_new_prompt_is_asked_again_and_then_counts(tmp_path: Path, nothing: str) -> None:
    from PIL import Image

    store = ImageStore(tmp_path)
    case = CriticInput(
        source=None, image=store.put(encode_png(Image.new("RGB", (8, 8)))), original_prompt="a", prompt="a"
    )
    empty = f'{{"previous_step_success": false, "refine_prompt": "{nothing}"}}'
    willing = Scripted(answers=[empty, '{"previous_step_success": false, "refine_prompt": "a ball"}'])
    (verdict,) = await ChatCritic(willing, store).judge([case])
    assert verdict.refined_prompt == "a ball"
    stubborn = Scripted(answers=[empty])
    (verdict,) = await ChatCritic(stubborn, store).judge([case])
    assert (verdict.success, verdict.refined_prompt) == (False, ""), "a rejection; the next attempt keeps its prompt"
    assert len(stubborn.calls) == 3


def test_half_characters_are_joined_or_replaced() -> None:
    plan = read_plan('{"execution_plan":[{"prompt":"a cat \\ud83d\\ude00",},{"prompt":"a \\ud83d ball"}]}')
    assert [step.prompt for step in plan.steps] == ["a cat \U0001f600", "a \N{REPLACEMENT CHARACTER} ball"]
    assert read_verdict('{"previous_step_success": false, "refine_prompt": "red \\udc00"}').refined_prompt.encode()
    assert TextPart(text="a \ud83d").text.encode(), "whoever makes the object"
    assert Verdict(success=True, refined_prompt="\udc00", reasoning="\ud83d").model_dump_json()


def test_a_request_with_half_a_character_is_refused_with_its_cause() -> None:
    from interleavethinker.tools.errors import InputError

    with pytest.raises(InputError, match="UTF-8"):
        as_request("a ball \udcff")


def test_blank_texts_of_a_step_are_none_whoever_makes_it() -> None:
    assert Step(prompt="a", auxiliary_text=" \n", instruction="") == Step(prompt="a")


def test_control_tokens_are_no_part_of_a_prompt() -> None:
    plan = read_plan('{"execution_plan": [{"prompt": "a <|im_end|>red<|image_pad|> ball"}]}')
    assert plan.steps[0].prompt == "a red ball"


def test_a_prompt_that_no_generator_takes_is_asked_again() -> None:
    long = "a" * (MAX_PROMPT + 1)
    with pytest.raises(ModelAnswerError, match="at most 8000"):
        read_plan(f'{{"execution_plan": [{{"prompt": "{long}"}}]}}')
    with pytest.raises(ModelAnswerError):
        read_verdict(f'{{"previous_step_success": false, "refine_prompt": "{long}"}}')
    assert read_verdict(f'{{"previous_step_success": true, "refine_prompt": "{long}"}}').success


@pytest.mark.parametrize(
    "text", ['{"a": [' * 3000, "{" + "[" * 100_000, '{"previous_step_success": ' + "9" * 9000 + "}"]
)
def test_deep_and_long_nonsense_is_an_unusable_answer(text: str) -> None:
    with pytest.raises(ModelAnswerError):
        read_verdict(text)


READERS: dict[str, Callable[[str], object]] = {
    "plan": read_plan,
    "verdict": read_verdict,
    "strict": strict_answer,
    "reasoning": reasoning_of,
    "step count": named_step_count,
    "base64": find_image,
}
UNITS = [
    *(
        "<think>",
        "</think>",
        "<answer>",
        "</answer> ",
        "</think><answer>",
        "{",
        '{"a":',
        '{"a": 1} ',
        "[",
        '"',
        "\\",
        " ",
    ),
    *(
        "\n",
        "how many 3 images ",
        "these 2 images ",
        "1 step ",
        "in  1 step ",
        "one-",
        "3 a a ",
        "AAAA",
        "data:image/a;",
    ),
    *("data:image/png;base64,", "<|channel|>analysis ", "```\n{", '{"a": "x" "b" '),
]


@pytest.mark.parametrize("reader", READERS)
def test_reading_takes_linear_time(reader: str) -> None:
    def seconds(unit: str, length: int) -> float:
        text = '{"a": ' + unit * (length // len(unit))
        started = time.process_time()
        with contextlib.suppress(ModelAnswerError):
            READERS[reader](text)
        return time.process_time() - started

    for unit in UNITS:
        short, long = seconds(unit, MAX_ANSWER // 100 - 10), seconds(unit, MAX_ANSWER - 10)
        assert long < 400 * max(short, 0.005), (unit, short, long)  # Quadratic would be 10,000 times as long.


async def test_reading_an_answer_leaves_the_event_loop_free(tmp_path: Path) -> None:
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.thread_time()  # Of the loop's own thread: a busy machine takes none of it.
            await asyncio.sleep(0.01)
            longest = max(longest, time.thread_time() - before)

    watcher = asyncio.create_task(watch())
    model = Scripted(answers=["<answer>{" + "'a': \"b\" c, " * 2500, FINAL])
    await ChatPlanner(model, ImageStore(tmp_path)).plan(as_request("x"), PlanContext())
    watcher.cancel()
    assert longest < 1.0


def test_a_text_without_a_visible_character_is_none() -> None:
    plan = read_plan('{"execution_plan": [{"prompt": "\\u200b", "auxiliary_text": "a"}, {"prompt": "b\\u200b"}]}')
    assert [(step.prompt, step.auxiliary_text) for step in plan.steps] == [(None, "a"), ("b\u200b", None)]


CUT_PLAN = '{"execution_plan": [{"prompt": "a draft"}, {"prompt": "a dra'


@pytest.mark.parametrize(
    "text",
    [
        CUT_PLAN,
        '{"execution_plan": [{"prompt": "a draft"}',
        '{"execution_plan": [{"prompt": "a draft"},',
        "{'execution_plan': [{'prompt': 'a draft'}, {'prompt': 'it",
        f"```json\n{CUT_PLAN}\n```",
        f"<answer>{CUT_PLAN}</answer>",
    ],
)
def test_a_plan_that_is_cut_off_in_a_list_or_a_text_is_no_plan(text: str) -> None:
    with pytest.raises(ModelAnswerError, match="in the middle"):
        read_plan(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"execution_plan": [{"prompt": "a ball"}]',
        '{"execution_plan": [{"prompt": "a ball"}}',
        '{"execution_plan": [{"prompt": "a ball"},],} So it\'s done.',
        '{"execution_plan": [{"prompt": "a ball", "instruction": "a 12" ball [red"}]}',
        "{'execution_plan': [{'prompt': 'a ball', 'instruction': 'it's \"big\"'}]}",
        '{execution_plan: [{"prompt": "a ball"}]}',
    ],
)
def test_json_that_is_broken_but_not_cut_off_is_repaired(text: str) -> None:
    assert [step.prompt for step in read_plan(text).steps] == ["a ball"]


@pytest.mark.parametrize("ending", ["stop", "STOP", "FinishReason.STOP", "stopstop", "end_turn", "eos_token", "", None])
async def test_an_answer_that_its_model_ended_is_read(ending: str | None) -> None:
    check_complete(AIMessage(content=FINAL, response_metadata={"finish_reason": ending}))


@pytest.mark.parametrize(
    "metadata",
    [
        {"finish_reason": "content_filter"},
        {"finish_reason": "SAFETY"},
        {"finish_reason": "error"},
        {"stop_reason": "refusal"},
        {"stop_reason": "pause_turn"},
        {"stopReason": "guardrail_intervened"},
        {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
        {"status": "incomplete", "incomplete_details": None},
    ],
)
async def test_an_answer_that_its_provider_ended_is_none(tmp_path: Path, metadata: dict[str, object]) -> None:
    class Filtered(Scripted):
        def _generate(self, *_: object, **__: object) -> ChatResult:
            message = AIMessage(content='{"faults": []}', response_metadata=metadata)
            return ChatResult(generations=[ChatGeneration(message=message)])

    checker = ChatChecker(Filtered(answers=["-"]), ImageStore(tmp_path))
    assert await checker.check_plan(as_request("x"), plan_of("a"), PlanContext()) == CheckReport(checked=False)
