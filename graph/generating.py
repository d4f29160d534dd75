"""Makes attempts: which steps are next, with whose words and which seed, and the generator call itself.

A refusal by the image service is an attempt without an image, which counts like a rejected one. Every other error of
the generator propagates.
"""

import asyncio
import contextvars
import sys
from typing import Any

from langgraph.runtime import Runtime

from interleavethinker.tools.errors import InterleaveError, RefusalError
from interleavethinker.tools.plain_text import quotation
from interleavethinker.tools.types import Attempt, GenerationRequest, Plan

from .attempts import attempt_key, attempts_for, derive_seed, next_prompt
from .dependencies import is_decided, source_of
from .events import GenerationProgress, ImageGenerated, ImageRefused
from .limits import Limits
from .look_ahead import Draft, TrajectoryAhead
from .plan_versions import next_iteration, with_words
from .routing import allowed_attempts, is_finished, limits_of
from .state import Override, TrajectoryState, attempts_of, current_step_of, inherited_calls_of, request_of

__all__ = ["drafts_after", "generate_round", "step_to_generate", "with_override"]

_AT_ONCE = 8
"""Generator calls of one trajectory at the same time."""

_LONGEST_REFUSAL = 300
"""Characters."""


def _next_iteration(state: TrajectoryState, plan: Plan, step: int) -> int:
    plans = (state.get("plans") or {}) | {plan.version: plan}
    return next_iteration(plans, attempts_of(state).values(), plan.version, step)


def with_override(state: TrajectoryState, plan: Plan) -> tuple[Plan, Override | None]:
    """Returns the plan with a person's words for the current step, and their override if it is for the next attempt."""
    override, step = state.get("override"), current_step_of(state)
    if override is None or step >= len(plan.steps) or override.step != step:
        return plan, None
    if override.iteration != _next_iteration(state, plan, step):
        return plan, None
    return (plan if override.prompt is None else with_words(plan, step, override.prompt)), override


def step_to_generate(state: TrajectoryState, plan: Plan, limits: Limits) -> int | None:
    """Returns the current step, or None if it has no prompt or no call is left for it."""
    step = current_step_of(state)
    has_prompt = step < len(plan.steps) and plan.steps[step].prompt
    return step if has_prompt and _calls_left(state, limits) else None


def independent_steps(state: TrajectoryState, plan: Plan, limits: Limits) -> list[int]:
    """Returns the later steps whose next attempt depends on no unfinished step, so that it need not wait.

    There are none where a person looks at each image, where a person has words for a later step, and where the limit of
    calls might be reached: the calls are spent in the order of the steps then, so that the document is the same.
    """
    current_step, attempts = current_step_of(state), attempts_of(state)
    if all(step.starts_from is None for step in plan.steps) or state.get("review_images") or state.get("override"):
        return []
    rest = [index for index in range(current_step, len(plan.steps)) if plan.steps[index].prompt]
    if limits.max_calls is not None:
        allowed = sum(allowed_attempts(state, plan, index) for index in rest)
        inherited = inherited_calls_of(state) + sum(
            a.plan_version == plan.version and a.step in rest for a in attempts.values()
        )
        if len(attempts) - inherited + allowed > limits.max_calls:
            return []

    def finished(step: int) -> bool:
        return is_finished(state, plan, step, current_step)

    return [
        index
        for index in rest
        if index > current_step and not finished(index) and is_decided(plan, attempts, index, finished)
    ]


def drafts_after(state: TrajectoryState, plan: Plan, limits: Limits, step: int) -> list[Draft]:
    """Returns the drafts that `look_ahead` and the remaining calls allow while the attempt of a step is judged.

    Examples:
        The step is 2, `look_ahead` is 3, step 3 has no prompt: the draft of step 4. With one call made of two: none.
    """
    last = min(step + (1 if state.get("review_images") else limits.look_ahead), len(plan.steps))
    override = state.get("override")
    if override is not None and override.step > step:  # A person's words make a plan version of that step.
        last = min(last, override.step)
    drafts = []
    for index in range(step + 1, last):
        words = plan.steps[index].prompt
        if plan.steps[index].starts_from is not None:  # Later drafts would not start from the judged image either.
            break
        if words:
            drafts.append(Draft(_next_call(state, plan, index)[1], original_prompt=words))
    return drafts[: _calls_left(state, limits)]


