"""Planner and critic as chat models: render the conversation, call the model, read its answer, retry if it is unusable.

Any LangChain chat model works. `answers` defines what an answer looks like, `rendering` what the model sees. A retry
tells the model what was wrong with its previous answer. After `max_answers` unusable ones a planner raises, and a
critic leaves the attempt unjudged, which counts neither as success nor as failure.

The texts of retries are model input: do not change their wording, nor that of `ModelAnswerError` messages in `answers`.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from interleavethinker.tools.errors import ModelAnswerError, ModelError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.own_functions import own_function
from interleavethinker.tools.plain_text import quotation, valid_unicode
from interleavethinker.tools.protocols import Critic, PlanContext
from interleavethinker.tools.references import reference_problem
from interleavethinker.tools.request_parsing import named_step_count
from interleavethinker.tools.types import CriticInput, Plan, Request, Step, Verdict

from .answers import read_comparison, read_plan, read_verdict, rejection_in
from .invocation import check_complete, invoke
from .logprobs import CRITIC_FIELD, confidence_of
from .messages import to_messages
from .reading import read_aside
from .rendering import (
    Prompts,
    load_prompts,
    render_case,
    render_comparison,
    render_request,
    render_rewording,
    with_limit,
)
from .rephrasing import Rephrasings, sampling_model, was_tried, with_tried
from .waiting import CallPolicy

__all__ = ["ChatCritic", "ChatPlanner", "usable_answer"]

_T = TypeVar("_T")
_PATIENT = CallPolicy()
_NO_REPHRASINGS = Rephrasings()
_LONGEST_QUOTE = 20_000
"""Characters of an unusable answer that a retry shows to the model."""
_THINKING = re.compile(r"<think>.*?(</think>|\Z)|</?answer>", re.DOTALL)
_LONGEST_WORDS = 300
"""Characters of a model's own words that a message shows."""


class ChatPlanner:
    """A planner that calls a chat model.

    Args:
        model: Any LangChain chat model; it must accept images if requests have some.
        store: Holds the images of requests.
        prompts: Folder of prompt files that replace the shipped ones.
        max_answers: How many answers the model may give until one is usable, including the first.
        policy: How long an answer may take, and how often an overloaded provider is asked again.
        prompt_words: How many words of a prompt the image model reads: the model is told, and asked again if it writes
            more. None: unknown.
    """

    def __init__(
        self,
        model: BaseChatModel,
        store: ImageStore,
        *,
        prompts: Path | None = None,
        max_answers: int = 3,
        policy: CallPolicy = _PATIENT,
        prompt_words: int | None = None,
    ) -> None:
        self._model = model
        self._store = store
        self._prompts: Prompts = load_prompts(prompts)
        self._max_answers = max_answers
        self._policy = policy
        self._words = prompt_words

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        """See `Planner.plan`. If the request names a number of steps, plans of another length are retried.

        If no answer has that number of steps, the last plan is returned anyway; the document notes the difference. The
        same goes for plans with a prompt that the image model would cut, which the image server then refuses.
        """
        requested = None if context.previous is not None else named_step_count(request.text)
        usable: list[Plan] = []

        def read(message: AIMessage) -> Plan:
            plan = read_plan(message.text)
            if problem := reference_problem(plan.steps, request):
                usable.append(_without_unknown(plan, request))
                raise ModelAnswerError(problem)
            has_images = any(step.prompt is not None for step in plan.steps)
            if requested is not None and has_images and len(plan.steps) != requested:
                usable.append(plan)
                raise ModelAnswerError(
                    f"The request names {requested} steps; execution_plan must have exactly that many, not "
                    f"{len(plan.steps)}."
                )
            try:
                _check_length(self._words, *(step.prompt for step in plan.steps))
            except ModelAnswerError:
                usable.append(plan)
                raise
            return plan

        turns = with_limit(render_request(request, context, self._prompts), self._words)
        messages = await asyncio.to_thread(to_messages, turns, self._store)
        try:
            return await usable_answer(self._model, messages, read, self._max_answers, self._policy)
        except ModelAnswerError:
            if usable:
                return usable[-1]
            raise


