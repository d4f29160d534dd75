"""A view in words, for chat clients that show nothing else: at most 25 lines, then one sentence with what can be done.

Pure functions. Words of users and models are quoted on one line, so that they cannot pass for lines of this program.
"""

from collections.abc import Sequence

from interleavethinker.graph.limits import Limits, StopReason
from interleavethinker.graph.workspace.catalog import TrajectorySummary
from interleavethinker.tools.plain_text import quotation

from .view import StepView, View, profile_name

__all__ = ["capped", "described", "in_tool_names", "listed", "next_sentence", "step_line"]

_MOST_LINES = 25
_MOST_NOTES = 4
_LINE = 220
_NOTE = 300
_STATUS = {
    "accepted": "done",
    "best_effort": "best effort, no attempt was accepted",
    "not_judged": "done, not judged",
    "refused": "no image, the service refused",
    "text_only": "text only",
    "pending": "not started",
    "current": "current",
}
_RAISABLE = {StopReason.MAX_CALLS, StopReason.MAX_COST, StopReason.TIME_LIMIT}
"""Limits that `resume` can raise."""
_PHASES = {
    "loading": "loading the models",
    "planning": "planning",
    "generating": "generating the image",
    "judging": "judging the image",
    "waiting_for_model": "waiting for a model's provider",
}


_CAPPED = ("max_attempts", "max_calls", "time_limit", "max_cost", "variants")
_TOOLS = {"`list`": "`list_trajectories`", "`show`": "`follow`"}
"""Commands that errors of the workspace name, and the tools that do the same; the others have equal names."""


def in_tool_names(message: str) -> str:
    """Returns an error's message with the names of tools instead of commands.

    Examples:
        >>> in_tool_names("No trajectory begins with 'x'; `list` shows all IDs.")
        "No trajectory begins with 'x'; `list_trajectories` shows all IDs."
    """
    for command, tool in _TOOLS.items():
        message = message.replace(command, tool)
    return message


def described(view: View, *, require_person: bool = False, lead: str = "") -> str:
    """Returns a view in words.

    Args:
        view: The view.
        require_person: Whether a model may not approve the plan.
        lead: A line to put first, such as what has just been done.
    """
    head = [lead] if lead else []
    state = f"{view.status}, {view.finished} of {view.of} steps finished" if view.of else f"{view.status}, no plan yet"
    head.append(f'Trajectory {view.trajectory} "{quotation(view.title, 80)}": {state}.')
    if view.work is not None:
        head.append(f"Now: {_work(view)}.")
    if view.reason:
        head.append(f"Reason: {quotation(view.reason, _NOTE)}")
    tail = [f"Note: {quotation(note, _NOTE)}" for note in view.notes[:_MOST_NOTES]]
    if len(view.notes) > _MOST_NOTES:
        tail.append(f"({len(view.notes) - _MOST_NOTES} more notes in the document.)")
    if view.studio:
        tail.append(f"The user can watch and steer it at {view.studio}")
    steps = _steps(view, _MOST_LINES - len(head) - len(tail))
    return "\n".join([*head, *steps, *tail, next_sentence(view, require_person=require_person)])


def capped(before: Limits, after: Limits) -> str:
    """Returns how a server has lowered a trajectory's limits to what it allows; empty if it has not.

    Examples:
        >>> capped(Limits(max_attempts=9), Limits(max_attempts=2, max_calls=3))
        'This server allows less than the trajectory had: max_attempts 2 (was 9), max_calls 3 (was unlimited).'
    """
    changed = []
    for name in _CAPPED:
        had, has = getattr(before, name), getattr(after, name)
        if had != has:
            changed.append(f"{name} {has:g} (was {'unlimited' if had is None else f'{had:g}'})")
    return f"This server allows less than the trajectory had: {', '.join(changed)}." if changed else ""


