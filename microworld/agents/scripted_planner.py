"""A rule-based planner, the scripted baseline for learned ones: it splits a request into steps of one edit each.

It plans what `requests.interpretation` understands, refuses everything else, and checks each plan with the request.
It keeps the user's words if they fit into one step, which leaves prompts for the critic to improve, or words every step
as the generator's training texts do; for what the request leaves open it makes definite choices and states them. Of
images it knows only the scenes that `scenes.reader` finds.
"""

import asyncio
import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from interleavethinker.microworld.language.lexicon import to_words
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.templates import MAX_NAMED, Edit, describe, instruct
from interleavethinker.microworld.requests.image_marks import with_images_in_words
from interleavethinker.microworld.requests.interpretation import Interpretation
from interleavethinker.microworld.requests.plan_outcome import plan_satisfies
from interleavethinker.microworld.requests.refusals import explained
from interleavethinker.microworld.requests.restated import Restate, interpret_restated, not_restated, notes_on
from interleavethinker.microworld.requests.scene_edits import edits_between
from interleavethinker.microworld.requests.validation import check_request
from interleavethinker.microworld.scenes.reader import read
from interleavethinker.microworld.scenes.scene import POSITIONS, Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import SIZES
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.request_parsing import named_step_count
from interleavethinker.tools.types import Plan, Request, Sha256, Step

from .restating import restate

__all__ = ["ScriptedPlanner", "Wording", "check_request", "plan_by_rules"]

Wording = Literal["user", "trained"]

_DRAW = re.compile(
    r"^(?:draw|show|paint|make|create|generate|sketch|give)(?: (?:me|us))? (?=(?:a|an|one|two|three|nothing|in|"
    r"on|at|by)\b)"
)


class ScriptedPlanner:
    """Plans by rules.

    Args:
        store: Contains the request's images.
        wording: `user` keeps the user's words where they make one step; `trained` words every prompt as the training
            texts of generators do, and states every size.
        restates: Whether a small model restates requests that the rules do not understand.
    """

    def __init__(self, store: ImageStore, wording: Wording = "user", *, restates: bool = False) -> None:
        self._store = store
        self._wording: Wording = wording
        self._restate: Restate = restate if restates else not_restated

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        """See `Planner.plan`. A replan returns the remaining steps unchanged: the rules have no alternative."""
        if context.previous is not None:
            return Plan(steps=context.previous.steps[context.finished :], reasoning="Repeats the remaining steps.")
        return await asyncio.to_thread(self._plan, request)

    def _plan(self, request: Request) -> Plan:
        return plan_by_rules(request, [self._scene(image) for image in request.images], self._wording, self._restate)

    def _scene(self, image: Sha256) -> Scene:
        return read(open_rgb(self._store.get(image))).scene


def plan_by_rules(
    request: Request, scenes: Sequence[Scene], wording: Wording = "user", restate: Restate = not_restated
) -> Plan:
    """Plans a request whose images show the given scenes.

    Args:
        request: The request.
        scenes: What its images show, in order.
        wording: See `ScriptedPlanner`.
        restate: Rewords a request that the rules do not understand.

    Raises:
        InputError: The rules do not understand the request, or it cannot be carried out; the message names a request
            near it that can, if there is one.
    """
    request = with_images_in_words(request)
    try:
        interpretation = interpret_restated(request, scenes, restate)
        if interpretation.answer is not None:
            answered = (Step(auxiliary_text=interpretation.answer.text),)
            return Plan(steps=answered, reasoning="A question about an image is answered in words.")
        plan = _checked(interpretation, named_step_count(interpretation.restated or request.text), wording)
    except InputError as error:
        raise explained(error, request, scenes) from error
    return plan


def _checked(interpretation: Interpretation, wanted: int | None, wording: Wording) -> Plan:
    try:
        return _plan_of(interpretation, wanted, wording)
    except InputError:
        # In fewer steps: objects that trade places are replaced by each other.
        with contextlib.suppress(InputError):
            return _plan_of(interpretation, wanted, wording, step_aside=False)
        raise


def _plan_of(interpretation: Interpretation, wanted: int | None, wording: Wording, *, step_aside: bool = True) -> Plan:
    steps = tuple(_steps(interpretation, wording, step_aside=step_aside))
    if wanted is not None and wanted != len(steps) and len(interpretation.targets) <= wanted:
        split = tuple(_steps(interpretation, wording, one_by_one=True, step_aside=step_aside))
        steps = split if len(split) == wanted else steps
    if wanted is not None and wanted != len(steps):
        msg = f"The request names {wanted} steps, but takes {len(steps)}; leave the number out or change it."
        raise InputError(msg, code="step_count")
    reasoning = " ".join((f"One step for each change: {len(steps)}.", *notes_on(interpretation)))
    plan = Plan(steps=steps, reasoning=reasoning)
    faults = plan_satisfies(interpretation, plan)
    if faults:
        raise InputError(f"The rules found no plan for this request: {faults[0]}.", code="not_understood")
    return plan


