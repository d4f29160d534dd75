"""Checks whether what the micro critic says follows from the prompt that it judged by.

The critic writes what was there, what each place should show, and what it shows. It is a small model: of two fish it
may confuse one with the other, or expect a star in another corner, and then it rejects what is right, attempt after
attempt. Only its words are checked, against the prompt and against each other; no image is read here.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.templates import CellTarget, cell_targets_of, place
from interleavethinker.microworld.scenes.scene import POSITIONS, Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES
from interleavethinker.tools.errors import InputError, ModelAnswerError
from interleavethinker.tools.types import CriticInput, Verdict

__all__ = ["check_verdict"]

_CELLS = {place(cell): cell for cell in range(len(POSITIONS))}
_PLACE = f"(?P<place>{'|'.join(_CELLS)})"
_OBJECT = rf"(?:(?P<size>{'|'.join(SIZES)}) )?(?P<colour>{'|'.join(COLOURS)}) (?P<kind>{'|'.join(KINDS)})"
_GROUND = f"(?:{'|'.join(BACKGROUNDS)})"
_THERE = re.compile(rf"{_OBJECT} {_PLACE}")
_WANTS = re.compile(
    rf"(?:(?P<was>nothing|{_OBJECT.replace('?P<', '?P<was_')}) )?{_PLACE} wants (?P<wanted>nothing|{_OBJECT}), is "
)
_WANTS_GROUND = re.compile(rf"(?:(?P<was>{_GROUND}) )?background wants (?P<wanted>{_GROUND}), is ")
_STAYS = re.compile(rf"{_OBJECT} {_PLACE} stays, is ")


def check_verdict(case: CriticInput, verdict: Verdict) -> None:
    """Checks a verdict; this is the `verdict_check` of the profile `micro`.

    Answers in another form, and prompts that rules do not understand, are passed.

    Raises:
        ModelAnswerError: The critic expects something else than the prompt asks for, or contradicts itself.
    """
    first, *lines = verdict.reasoning.split("; ")
    before = _scene_in(first.removeprefix("before ")) if first.startswith("before ") else None
    if (before is None) != (case.source is None):
        return
    lines = lines if before is not None else [first, *lines]
    try:
        task = parse(case.original_prompt, before)
    except InputError:
        return
    sources = (None,) * len(POSITIONS) if before is None else cell_targets_of(before)
    wanted = {cell: target for cell, target in enumerate(task.cell_targets) if target != sources[cell]}
    said: dict[int, str] = {}
    for line in lines:
        if found := _WANTS.match(line):
            said[_CELLS[found["place"]]] = found["wanted"]
            _check_there(found["was"], found["place"], before)
        elif (found := _STAYS.match(line)) and before is not None:
            _check_there(line[: found.start("place") - 1], found["place"], before)
        elif (found := _WANTS_GROUND.match(line)) and found["wanted"] != task.target.background:
            raise ModelAnswerError(_other(f"the background {found['wanted']}"))
    if not said and not any(_WANTS_GROUND.match(line) for line in lines):
        return
    for cell in sorted({*said, *wanted}):
        if cell not in said or not _agrees(said[cell], wanted.get(cell)):
            raise ModelAnswerError(_other(f"{said.get(cell, 'no change')} {place(cell)}"))


def _agrees(said: str, wanted: CellTarget | None) -> bool:
    if wanted is None or said == "nothing":
        return wanted is None and said == "nothing"
    words = said.split()
    size = words[0] if len(words) == 3 else None
    same = words[-2:] == [wanted.colour, wanted.kind]
    return same and (size is None or wanted.size is None or size == wanted.size)


def _check_there(was: str | None, where: str, before: Scene | None) -> None:
    if was is None or before is None:
        return
    obj = before.cells[_CELLS[where]]
    if was != ("nothing" if obj is None else f"{obj.size} {obj.colour} {obj.kind}"):
        raise ModelAnswerError(f"It says that there was {was} {where}, and before, something else is there.")


def _other(expected: str) -> str:
    return f"It expects {expected}, which is not what the prompt asks for."


def _scene_in(listing: str) -> Scene | None:
    *objects, background = listing.split(", ")
    if background not in BACKGROUNDS:
        return None
    scene = Scene(background)
    for words in objects:
        found = _THERE.fullmatch(words)
        if found is None:
            return None
        scene = scene.put(_CELLS[found["place"]], SceneObject(found["kind"], found["colour"], found["size"] or "big"))
    return scene