class ChatCritic:
    """A critic that calls a chat model.

    Args:
        model: Any LangChain chat model that accepts images.
        store: Holds the images to judge.
        prompts: Folder of prompt files that replace the shipped ones.
        max_answers: How many answers the model may give until one is usable, including the first.
        policy: How long an answer may take, and how often an overloaded provider is asked again.
        prompt_words: How many words of a prompt the image model reads: the model is told, and asked again if it writes
            more. None: unknown.
        checklist: Ask for the verdict requirement by requirement.
        comparisons: Most pairs of variants that are compared for one step; 0: none.
        rephrasings: How the model is asked for another prompt where its own was already tried in the step.
        check: Raises `ModelAnswerError` if what a verdict says does not follow from the case; the answer is then not
            usable.
        fallback: Judges the cases for which the model gives no usable answer; None: they are not judged.

    Raises:
        ProfileError: The model cannot be sampled as `rephrasings` asks.
    """

    def __init__(
        self,
        model: BaseChatModel,
        store: ImageStore,
        *,
        prompts: Path | None = None,
        max_answers: int = 3,
        policy: CallPolicy = _PATIENT,
        prompt_words: int | None = None,
        checklist: bool = False,
        comparisons: int = 0,
        rephrasings: Rephrasings = _NO_REPHRASINGS,
        check: Callable[[CriticInput, Verdict], None] | None = None,
        fallback: Critic | None = None,
    ) -> None:
        if rephrasings.temperature is not None:
            sampling_model(model, rephrasings.temperature, 0)
        self._model = model
        self._rephrasings = rephrasings
        self._store = store
        self._prompts: Prompts = load_prompts(prompts, checklist=checklist)
        self._max_answers = max_answers
        self._policy = policy
        self._words = prompt_words
        self._comparisons = comparisons
        self._check = check
        self._fallback = fallback

    @property
    def gives_confidence(self) -> bool:
        """Whether the model returns log-probabilities: local models do, hosted ones if `logprobs` is set."""
        return bool(getattr(self._model, "logprobs", False))

    @property
    def comparisons(self) -> int:
        """See `Comparing.comparisons`."""
        return self._comparisons

    async def better(self, first: CriticInput, second: CriticInput) -> Literal["first", "second"] | None:
        """See `Comparing.better`. Models prefer a position, so both orders are asked for, and must agree."""
        there, back = await asyncio.gather(self._compare(first, second), self._compare(second, first))
        if {there, back} != {"A", "B"}:
            return None
        return "first" if there == "A" else "second"

    async def _compare(self, first: CriticInput, second: CriticInput) -> Literal["A", "B"] | None:
        turns = render_comparison(first, second, self._prompts)
        messages = await asyncio.to_thread(to_messages, turns, self._store)
        try:
            return await usable_answer(
                self._model, messages, lambda answer: read_comparison(answer.text), self._max_answers, self._policy
            )
        except ModelAnswerError:
            return None
        except ModelError as error:
            if error.code != "timeout":
                raise
            return None

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        """See `Critic.judge`. All cases are sent at once; a model in this process batches them.

        A rejection that brings no usable new prompt is retried; if none does, it counts, and the next attempt keeps its
        prompt.
        """
        return list(await asyncio.gather(*(self._judge(case) for case in cases)))

    async def _judge(self, case: CriticInput) -> Verdict:
        rejections: list[Verdict] = []

        def read(message: AIMessage) -> Verdict:
            confidence = {"confidence": confidence_of(message, CRITIC_FIELD)}
            rejection = rejection_in(message.text)
            if rejection is not None:
                rejections.append(rejection.model_copy(update=confidence))
            verdict = read_verdict(message.text, case, self._words)
            if not verdict.success:
                _check_length(self._words, verdict.refined_prompt)
            self._check_verdict(case, verdict)
            return verdict.model_copy(update=confidence)

        turns = with_limit(render_case(case, self._prompts), self._words)
        messages = await asyncio.to_thread(to_messages, turns, self._store, blank_like=case.image)
        try:
            return await usable_answer(self._model, messages, read, self._max_answers, self._policy)
        except ModelAnswerError as error:
            # The judgement counts although no new prompt came with it.
            return rejections[-1] if rejections else await self._fallen_back(case, str(error))
        except ModelError as error:
            if error.code != "timeout":
                raise
            return await self._fallen_back(case, str(error))

    def _check_verdict(self, case: CriticInput, verdict: Verdict) -> None:
        if self._check is None:
            return
        with own_function(
            "verdict_check",
            "a function of the critic's case and its verdict that raises ModelAnswerError for a verdict that cannot be "
            "used",
        ):
            self._check(case, verdict)

    async def _fallen_back(self, case: CriticInput, problem: str) -> Verdict:
        if self._fallback is None:
            return Verdict(success=None, reasoning=problem)
        (verdict,) = await self._fallback.judge([case])
        return verdict.model_copy(
            update={"reasoning": f"({problem} Judged by the fallback critic.) {verdict.reasoning}"}
        )

    async def rephrase(self, case: CriticInput, verdict: Verdict, tried: Sequence[str], seed: int) -> Verdict:
        """See `Rephrasing.rephrase`. An answer that accepts the image, or that cannot be used, is passed over.

        Where the model finds no other words, it has nothing to add, and the fallback critic judges.
        """
        turns = with_limit(render_case(case, self._prompts), self._words)
        if self._rephrasings.temperature is None:
            turns = with_tried(turns, [*tried, verdict.refined_prompt] if verdict.refined_prompt else tried)
        messages = await asyncio.to_thread(to_messages, turns, self._store, blank_like=case.image)

        def read(message: AIMessage) -> Verdict:
            answer = read_verdict(message.text, case, self._words)
            _check_length(self._words, answer.refined_prompt)
            return answer

        for number in range(1, self._rephrasings.most + 1):
            verdict = verdict.model_copy(update={"rephrasings": number})
            model = self._model
            if self._rephrasings.temperature is not None:
                model = sampling_model(model, self._rephrasings.temperature, seed + number)
            try:
                answer = await usable_answer(model, messages, read, 1, self._policy)
            except ModelAnswerError:
                continue
            except ModelError as error:
                if error.code != "timeout":
                    raise
                break
            if answer.success is False and answer.refined_prompt and not was_tried(answer.refined_prompt, tried):
                return verdict.model_copy(update={"refined_prompt": answer.refined_prompt})
        if self._fallback is None:
            return verdict
        second = await self._fallen_back(case, "The critic repeats a prompt that was tried.")
        return verdict if second.success is None else second

    async def reword(self, prompt: str, original_prompt: str, refusal: str) -> str:
        """See `Rewording.reword`. Without a usable answer the prompt stays as it is."""
        turns = with_limit(render_rewording(prompt, original_prompt, refusal, self._prompts), self._words)
        messages = to_messages(turns, self._store)
        try:
            verdict = await usable_answer(
                self._model, messages, lambda answer: read_verdict(answer.text), self._max_answers, self._policy
            )
        except ModelAnswerError:
            return prompt
        return verdict.refined_prompt or prompt


