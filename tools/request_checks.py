"""Checks of plans and documents that read no pixels and call no model, and the combination of several checks.

The structural check knows the form of plans and a few English phrases. It cannot decide whether a plan gives what the
request asks for, so its reports are never `checked`; its faults are certain enough to ask the planner again.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from .protocols import DocumentCheck, PlanCheck, PlanContext
from .request_parsing import named_step_count
from .types import Attempt, CheckReport, Plan, Request, Step

__all__ = ["Checker", "CombinedCheck", "StructuralCheck"]

_EDIT = re.compile(
    r"\s*(?:please\s+|now\s+)*(?:"
    r"(?:remove|erase|delete|move|replace|swap|recolou?r|repaint|resize|enlarge|shrink|shift|rotate|flip|keep|change|turn)"
    r"\s+(?:the|it|its|them|this|that|all|everything)\b"
    r"|make\s+(?:it|them|the\s+background)\b|add\s|take\s+away\b|put\s+(?:it|them)\b)",
    re.IGNORECASE,
)
"""Prompts that change an image instead of describing one."""
_ABOUT_IMAGES = re.compile(
    r"\b(?:this|these|that|those|the|my|our|both|two|given|attached)\s+(?:\w+\s+)?"
    r"(?:image|picture|photo|photograph|drawing|screenshot)s?\b",
    re.IGNORECASE,
)


class Checker(PlanCheck, DocumentCheck, Protocol):
    """Checks both plans and documents."""


class StructuralCheck:
    """Finds the faults in the form of a plan, and in the kept images of a document, that hold for every generator."""

    async def check_plan(self, request: Request, plan: Plan, context: PlanContext) -> CheckReport:
        """See `PlanCheck.check_plan`."""
        return CheckReport(checked=False, faults=tuple(_plan_faults(request, plan, context)))

    async def check_document(self, request: Request, plan: Plan, shown: Sequence[Attempt | None]) -> CheckReport:  # noqa: ARG002
        """See `DocumentCheck.check_document`."""
        faults = []
        for number, (step, attempt) in enumerate(zip(plan.steps, shown, strict=True), 1):
            if step.prompt is not None and attempt is None:
                faults.append(f"Step {number} has no image.")
            elif attempt is not None and attempt.verdict is not None and attempt.verdict.success is False:
                faults.append(f"Step {number} shows an image that the critic rejected.")
        return CheckReport(checked=False, faults=tuple(faults))


class CombinedCheck:
    """Runs checks one after the other and joins their faults, without repetitions.

    The result is `checked` if any of the checks could decide.

    Args:
        checks: The checks, in order.
    """

    def __init__(self, *checks: Checker) -> None:
        self._checks = checks

    async def check_plan(self, request: Request, plan: Plan, context: PlanContext) -> CheckReport:
        """See `PlanCheck.check_plan`."""
        return _joined([await check.check_plan(request, plan, context) for check in self._checks])

    async def check_document(self, request: Request, plan: Plan, shown: Sequence[Attempt | None]) -> CheckReport:
        """See `DocumentCheck.check_document`."""
        return _joined([await check.check_document(request, plan, shown) for check in self._checks])


def _joined(reports: Sequence[CheckReport]) -> CheckReport:
    faults = dict.fromkeys(fault for report in reports for fault in report.faults)
    notes = dict.fromkeys(note for report in reports for note in report.notes)
    return CheckReport(checked=any(report.checked for report in reports), faults=tuple(faults), notes=tuple(notes))


def _plan_faults(request: Request, plan: Plan, context: PlanContext) -> Iterator[str]:
    drawn = [step for step in plan.steps if step.prompt is not None]
    for number, step in enumerate(plan.steps, 1):
        if not (step.prompt or step.auxiliary_text or step.instruction):
            yield f"Step {number} has nothing to show: neither a prompt nor a text."
    for number, (step, following) in enumerate(zip(plan.steps, plan.steps[1:], strict=False), 1):
        if _content(step) == _content(following):
            yield f"Step {number + 1} repeats step {number}."
    if drawn and not request.images and _EDIT.match(drawn[0].prompt or ""):
        yield (
            f'The first image is planned as a change of an earlier one ("{drawn[0].prompt}"), but there is none: the '
            "first prompt must describe the whole image."
        )
    if not drawn and not request.images and _ABOUT_IMAGES.search(request.text):
        yield "The request asks about an image, but no image was given."
    wanted = named_step_count(request.text)
    if drawn and context.previous is None and wanted is not None and wanted != len(plan.steps):
        yield f"The request asks for {wanted} steps; the plan has {len(plan.steps)}."


def _content(step: Step) -> str:
    """Returns what a step shows: its prompt, or the text of a step without an image."""
    shown = step.prompt if step.prompt is not None else step.auxiliary_text or step.instruction
    return " ".join((shown or "").lower().split()).strip(".")