def _steps(
    interpretation: Interpretation, wording: Wording, *, one_by_one: bool = False, step_aside: bool = True
) -> Iterator[Step]:
    """Yields the steps image by image, keeping track of the scene that each leaves behind."""
    story, scene = interpretation.story, interpretation.source
    if story is None:
        return
    images = zip(story.frames, story.scenes(), story.cells_before(), strict=True)
    for number, (frame, (after, cells), (_, before)) in enumerate(images):
        kept = wording == "user" and frame.edits == len(frame.texts) == 1
        words = _user_words(frame.texts, scene) if kept else None
        shown = after
        if scene is None:
            yield from _generation_steps(words, after, list(cells.values()), one_by_one=one_by_one)
        else:
            open_sizes = story.open_sizes(number) if wording == "user" else ()
            shown, edits = edits_between(scene, after, before, cells, open_sizes, step_aside=step_aside)
            yield from _edit_steps(words, edits, scene)
        scene = shown


def _user_words(texts: Sequence[str], scene: Scene | None) -> str:
    return _DRAW.sub("", texts[0]) if scene is None else texts[0]


def _generation_steps(words: str | None, after: Scene, order: list[int], *, one_by_one: bool) -> Iterator[Step]:
    """Yields the step that generates a scene, and one edit for each object beyond what one prompt may name."""
    named = 1 if one_by_one else MAX_NAMED
    if len(order) <= named:
        yield _step(words if words and _describes(words, after) else describe(after), after)
        return
    scene = after
    for cell in order[named:]:
        scene = scene.put(cell, None)
    yield _step(describe(scene), scene)
    yield from _one_by_one([Edit("add", cell=cell, new=after.cells[cell]) for cell in order[named:]], scene)


def _describes(words: str, after: Scene) -> bool:
    """Whether a description states everything about a scene except for sizes."""
    try:
        task = parse(words, None)
    except InputError:
        return False
    if not after.objects and not words.startswith(("nothing", "an empty")):
        return False  # "a meadow" is no description that generators were trained on
    open_ground = after.background not in to_words(words)
    return not open_ground and _same(task.target, after) and not _leaves_open(words, list(after.objects.items()))


def _edit_steps(words: str | None, edits: list[Edit], scene: Scene) -> Iterator[Step]:
    if len(edits) == 1 and words:
        (edit,) = edits
        obj = scene.cells[edit.cell] if edit.cell is not None else None
        for wording in dict.fromkeys((words, *([_without_pronoun(words, obj.kind)] if obj else []))):
            if _orders(wording, edit, scene):
                yield _step(wording, edit.apply(scene))
                return
    yield from _one_by_one(edits, scene)


def _without_pronoun(words: str, kind: str) -> str:
    return re.sub(r"\b(?:it|that one|this one)\b", f"the {kind}", words)


def _orders(words: str, edit: Edit, scene: Scene) -> bool:
    """Whether a text orders exactly this edit and leaves nothing but a size open."""
    try:
        task = parse(words, scene)
    except InputError:
        return False
    if len(task.edits) != 1 or not _same(task.target, edit.apply(scene)):
        return False
    return (
        edit.kind not in {"add", "replace"}
        or edit.new is None
        or edit.cell is None
        or not _leaves_open(words, [(edit.cell, edit.new)] if edit.kind == "add" else [])
    )


def _same(found: Scene, wanted: Scene) -> bool:
    return found.named == wanted.named


def _leaves_open(wording: str, objects: list[tuple[int, SceneObject]]) -> bool:
    """Whether a text leaves an object's color or place open, or a small size, on which a later step may depend."""
    words = set(to_words(wording))
    return not all(
        obj.colour in words
        and words.issuperset(POSITIONS[cell].split())
        and (obj.size in words or obj.size == SIZES[1])
        for cell, obj in objects
    )


def _one_by_one(edits: list[Edit], scene: Scene) -> Iterator[Step]:
    for edit in edits:
        prompt = instruct(edit, scene)
        scene = edit.apply(scene)
        yield _step(prompt, scene)


def _step(prompt: str, after: Scene) -> Step:
    shown = describe(after)
    return Step(
        instruction=f"{prompt[:1].upper()}{prompt[1:]}.",
        prompt=prompt,
        auxiliary_text=f"{shown[:1].upper()}{shown[1:]}.",
    )