def _next_call(state: TrajectoryState, plan: Plan, step: int) -> tuple[int, GenerationRequest]:
    """Returns the number of a step's next attempt and its call, without a source image and a person's words."""
    earlier, iteration = attempts_for(attempts_of(state), plan.version, step), _next_iteration(state, plan, step)
    prompt = next_prompt(plan.steps[step].prompt or "", earlier)
    seed = derive_seed(state.get("seed") or 0, step, iteration)
    return iteration, GenerationRequest(prompt=prompt, seed=seed, size=plan.steps[step].size or state.get("image_size"))


def _calls_left(state: TrajectoryState, limits: Limits) -> int:
    if limits.max_calls is None:
        return sys.maxsize
    return max(0, limits.max_calls - len(attempts_of(state)) + inherited_calls_of(state))


async def generate_round(
    ahead: TrajectoryAhead,
    runtime: Runtime[Any],
    state: TrajectoryState,
    plan: Plan,
    override: Override | None,
    generated: dict[str, Attempt],
) -> None:
    """Generates the next attempts: of the current step, and of the steps that do not depend on it, side by side.

    If some of the calls side by side fail and others do not, the failed ones are left to the next round, so that no
    result is lost. If all fail, the error of the earliest step is raised.

    Args:
        ahead: Calls the generator, unless an image was drafted.
        runtime: Receives the events.
        state: The state before this round.
        plan: The plan in effect, with a person's words.
        override: A person's prompt or seed for the current step.
        generated: Receives the attempts, by key, as they are made.
    """
    limits = limits_of(state)
    current = step_to_generate(state, plan, limits)
    steps = [] if current is None else [current, *independent_steps(state, plan, limits)]
    places = asyncio.Semaphore(_AT_ONCE)

    async def make(step: int) -> Attempt:
        async with places:
            attempt = await generate_attempt(ahead, runtime, state, plan, step, override)
        generated[attempt_key(plan.version, step, attempt.iteration)] = attempt
        return attempt

    if len(steps) == 1:
        await make(steps[0])
        return
    results = await asyncio.gather(*map(make, steps), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if len(failures) == len(results) or not isinstance(failure, InterleaveError):
            raise failure


async def generate_attempt(
    ahead: TrajectoryAhead,
    runtime: Runtime[Any],
    state: TrajectoryState,
    plan: Plan,
    step: int,
    override: Override | None,
) -> Attempt:
    """Generates the next attempt of a step. Without an image if the image service refused the content.

    Args:
        ahead: Calls the generator, unless the image was drafted.
        runtime: Receives the events.
        state: The state before this round.
        plan: The plan in effect, with a person's words.
        step: Index of the step.
        override: A person's prompt or seed for the current step.
    """
    iteration, call = _next_call(state, plan, step)
    prompt, seed = call.prompt, call.seed
    if override is not None and override.step == step:
        prompt = prompt if override.prompt is None else override.prompt
        seed = seed if override.seed is None else override.seed
    source = source_of(plan, attempts_of(state), step, request_of(state).images)
    call = call.model_copy(update={"prompt": prompt, "seed": seed, "source": source})

    # The generator's client reports progress from its own task, where LangGraph's context variables are not set.
    node_context = contextvars.copy_context()

    def progress(fraction: float, message: str) -> None:
        node_context.run(runtime.stream_writer, started.model_copy(update={"fraction": fraction, "message": message}))

    started = GenerationProgress(step=step, iteration=iteration, prompt=prompt, seed=seed)
    runtime.stream_writer(started)
    attempt = Attempt(
        plan_version=plan.version,
        step=step,
        iteration=iteration,
        prompt=prompt,
        seed=seed,
        source=call.source,
        size=call.size,
        image=None,
    )
    try:
        image = await ahead.generate(call, progress)
    except RefusalError as error:
        attempt = attempt.model_copy(update={"refusal": quotation(str(error), _LONGEST_REFUSAL)})
        runtime.stream_writer(ImageRefused(attempt=attempt))
        return attempt
    result = {"image": image.sha256, **image.model_dump(include={"seconds", "cached", "model", "server"})}
    attempt = attempt.model_copy(update=result)
    runtime.stream_writer(ImageGenerated(attempt=attempt))
    return attempt
