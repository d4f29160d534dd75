"""Makes attempts: which steps are next, with whose words and which seed, and the generator call itself.

A refusal by the image service is an attempt without an image, which counts like a rejected one. Every other error of
the generator propagates.
"""

import asyncio
import contextvars
import sys
from collections import defaultdict
from typing import Any

from langgraph.runtime import Runtime

from interleavethinker.tools.errors import InterleaveError, RefusalError
from interleavethinker.tools.image_names import target_of
from interleavethinker.tools.plain_text import quotation
from interleavethinker.tools.references import with_words as draft_words
from interleavethinker.tools.types import Attempt, GenerationRequest, Plan, Step

from .attempts import attempt_key, attempts_for, derive_seed, next_prompt
from .dependencies import is_decided
from .drift import guard_acts, start_of, with_drift, with_wish
from .events import GenerationFailed, GenerationProgress, ImageGenerated, ImageRefused
from .limits import Limits
from .look_ahead import Draft, TrajectoryAhead
from .plan_versions import next_iteration, with_words
from .referring import region_of, with_references
from .routing import affordable_attempts, allowed_attempts, is_finished, limits_of
from .state import Override, TrajectoryState, attempts_of, current_step_of, inherited_calls_of, request_of

__all__ = ["drafts_after", "generate_round", "step_to_generate", "with_override"]

_AT_ONCE = 8
"""Generator calls of one trajectory at the same time."""

_TAKEN_OVER = {"width", "height", "seconds", "cached", "model", "server"}
"""Fields of an image that are those of its attempt."""
_LONGEST_QUOTE = 300
"""Characters of a server's words in a record."""


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
    """Returns the current step, or None if it has no prompt, only waits for a person, or has no call left."""
    step = current_step_of(state)
    has_prompt = step < len(plan.steps) and plan.steps[step].prompt
    return step if has_prompt and not is_finished(state, plan, step, step) and _calls_left(state, limits) else None


def independent_steps(state: TrajectoryState, plan: Plan, limits: Limits) -> list[int]:
    """Returns the later steps whose next attempt depends on no unfinished step, so that it need not wait.

    There are none where a person looks at each image, where a person has words for a later step, and where the limit of
    calls or that of cost might be reached: both are spent in the order of the steps then, so that the document is the
    same, and one round goes beyond the limit of cost by one step at most.
    """
    current_step, attempts = current_step_of(state), attempts_of(state)
    if all(step.starts_from is None for step in plan.steps) or state.get("review_images") or state.get("override"):
        return []
    rest = [index for index in range(current_step, len(plan.steps)) if plan.steps[index].prompt]
    made = sum(a.plan_version == plan.version and a.step in rest and not a.outdated for a in attempts.values())
    most = sum(allowed_attempts(state, plan.version, index) for index in rest) - made
    if most > min(_calls_left(state, limits), affordable_attempts(state, limits)):
        return []

    def finished(step: int) -> bool:
        return is_finished(state, plan, step, current_step)

    return [
        index
        for index in rest
        if index > current_step and not finished(index) and is_decided(plan, attempts, index, finished)
    ]


def drafts_after(state: TrajectoryState, plan: Plan, limits: Limits, step: int) -> list[Draft]:
    """Returns the drafts that `look_ahead` and what is left of the limits allow while the attempt of a step is judged.

    Examples:
        The step is 2, `look_ahead` is 3, step 3 has no prompt: the draft of step 4. With one call made of two: none.
    """
    if limits.variants > 1:  # The next step starts from the best of them, which is not known yet.
        return []
    # The drift guard decides what a step starts from once the image before it is kept.
    alone = state.get("review_images") or guard_acts(limits)
    last = min(step + (1 if alone else limits.look_ahead), len(plan.steps))
    override = state.get("override")
    if override is not None and override.step > step:  # A person's words make a plan version of that step.
        last = min(last, override.step)
    drafts = []
    for index in range(step + 1, last):
        words = plan.steps[index].prompt
        # Later drafts would not start from the judged image either.
        if plan.steps[index].starts_from is not None or _looks_at_steps(plan.steps[index]):
            break
        if words:
            call = with_references(_next_call(state, plan, index)[1], state, plan, index, None)
            drafts.append(
                Draft(call, original_prompt=draft_words(words, request_of(state), plan.steps[index].references))
            )
    return drafts[: min(_calls_left(state, limits), affordable_attempts(state, limits))]


def _looks_at_steps(step: Step) -> bool:
    return any(target_of(reference).startswith("step ") for reference in step.references)


def _variants(state: TrajectoryState, plan: Plan, limits: Limits, step: int, override: Override | None) -> int:
    """Returns how many attempts of a step are generated side by side: its first ones, unless a person gave the seed."""
    given = override is not None and override.step == step and override.seed is not None
    return 1 if given or attempts_for(attempts_of(state), plan.version, step) else limits.variants


