"""The micro world's check of plans and documents: rules that read the request, the plan, its texts and its images.

A request that the rules do not understand is restated by a small model. If they do not understand that either, it is a
fault of every plan, because nothing can tell whether the plan gives what the request asks for. What follows a restated
request is not counted as checked: nothing shows that both mean the same, so the document only quotes it. Where both
understand a request, and differently, the document says that it can be read in more than one way. Some faults need no
request: texts that contradict their own step, and images that miss their step's target.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from interleavethinker.microworld.language.lexicon import to_words
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.templates import Task
from interleavethinker.microworld.requests.captions import caption_faults
from interleavethinker.microworld.requests.image_marks import with_images_in_words
from interleavethinker.microworld.requests.interpretation import Interpretation
from interleavethinker.microworld.requests.plan_outcome import images_satisfy, plan_satisfies
from interleavethinker.microworld.requests.restated import interpret_restated, notes_on
from interleavethinker.microworld.requests.unread_words import unread_words
from interleavethinker.microworld.scenes.reader import prepare, read, scene_of
from interleavethinker.microworld.scenes.scene import POSITIONS, Scene
from interleavethinker.microworld.scoring.scorer import GradedItem, is_success, score
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.types import Attempt, CheckReport, Plan, Request, Sha256

from .restating import doubt, prepare_doubt, restate

__all__ = ["RequestCheck"]

_VERBS = frozenset(
    "add change delete draw exchange make move paint put recolour remove replace resize swap turn".split()
)
_FEW_WORDS = 15
_NOT_READ = frozenset({"wrong_size", "unknown_image"})
"""Codes of errors of images that are not from the micro world: nothing is known about what the request asks for."""


class RequestCheck:
    """Checks by rules whether a plan, or a finished document, gives what its request asks for.

    Args:
        store: Contains the images.
    """

    def __init__(self, store: ImageStore) -> None:
        self._store = store
        self._preparing: threading.Thread | None = None

    async def check_plan(self, request: Request, plan: Plan, context: PlanContext) -> CheckReport:  # noqa: ARG002
        """See `PlanCheck.check_plan`. The prompts are carried out by rules; texts are compared with the result."""
        request = with_images_in_words(request)
        report = await asyncio.to_thread(self._check_plan, request, plan)
        if self._preparing is None:  # Reading images takes seconds of preparation; the generator's server is busy now.
            self._preparing = threading.Thread(target=_prepare, args=(request, plan), name="request-check", daemon=True)
            self._preparing.start()
        return report

    async def check_document(self, request: Request, plan: Plan, shown: Sequence[Attempt | None]) -> CheckReport:
        """See `DocumentCheck.check_document`. Each image is compared with its step, and all with the request.

        What a person accepted or changed is not measured by the step or by the request.
        """
        return await asyncio.to_thread(self._check_document, with_images_in_words(request), plan, shown)

    def _check_plan(self, request: Request, plan: Plan) -> CheckReport:
        meaning, faults = self._interpreted(request)
        if meaning is not None:
            faults += plan_satisfies(meaning, plan)
            if meaning.answer is not None:
                faults += _orders(plan)
        faults.extend(_texts_against_steps(plan, self._source(request)))
        return _report(meaning is not None, faults, meaning, plan)

    def _check_document(self, request: Request, plan: Plan, shown: Sequence[Attempt | None]) -> CheckReport:
        meaning, faults = (None, []) if plan.made_by == "person" else self._interpreted(request)
        if meaning is not None and _needs_second_reading(request, plan):
            meaning = doubt(request, [self._scene(image) for image in request.images], meaning)
        try:
            faults += [
                fault
                for number, attempt in enumerate(shown, 1)
                if attempt is not None and not (attempt.verdict is not None and attempt.verdict.by_hand)
                for fault in self._step_faults(number, plan.steps[number - 1].prompt or "", attempt)
            ]
            if meaning is not None:
                images = (one.image for one in shown if one is not None and one.image is not None)
                made = [open_rgb(self._store.get(image)) for image in images]
                faults += plan_satisfies(meaning, plan) if meaning.answer else images_satisfy(meaning, made)
        except InputError:  # An image of another size, which a person may have put there.
            return _report(False, faults, meaning, plan)
        return _report(meaning is not None, faults, meaning, plan)

    def _interpreted(self, request: Request) -> tuple[Interpretation | None, list[str]]:
        """Returns the meaning of the request, or None and what is wrong with the request itself, if that is known."""
        try:
            return _read(request, tuple(self._scene(image) for image in request.images)), []
        except InputError as error:
            return None, [] if error.code in _NOT_READ else [str(error)]

    def _source(self, request: Request) -> Scene | None:
        try:
            return self._scene(request.images[-1]) if request.images else None
        except InputError:
            return None

    def _scene(self, image: Sha256) -> Scene:
        return scene_of(open_rgb(self._store.get(image)))

    def _step_faults(self, number: int, prompt: str, attempt: Attempt) -> list[str]:
        """Returns what a step's image lacks of the step's own target."""
        source = None if attempt.source is None else open_rgb(self._store.get(attempt.source))
        try:
            task = parse(prompt, None if source is None else read(source).scene)
        except InputError:  # The step refers to something that an earlier fault, which is reported, has removed.
            return []
        if attempt.image is None:
            return []
        scored = score(open_rgb(self._store.get(attempt.image)), source, task.cell_targets, task.target.background)
        if is_success(scored):
            return []
        wrong = [
            f"{_where(item)} is {item.found} instead of {item.wanted}"
            for item in scored.faults
            if item.found != item.wanted
        ]
        return [f"the image of step {number} is wrong: {'; '.join(wrong) or 'an object is unclear or has changed'}"]


@lru_cache(maxsize=64)
def _read(request: Request, scenes: tuple[Scene, ...]) -> Interpretation:
    """Reads a request, once for the checks of its plan and of its document."""
    meaning = interpret_restated(request, scenes, restate)
    if meaning.restated is not None:
        return meaning  # Other words were read, and nothing shows that they mean the same.
    return replace(meaning, unread=unread_words(meaning, scenes))


def _needs_second_reading(request: Request, plan: Plan) -> bool:
    """Whether only one competent reader has read the request: a plan of the fallback planner comes from the rules.

    The planner's own plans agree with the rules, or they fail their check. But of short requests, with all the ways in
    which people put them, the small model that restates has seen far more than the planner.
    """
    return plan.made_by == "fallback_planner" or len(request.text.split()) <= _FEW_WORDS


def _prepare(request: Request, plan: Plan) -> None:
    """Does what the check of the document would otherwise have to wait for."""
    prepare()
    if _needs_second_reading(request, plan):
        prepare_doubt(request)


def _orders(plan: Plan) -> list[str]:
    """Returns a fault for each text that gives an order, such as "Make the ball blue.", instead of an answer."""
    texts = [step.auxiliary_text or "" for step in plan.steps if step.prompt is None]
    return [
        f"{text!r} is an order, not an answer" for text in texts if to_words(text)[:1] and to_words(text)[0] in _VERBS
    ]


def _where(item: GradedItem) -> str:
    return "the background" if item.cell is None else f"the {POSITIONS[item.cell]} cell"


def _texts_against_steps(plan: Plan, scene: Scene | None) -> Iterator[str]:
    """Yields what the texts of a plan say that the images of their steps are not to show."""
    for number, step in enumerate(plan.steps, 1):
        if step.prompt is None:
            continue
        try:
            task: Task = parse(step.prompt, scene)
        except InputError:
            return
        for text in (step.instruction, step.auxiliary_text):
            if text:
                for fault in caption_faults(text, task.cell_targets, task.target.background, scene):
                    yield f"step {number}: {fault}"
        scene = task.target


def _more_images(meaning: Interpretation, plan: Plan) -> tuple[str, ...]:
    """Returns a note if a told series gets more images than it has: one step of the generator changes one thing."""
    asked, planned = len(meaning.targets), sum(step.prompt is not None for step in plan.steps)
    if meaning.source is not None or not 1 < asked < planned:
        return ()
    return (f"The request asks for {asked} images and gets {planned}, because each of them can change only one thing.",)


def _report(checked: bool, faults: Sequence[str], meaning: Interpretation | None, plan: Plan) -> CheckReport:
    return CheckReport(
        checked=checked and not (meaning is not None and (meaning.guessed or meaning.unread)),
        faults=tuple(f"{fault[:1].upper()}{fault[1:].rstrip('.')}." for fault in faults),
        notes=() if meaning is None else (*notes_on(meaning), *_more_images(meaning, plan)),
    )
