"""A rule-based planner, the scripted baseline for learned ones: it splits a request into steps of one edit each.

It keeps the user's words if they fit into one step, which leaves prompts for the critic to improve. It understands what
`language.parser` parses, and knows of images only the scene that `scenes.reader` finds in the last one given.
"""

import asyncio
import contextlib
import re
from collections.abc import Iterator

from interleavethinker.microworld.language.lexicon import check_vocabulary, singular, to_words
from interleavethinker.microworld.language.normalization import normalize, strip_framing
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.templates import (
    MAX_NAMED,
    Edit,
    Task,
    describe,
    instruct,
    name,
    place,
    with_article,
)
from interleavethinker.microworld.scenes.reader import read
from interleavethinker.microworld.scenes.scene import POSITIONS, Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import KINDS
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.types import Plan, Request, Sha256, Step

__all__ = ["ScriptedPlanner", "check_request"]

_CUT = re.compile(
    r"\s*(?:[.;\n]+|[,.;]?\s*\b(?:and\s+)?(?:then|afterwards|after that|next|finally)\b[,:]?)\s*", re.IGNORECASE
)
_COUNT = re.compile(
    r"[,:]?\s*\bin (?:\d+|one|two|three|four|five|six|seven|eight) (?:steps?|pictures?)\b", re.IGNORECASE
)
_COMPARISON = re.compile(r"\b(?:differen\w+|differ|changed?|compare\w*)\b", re.IGNORECASE)
_QUESTION = re.compile(r"\?\s*$|^\s*(?:what|who|where|how many|describe)\b", re.IGNORECASE)


class ScriptedPlanner:
    """Plans by rules.

    Args:
        store: Contains the request's images.
    """

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        """See `Planner.plan`. A replan returns the remaining steps unchanged, because the rules have no alternative."""
        if context.previous is not None:
            return Plan(steps=context.previous.steps[context.finished :], reasoning="Repeats the remaining steps.")
        return await asyncio.to_thread(self._plan, request)

    def _plan(self, request: Request) -> Plan:
        scenes = [self._scene(image) for image in request.images]
        scene = scenes[-1] if scenes else None
        if scene is not None and _QUESTION.search(request.text):
            compared = len(scenes) > 1 and _COMPARISON.search(request.text)
            answer = _difference(*scenes[-2:]) if compared else f"The picture shows {describe(scene)}."
            return Plan(
                steps=(Step(auxiliary_text=answer),), reasoning="A question about an image is answered in words."
            )
        steps = tuple(_steps(request.text, scene))
        return Plan(steps=steps, reasoning=f"One step for each change: {len(steps)}.")

    def _scene(self, image: Sha256) -> Scene:
        return read(open_rgb(self._store.get(image))).scene


def check_request(request: Request) -> None:
    """Rejects requests outside the micro world before anything is recorded; the `request_check` of scripted profiles.

    Edits of images are only checked for unknown words here; whether they fit the image is checked when planning.

    Raises:
        InputError: A word is unknown, or a sentence cannot be parsed; the message says what is known instead.
    """
    try:
        if not request.images:
            list(_steps(request.text, None))
        elif not _QUESTION.search(request.text):
            for piece in _pieces(request.text):
                check_vocabulary(normalize(piece))
    except InputError as error:
        hint = "The profiles `klein` and `api` accept any request; see `interleavethinker doctor`."
        raise InputError(f"{error} {hint}", code=error.code) from error


def _pieces(text: str) -> list[str]:
    """Splits a request into its parts in order, without introductions and step counts."""
    # Lower case and single spaces, as in training; neither carries meaning.
    # Runs of white space would take quadratic time.
    lines = "\n".join(" ".join(line.split()) for line in text.split("\n") if line.strip())
    content = _COUNT.sub("", strip_framing(lines)).lower()
    pieces = [" ".join(piece.strip(" ,:").split()) for piece in _CUT.split(content)]
    pieces = [piece for piece in pieces if piece]
    if not pieces:
        raise InputError(
            "The request does not say what to generate. Try, for example, 'a big red ball on the left, at night'."
        )
    return pieces


def _difference(before: Scene, after: Scene) -> str:
    """Describes in words how the second scene differs from the first."""
    found = [] if before.background == after.background else [f"the background is {after.background} instead"]
    for cell, (old, new) in enumerate(zip(before.cells, after.cells, strict=True)):
        if old and new and old.named != new.named:
            found.append(f"the {name(old)} {place(cell)} has become {with_article(name(new))}")
        elif old and not new:
            found.append(f"the {name(old)} {place(cell)} is gone")
        elif new and not old:
            found.append(f"{with_article(name(new))} {place(cell)} is new")
    if not found:
        return "Nothing that words can tell is different."
    return f"In the second picture, {', '.join(found)}."


def _steps(text: str, scene: Scene | None) -> Iterator[Step]:
    """Yields the steps for a text part by part, keeping track of the scene that each leaves behind."""
    last: str | None = None
    for piece in _pieces(text):
        wording, task = _parse_piece(piece, scene, last)
        yield from _generation_steps(wording, task) if scene is None else _edit_steps(wording, task, scene)
        scene = task.target
        last = next((word for word in map(singular, reversed(to_words(wording))) if word in KINDS), last)


def _parse_piece(piece: str, scene: Scene | None, last: str | None) -> tuple[str, Task]:
    """Parses one part of the request; "it" refers to the object named last, or else to the scene."""
    if last is not None:
        wording = re.sub(r"\b(?:it|that one)\b", f"the {last}", piece, flags=re.IGNORECASE)
        with contextlib.suppress(InputError):
            return wording, parse(wording, scene)
    return piece, parse(piece, scene)


def _generation_steps(wording: str, task: Task) -> Iterator[Step]:
    """Yields the step that generates a scene, and one edit for each object beyond what one prompt may name."""
    objects = list(task.target.objects.items())
    if len(objects) <= MAX_NAMED:
        open_ground = task.target.background not in to_words(wording)
        yield _step(describe(task.target) if open_ground or _leaves_open(wording, objects) else wording, task.target)
        return
    scene = task.target
    for cell, _ in objects[MAX_NAMED:]:
        scene = scene.put(cell, None)
    yield _step(describe(scene), scene)
    yield from _one_by_one([Edit("add", cell=cell, new=obj) for cell, obj in objects[MAX_NAMED:]], scene)


def _edit_steps(wording: str, task: Task, scene: Scene) -> Iterator[Step]:
    if len(task.edits) != 1:
        yield from _one_by_one(list(task.edits), scene)
        return
    (edit,) = task.edits
    new = [(edit.cell, edit.new)] if edit.kind == "add" and edit.cell is not None and edit.new is not None else []
    yield _step(instruct(edit, scene) if _leaves_open(wording, new) else wording, task.target)


def _leaves_open(wording: str, objects: list[tuple[int, SceneObject]]) -> bool:
    """Whether a text leaves an object's color or place open, on which a later step may depend."""
    words = set(to_words(wording))
    return not all(obj.colour in words and words.issuperset(POSITIONS[cell].split()) for cell, obj in objects)


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
