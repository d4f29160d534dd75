"""Makes attempts: which steps are next, with whose words and which seed, and the generator call itself.

A refusal by the image service is an attempt without an image, which counts like a rejected one. Every other error of
the generator propagates.
"""

import contextvars
from collections.abc import Mapping
from typing import Any

from langgraph.runtime import Runtime

from interleavethinker.tools.errors import RefusalError
from interleavethinker.tools.plain_text import quotation
from interleavethinker.tools.types import Attempt, GenerationRequest, Plan

from .attempts import attempts_for, derive_seed, next_prompt, source_image_for
from .context import Components
from .events import GenerationProgress, ImageGenerated, ImageRefused
from .limits import Limits
from .plan_versions import next_iteration, with_words
from .state import Override, TrajectoryState, attempts_of, current_step_of, inherited_calls_of, request_of

__all__ = ["generate_attempt", "steps_to_generate", "with_override"]

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


def steps_to_generate(state: TrajectoryState, plan: Plan, limits: Limits) -> list[int]:
    """Returns the current step and the steps to draft: those with a prompt, and at most as many as calls remain.

    Examples:
        The current step is 2, `look_ahead` is 3, step 3 has no prompt: [2, 4]. With one call left: [2].
    """
    current_step = current_step_of(state)
    look_ahead = 1 if state.get("review_images") else limits.look_ahead
    last = min(current_step + look_ahead, len(plan.steps))
    override = state.get("override")
    if override is not None and override.step > current_step:  # A person's words make a plan version of that step.
        last = min(last, override.step)
    steps = [index for index in range(current_step, last) if plan.steps[index].prompt]
    if limits.max_calls is None:
        return steps
    used = len(attempts_of(state)) - inherited_calls_of(state)
    return steps[: max(0, limits.max_calls - used)]


async def generate_attempt(
    components: Components,
    runtime: Runtime[Any],
    state: TrajectoryState,
    plan: Plan,
    step: int,
    generated: Mapping[str, Attempt],
    override: Override | None,
) -> Attempt:
    """Generates the next attempt of a step. Without an image if the image service refused the content.

    Args:
        components: The run's components.
        runtime: Receives the events.
        state: The state before this round.
        plan: The plan in effect, with a person's words.
        step: Index of the step.
        generated: This round's attempts of earlier steps.
        override: A person's prompt or seed for the current step.
    """
    earlier = attempts_for(attempts_of(state), plan.version, step)
    iteration = _next_iteration(state, plan, step)
    prompt = next_prompt(plan.steps[step].prompt or "", earlier)
    seed = derive_seed(state.get("seed") or 0, step, iteration)
    if override is not None and override.step == step:
        prompt = prompt if override.prompt is None else override.prompt
        seed = seed if override.seed is None else override.seed
    source = source_image_for(attempts_of(state) | dict(generated), step, request_of(state).images)
    size = plan.steps[step].size or state.get("image_size")
    call = GenerationRequest(prompt=prompt, seed=seed, source=source, size=size)

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
        size=size,
        image=None,
    )
    try:
        image = await components.generator.generate(call, progress)
    except RefusalError as error:
        attempt = attempt.model_copy(update={"refusal": quotation(str(error), _LONGEST_REFUSAL)})
        runtime.stream_writer(ImageRefused(attempt=attempt))
        return attempt
    result = {"image": image.sha256, **image.model_dump(include={"seconds", "cached", "model", "server"})}
    attempt = attempt.model_copy(update=result)
    runtime.stream_writer(ImageGenerated(attempt=attempt))
    return attempt
