"""Stage 5: writes the planner's rows, and exports finished trajectories as interleaved sequences.

Planner rows are unfiltered, as in the paper. There is one for every request with its plan, and one for every trajectory
that can be cut at a random step: the request and the images made so far become the input, the rest of the plan the
target. Sequences are for models that write both text and images. What names an image that is missing or damaged is left
out of both.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal

from interleavethinker.graph.attempts import selected_attempt
from interleavethinker.tools.types import Attempt, ImagePart, Part, Plan, Request, Sha256, TextPart

from .folder import DataFolder
from .schema import CriticRow, PlannerRow, PromptRow, SequenceRow, TrajectoryRow
from .summary import StageSummary

__all__ = ["cut_after", "export_sequences", "make_planner_rows"]

CONTINUE = "Continue the sequence."


def make_planner_rows(folder: DataFolder, seed: int) -> StageSummary:
    """Writes a row for every request, and one for every trajectory that can be cut."""
    with folder.stage(folder.prompts):
        return _make_planner_rows(folder, seed)


def _make_planner_rows(folder: DataFolder, seed: int) -> StageSummary:
    summary, rows = StageSummary("planner rows"), []
    prompts = {row.id: row for row in folder.rows(folder.prompts, summary)}
    for row in prompts.values():
        if row.plan is None or not folder.has_usable_images(row, row.request.images, summary):
            continue
        rows.append(
            PlannerRow(
                id=row.id,
                split=row.split,
                family=row.family,
                request=row.request,
                plan=row.plan,
                first=len(row.request.images) + 1,
            )
        )
        summary.keep(f"{row.split}, whole request")
    for trajectory in folder.rows(folder.trajectories, summary):
        prompt = prompts.get(trajectory.prompt)
        if prompt is None:
            summary.drop("trajectories whose request is not in prompts.jsonl")
            continue
        if not folder.has_usable_images(trajectory, prompt.request.images, summary):
            continue
        if prompt.plan is None:
            rows.append(_whole(prompt, trajectory))
            summary.keep(f"{prompt.split}, whole request")
        cut = _cut(prompt, trajectory, seed)
        if cut is None:
            summary.drop("a single step, or a step before the cut has no image")
            continue
        if not folder.has_usable_images(trajectory, cut.request.images, summary):
            continue
        rows.append(cut)
        summary.keep(f"{cut.split}, cut at a step")
    folder.planner.write(rows)
    return summary


def _whole(prompt: PromptRow, trajectory: TrajectoryRow) -> PlannerRow:
    """The plan that a planner made for a request without a known one."""
    return PlannerRow(
        id=f"{trajectory.id}.whole",
        split=prompt.split,
        family=prompt.family,
        request=prompt.request,
        plan=trajectory.plan,
        first=len(prompt.request.images) + 1,
    )


def _cut(prompt: PromptRow, trajectory: TrajectoryRow, seed: int) -> PlannerRow | None:
    steps = trajectory.plan.steps
    if len(steps) < 2:
        return None
    digest = hashlib.sha256(f"{seed}/{trajectory.id}".encode()).digest()
    at = 1 + digest[0] % (len(steps) - 1)
    kept = [_selected(trajectory, index) for index in range(at)]
    if None in kept:
        return None
    request, plan = cut_after(prompt.request, trajectory.plan, [one.image for one in kept if one and one.image])
    return PlannerRow(
        id=f"{trajectory.id}.cut{at}",
        split=trajectory.split,
        family=prompt.family,
        request=request,
        plan=plan,
        first=len(prompt.request.images) + at + 1,
    )


def cut_after(request: Request, plan: Plan, images: Sequence[Sha256]) -> tuple[Request, Plan]:
    """Returns the request with its finished steps appended, and the plan of the remaining steps.

    Args:
        request: The whole request.
        plan: The whole plan.
        images: Images of the finished steps, one per step, from the first step on.

    Examples:
        With a plan of three steps and one image, the request gets the first step's instruction, that image and
        "Continue the sequence."; the plan keeps steps two and three.
    """
    done, parts = len(images), [*request.parts]
    for step, image in zip(plan.steps, images, strict=False):
        parts += [TextPart(text=step.instruction or ""), ImagePart(sha256=image)]
    parts.append(TextPart(text=CONTINUE))
    left = len(plan.steps) - done
    reasoning = f"{done} steps are done; {left} of the request {'is' if left == 1 else 'are'} left."
    return Request(parts=tuple(parts)), Plan(steps=plan.steps[done:], reasoning=reasoning)


def export_sequences(folder: DataFolder, mode: Literal["easy", "hard"]) -> StageSummary:
    """Writes every finished trajectory as one sequence.

    A sequence is `<gthink>…</gthink>`, then for each step `<plan>…</plan>`, its image and `<info>…</info>`. Hard mode
    includes all images of a step, each followed by `<critic><think>…</think>{verdict as JSON}</critic>`.
    """
    with folder.stage(folder.trajectories, *([folder.scored] if mode == "hard" else [])):
        return _export_sequences(folder, mode)


def _export_sequences(folder: DataFolder, mode: Literal["easy", "hard"]) -> StageSummary:
    summary = StageSummary(f"sequences, {mode}")
    prompts = {row.id: row for row in folder.rows(folder.prompts, summary)}
    answers: dict[str, dict[tuple[int, int], CriticRow]] = defaultdict(dict)
    for row in folder.rows(folder.scored, summary):
        answers[row.trajectory][row.step, row.iteration] = row
    rows = []
    for trajectory in folder.rows(folder.trajectories, summary):
        if trajectory.prompt not in prompts:
            summary.drop("trajectories whose request is not in prompts.jsonl")
            continue
        if any(
            step.prompt and _selected(trajectory, index) is None for index, step in enumerate(trajectory.plan.steps)
        ):
            summary.drop("stopped by a limit before its end")
            continue
        judged = answers[trajectory.id]
        if mode == "hard" and len(judged) < len(trajectory.attempts):
            summary.drop("not all attempts are scored")
            continue
        sequence = SequenceRow(
            id=f"{trajectory.id}.{mode}",
            split=trajectory.split,
            mode=mode,
            request=prompts[trajectory.prompt].request,
            parts=tuple(_sequence(trajectory, judged if mode == "hard" else None)),
        )
        shown = [part.sha256 for part in sequence.parts if part.kind == "image"]
        if not folder.has_usable_images(trajectory, [*sequence.request.images, *shown], summary):
            continue
        rows.append(sequence)
        summary.keep(trajectory.split)
    others = [row for row in folder.sequences if row.mode != mode]
    folder.sequences.write([*others, *rows])
    return summary


def _sequence(trajectory: TrajectoryRow, judged: dict[tuple[int, int], CriticRow] | None) -> Iterator[Part]:
    yield TextPart(text=f"<gthink>{trajectory.plan.reasoning}</gthink>")
    for index, step in enumerate(trajectory.plan.steps):
        yield TextPart(text=f"<plan>{step.prompt or step.instruction or ''}</plan>")
        if judged is None:
            kept = _selected(trajectory, index)
            if kept is not None and kept.image is not None:
                yield ImagePart(sha256=kept.image)
        else:
            for attempt in _attempts_of(trajectory, index):
                if attempt.image is None:
                    continue
                yield ImagePart(sha256=attempt.image)
                yield TextPart(text=_critic_text(judged[index, attempt.iteration]))
        if step.auxiliary_text:
            yield TextPart(text=f"<info>{step.auxiliary_text}</info>")


def _critic_text(row: CriticRow) -> str:
    content = {"previous_step_success": row.success, "refine_prompt": row.answer.refined_prompt}
    return f"<critic><think>{row.answer.reasoning}</think>{json.dumps(content, ensure_ascii=False)}</critic>"


def _attempts_of(trajectory: TrajectoryRow, step: int) -> list[Attempt]:
    return [attempt for attempt in trajectory.attempts if attempt.step == step]


def _selected(trajectory: TrajectoryRow, step: int) -> Attempt | None:
    return selected_attempt({str(number): attempt for number, attempt in enumerate(trajectory.attempts)}, step)