def next_sentence(view: View, *, require_person: bool = False) -> str:
    """Returns what can be done now, as one sentence that names the tools."""
    name = f'trajectory="{view.trajectory}"'
    match view.status:
        case "running":
            return f'Next: call follow with {name} and since="{view.version}" to wait for the next step.'
        case "waiting":
            return _at_approval(view, name, require_person=require_person)
        case "paused" | "interrupted" | "ready":
            return f"Next: call resume with {name} to continue; nothing that is finished will be repeated."
        case "failed":
            return f"Next: once the reason is removed, call resume with {name}; finished images are kept."
        case "cancelled":
            return (
                f"Next: call branch with {name} to continue from one of its steps, or get_document for what there is."
            )
        case _ if view.stop_reason in _RAISABLE:
            return (
                f"Next: call get_document with {name} for the answer so far, or, if the user agrees, resume with a "
                f"higher {view.stop_reason.value} for the rest."
            )
        case _:
            return f"Next: call get_document with {name} for the answer, or branch to change a step."


def _at_approval(view: View, name: str, *, require_person: bool) -> str:
    if view.waiting_for is None:
        return f"Next: the plan is approved; call resume with {name} to carry it out."
    if require_person:
        return (
            "Next: a person must approve the plan (approve_plan asks them where the client has forms; else on the "
            f"board, in the studio, or with `interleavethinker approve {view.trajectory}`)."
        )
    return f"Next: show the user this plan, then call approve_plan with {name}, with changed steps if they wish."


def step_line(step: StepView) -> str:
    """Returns a step in one line: number, status, heading, and the image with what it shows."""
    heading = step.instruction or step.caption or step.prompt or ""
    status = _STATUS[step.status]
    if step.attempts_made > 1 or (step.attempts_made and step.status == "current"):
        status += f", {step.attempts_made} attempt{'s' if step.attempts_made > 1 else ''}"
    line = f'{step.n}. [{status}] "{quotation(heading, _LINE)}"'
    if step.image is not None:
        line += f' image://{step.image} shows "{quotation(step.shows, _LINE)}"'
    newest = step.attempts[-1] if step.attempts else None
    if step.status == "current" and newest is not None and newest.verdict in {"rejected", "refused"} and newest.reason:
        line += f' ({newest.verdict}: "{quotation(newest.reason, _LINE)}")'
    return line


def listed(summaries: Sequence[TrajectorySummary], total: int) -> str:
    """Returns a list of trajectories, one on a line."""
    if not summaries:
        return "No trajectories. Start one with illustrate."
    lines = [
        f'{one.id} {one.status}, profile {profile_name(one.profile)}: "{quotation(one.title, 80)}"' for one in summaries
    ]
    if total > len(lines):
        lines.append(f"({total - len(lines)} older ones; raise limit to see them.)")
    return "\n".join([*lines, "Next: show_storyboard, get_document or resume with one of these IDs."])


def _work(view: View) -> str:
    work = view.work
    if work is None:
        return ""
    words = _PHASES[work.phase]
    if work.step is not None:
        words += f" of step {work.step}" + (f", attempt {work.attempt}" if work.attempt else "")
    if work.fraction:
        words += f" ({work.fraction:.0%})"
    return words + (f": {quotation(work.message, 100)}" if work.phase == "waiting_for_model" else "")


def _steps(view: View, room: int) -> list[str]:
    """Returns a line for each step; where there is no room, only for those around the current one."""
    if len(view.steps) <= room:
        return [step_line(step) for step in view.steps]
    shown = max(1, room - 2)
    first = min(max(0, view.finished - shown // 2), len(view.steps) - shown)
    lines = [step_line(step) for step in view.steps[first : first + shown]]
    before, after = first, len(view.steps) - first - shown
    return [
        *([f"(steps 1 to {before}: finished)"] if before else []),
        *lines,
        *([f"({after} more steps; get_document shows all that are finished)"] if after else []),
    ]