def _next_call(
    state: TrajectoryState, plan: Plan, step: int, wish: str = "", variant: int = 0
) -> tuple[int, GenerationRequest]:
    """Returns the number of a step's next attempt and its call, without a source image and a person's words.

    Args:
        state: The state before this round.
        plan: The plan in effect.
        step: Index of the step.
        wish: The drift guard's merged prompt instead of the plan's; empty: the plan's.
        variant: Number of the attempt among the step's variants.
    """
    earlier = attempts_for(attempts_of(state), plan.version, step)
    iteration = _next_iteration(state, plan, step) + variant
    prompt = next_prompt(wish or plan.steps[step].prompt or "", earlier)
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
    result is lost; a step with other variants continues with those, which have a note of it. If all fail, the error of
    the earliest step is raised.

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
    wanted = [(step, number) for step in steps for number in range(_variants(state, plan, limits, step, override))]
    several = {step for step, number in wanted if number}  # Also if the limit of calls leaves only one of them.
    wanted = wanted[: _calls_left(state, limits)]
    store = ahead.components.store
    if store is not None and wanted:
        await asyncio.to_thread(store.require_room, len(wanted))
    places = asyncio.Semaphore(_AT_ONCE)

    async def make(step: int, number: int) -> Attempt:
        variant = number if step in several else None
        async with places:
            attempt = await generate_attempt(ahead, runtime, state, plan, step, override, variant)
        generated[attempt_key(plan.version, step, attempt.iteration)] = attempt
        return attempt

    if len(wanted) == 1:
        await make(*wanted[0])
        return
    results = await asyncio.gather(*(make(*each) for each in wanted), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if len(failures) == len(results) or not isinstance(failure, InterleaveError):
            raise failure
    lost: defaultdict[int, list[str]] = defaultdict(list)
    for (step, number), result in zip(wanted, results, strict=True):
        if isinstance(result, BaseException):
            reason, iteration = quotation(str(result), _LONGEST_QUOTE), _next_iteration(state, plan, step) + number
            runtime.stream_writer(GenerationFailed(step=step, iteration=iteration, reason=reason))
            lost[step].append(reason)
    for key, attempt in generated.items():
        if attempt.variant and (reasons := lost[attempt.step]):
            count = sum(step == attempt.step for step, _ in wanted)
            note = f"{attempt.note} {len(reasons)} of {count} variants could not be generated: {reasons[0]}".lstrip()
            generated[key] = attempt.model_copy(update={"note": note})


async def generate_attempt(
    ahead: TrajectoryAhead,
    runtime: Runtime[Any],
    state: TrajectoryState,
    plan: Plan,
    step: int,
    override: Override | None,
    variant: int | None = None,
) -> Attempt:
    """Generates the next attempt of a step. Without an image if the image service refused the content.

    Args:
        ahead: Calls the generator, unless the image was drafted.
        runtime: Receives the events.
        state: The state before this round.
        plan: The plan in effect, with a person's words.
        step: Index of the step.
        override: A person's prompt or seed for the current step.
        variant: Number of the attempt among the step's variants; None: there is only one.
    """
    words = override is not None and override.step == step and override.prompt is not None
    # A person's words are for the image that the plan says.
    start = await with_wish(ahead.components, start_of(state, plan, step, Limits() if words else limits_of(state)))
    iteration, call = _next_call(state, plan, step, start.wish, variant or 0)
    prompt, seed = call.prompt, call.seed
    if override is not None and override.step == step:
        prompt = prompt if override.prompt is None else override.prompt
        seed = seed if override.seed is None else override.seed
    source, region = start.source, region_of(state, step)
    call = call.model_copy(update={"prompt": prompt, "seed": seed, "source": source})
    call = with_references(call, state, plan, step, source)
    if region is not None and region.verdict is not None and (override or region.plan_version == plan.version):
        call = call.model_copy(update={"source": region.image, "mask": region.verdict.mask, "size": None})
    prompt = call.prompt

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
        references=call.references,
        mask=call.mask,
        image=None,
        wish=start.wish,
        variant=variant is not None,
    )
    try:
        image = await ahead.generate(call, progress)
    except RefusalError as error:
        attempt = attempt.model_copy(update={"refusal": quotation(str(error), _LONGEST_QUOTE)})
        runtime.stream_writer(ImageRefused(attempt=attempt))
        return attempt
    result = {"image": image.sha256, **image.model_dump(include=_TAKEN_OVER)}
    result["note"] = quotation(image.note, _LONGEST_QUOTE)
    result["references_left_out"] = max(0, len(call.references) - image.references)
    attempt = await with_drift(ahead.components, state, plan, attempt.model_copy(update=result))
    runtime.stream_writer(ImageGenerated(attempt=attempt))
    return attempt
