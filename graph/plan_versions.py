"""Versions of a plan: a planner's replan begins a new one, and so do the words of a person.

A person's words change the prompt of one step. The attempts that were made and judged for the old words stay in the
record, under the old version, but no longer compete with those made for the new words. Attempts of later
steps, which do not depend on that step, belong to the new version from then on. Attempts are numbered through all
versions that people made from one version of the planner's, so that a seed and a number name one attempt only.
"""

from collections.abc import Iterable, Mapping

from interleavethinker.tools.types import Attempt, Plan, Step

from .attempts import attempt_key

__all__ = ["carried_over", "newest_edit", "next_iteration", "replans_before", "with_words"]


def with_words(plan: Plan, step: int, prompt: str) -> Plan:
    """Returns the next version of a plan, in which one step has a person's words; the same plan if it has them.

    A heading that repeats the old prompt becomes the new one, and the caption beside it is dropped, because both
    described the old image; so is the caption of a step without a heading. Texts of another kind stay.

    Examples:
        The step has the prompt "make the ball blue", the instruction "Make the ball blue." and the text "A blue ball.".
        With the words "make the ball yellow" it has the instruction "Make the ball yellow." and no text.
    """
    old = plan.steps[step]
    if old.prompt == prompt:
        return plan
    changes: dict[str, str | None] = {"prompt": prompt}
    if old.instruction is None or _same_words(old.instruction, old.prompt or ""):
        changes |= {"instruction": old.instruction and _in_style_of(old.instruction, prompt), "auxiliary_text": None}
    steps = (*plan.steps[:step], Step.model_validate(old.model_dump() | changes), *plan.steps[step + 1 :])
    return Plan(steps=steps, version=plan.version + 1, reasoning="edited by a person", made_by="person")


def carried_over(attempts: Mapping[str, Attempt], plan: Plan, edited: Plan, step: int) -> dict[str, Attempt | None]:
    """Returns the change of the attempts after which those of later steps belong to a plan with a person's words.

    Args:
        attempts: All attempts, by key. Those of later steps that are not outdated do not depend on the step.
        plan: The plan before.
        edited: The plan with the words.
        step: Index of the step that has them.
    """
    change: dict[str, Attempt | None] = {}
    for key, one in attempts.items():
        if one.plan_version == plan.version and one.step > step and not one.outdated:
            change[key] = None
            moved = one.model_copy(update={"plan_version": edited.version})
            change[attempt_key(edited.version, one.step, one.iteration)] = moved
    return change


def newest_edit(plans: Mapping[int, Plan], version: int) -> Plan:
    """Returns the newest version that people made from this one; the version itself if nobody changed it."""
    while version + 1 in plans and plans[version + 1].made_by == "person":
        version += 1
    return plans[version]


def next_iteration(plans: Mapping[int, Plan], attempts: Iterable[Attempt], version: int, step: int) -> int:
    """Returns the number of a step's next attempt, counted through the versions that people made from one another."""
    first = version
    while first - 1 in plans and plans[first].made_by == "person":
        first -= 1
    made = (a.iteration for a in attempts if a.step == step and first <= a.plan_version <= version)
    return max(made, default=-1) + 1


def replans_before(plans: Mapping[int, Plan], version: int) -> int:
    """Returns how many versions up to this one the planner made after its first."""
    return max(
        0,
        sum(number <= version and plan.made_by != "person" and not plan.rejected for number, plan in plans.items()) - 1,
    )


def _in_style_of(heading: str, words: str) -> str:
    """Returns words as a heading, with the capital and the full stop of the old one."""
    words = words[:1].upper() + words[1:] if heading[:1].isupper() else words
    return f"{words}." if heading.endswith(".") and words[-1:].isalnum() else words


def _same_words(one: str, other: str) -> bool:
    return one.strip().rstrip(".").casefold() == other.strip().rstrip(".").casefold()