def _without_unknown(plan: Plan, request: Request) -> Plan:
    """Returns a plan without the references that name nothing."""
    steps: list[Step] = []
    for step in plan.steps:
        known = tuple(
            reference
            for reference in step.references
            if not reference_problem([Step(prompt="-", references=(reference,))], request, steps)
        )
        steps.append(step.model_copy(update={"references": known}))
    return plan.model_copy(update={"steps": tuple(steps)})


def _check_length(words: int | None, *prompts: str | None) -> None:
    longest = max((len(prompt.split()) for prompt in prompts if prompt is not None), default=0)
    if words is not None and longest > words:
        raise ModelAnswerError(
            f"A prompt has {longest} words; the image program reads only the first {words}. Write a shorter one."
        )


async def usable_answer(
    model: BaseChatModel,
    messages: list[BaseMessage],
    read: Callable[[AIMessage], _T],
    max_answers: int,
    policy: CallPolicy = _PATIENT,
) -> _T:
    """Returns a model's first answer that can be read, and tells it before each retry what was wrong.

    Args:
        model: The chat model.
        messages: The conversation.
        read: Reads an answer; raises `ModelAnswerError` if it cannot be used.
        max_answers: How many answers the model may give.
        policy: See `invoke`.

    Raises:
        ModelAnswerError: No answer can be used.
        ModelError: The model cannot be loaded or reached.
    """
    conversation = list(messages)
    for retries_left in reversed(range(max_answers)):
        answer = await invoke(model, conversation, policy=policy)
        try:
            check_complete(answer)
            return await read_aside(read, answer)
        except ModelAnswerError as error:
            if not retries_left:
                raise ModelAnswerError(
                    f"The model gave no usable answer in {_times(max_answers)}. {_words_of(answer)}"
                    f"Last problem: {error}"
                ) from error
            complaint = f"Your answer cannot be used. {error} Answer again, completely, in the form asked for."
            conversation = [*messages, AIMessage(content=_quoted(answer.text)), HumanMessage(content=complaint)]
    raise AssertionError("unreachable")


def _words_of(answer: AIMessage) -> str:
    """Returns a sentence with a model's own words where it wrote prose, such as a refusal; empty for other answers."""
    said = answer.additional_kwargs.get("refusal")
    words = said if isinstance(said, str) and said.strip() else _THINKING.sub("", answer.text)
    if "{" in words or not words.strip():
        return ""
    return f"It wrote: “{quotation(words, _LONGEST_WORDS)}” "


def _quoted(text: str) -> str:
    return valid_unicode(text)[:_LONGEST_QUOTE] or "(nothing)"


def _times(count: int) -> str:
    return "1 attempt" if count == 1 else f"{count} attempts"
