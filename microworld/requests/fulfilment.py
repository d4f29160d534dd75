"""Compares scenes, images and plans with what a request requires; every function returns the faults in words.

An empty list means that nothing is wrong. Knows nothing of how the requirements were found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

from PIL import Image

from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.templates import name, place, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES, plural
from interleavethinker.microworld.scenes.reader import Reading, read
from interleavethinker.microworld.scenes.scene import MAX_OBJECTS, Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import COLOURS, SIZES
from interleavethinker.microworld.scoring.scorer import QUALITY_NEEDED, cell_qualities
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Step

from .required_scene import ANY_BACKGROUND, ANY_CELL, ANY_COLOUR, ANY_SIZE, LookRelation, RequiredObject, RequiredScene

__all__ = ["CHANGED", "image_satisfies", "reading_satisfies", "required_text", "scene_satisfies", "steps_satisfy"]

CHANGED = "something changed that was to stay as it was, or what was to change did not"
"""What is wrong with an image that shows what is required, but does not follow from those before it."""


def image_satisfies(target: RequiredScene, image: Image.Image) -> list[str]:
    """Returns what is wrong with an image, one fault per item; nothing if it shows what the target requires.

    Raises:
        InputError: The image has the wrong size (`wrong_size`).
    """
    return reading_satisfies(target, read(image))


def reading_satisfies(target: RequiredScene, reading: Reading) -> list[str]:
    """Returns what `image_satisfies` returns for an image that was read."""
    qualities = cell_qualities(reading)
    unclear = [
        f"the {name(obj)} {place(cell)} is hard to recognize"
        for cell, obj in reading.scene.objects.items()
        if qualities[cell] < QUALITY_NEEDED / 2
    ]
    return scene_satisfies(target, reading.scene) + unclear


def scene_satisfies(target: RequiredScene, scene: Scene) -> list[str]:
    """Returns what is wrong with a scene, one fault per item; nothing if it is as the target requires."""
    faults = []
    if scene.background not in target.backgrounds:
        wanted = " or ".join(sorted(target.backgrounds))
        faults.append(f"the background is {scene.background} instead of {wanted}")
    objects = list(scene.objects.items())
    if len(objects) == len(target.objects):
        if _assignment(target, objects, relations=True) is not None:
            return faults
        if _assignment(target, objects, relations=False) is not None:
            faults += [_relation_text(target, number) for number in range(len(target.relations))]
            return [*faults, *dict.fromkeys(_look_text(target, look) for look in target.looks)]
    missing, extra = _unmatched(target.objects, objects)
    faults += [f"{required_text(wanted)} is missing" for wanted in missing]
    faults += [f"{with_article(name(obj))} {place(cell)} was not asked for" for cell, obj in extra]
    return faults


def steps_satisfy(
    source: Scene | None,
    targets: Sequence[RequiredScene],
    steps: Sequence[Step],
    follows: Callable[[Sequence[Scene]], bool] = lambda _: True,
) -> list[str]:
    """Carries out the prompts of a plan and returns what its images would lack.

    Args:
        source: The scene that the first step edits; None if it generates.
        targets: What the images must show, in order. Further images on the way to a target are allowed.
        steps: The steps; those without a prompt are skipped.
        follows: Whether scenes, each of which is as its target requires, belong together.
    """
    scene, anchor = source, source
    shown: list[Scene] = []
    faults: list[str] = []
    for number, step in enumerate(steps, start=1):
        if step.prompt is None:
            continue
        try:
            after = _carry_out(step.prompt, scene, targets[len(shown)] if len(shown) < len(targets) else None)
        except InputError as error:
            return [*faults, f"step {number} ({step.prompt!r}) cannot be carried out: {error}"]
        if scene is not None and after.named == scene.named:
            faults.append(f"step {number} ({step.prompt!r}) changes nothing")
        if len(shown) == len(targets):
            faults.append(f"step {number} ({step.prompt!r}) was not asked for")
        elif wrong := scene_satisfies(targets[len(shown)], after) or ([] if follows([*shown, after]) else [CHANGED]):
            if not _is_on_the_way(after, anchor, targets[len(shown)]):
                return [*faults, f"after step {number} ({step.prompt!r}), {'; '.join(wrong)}"]
        else:
            shown.append(after)
            anchor = after
        scene = after
    if len(shown) < len(targets):
        wanted = targets[len(shown)]
        wrong = [f"no step shows {_scene_text(wanted)}"] if scene is None else scene_satisfies(wanted, scene)
        faults.append(f"the plan ends too early: {'; '.join(wrong) or CHANGED}")
    return faults


def _carry_out(prompt: str, scene: Scene | None, target: RequiredScene | None) -> Scene:
    """Returns the scene after a prompt; a size that the prompt leaves open is chosen as the target wants it."""
    task = parse(prompt, scene)
    after = task.target
    opened = [cell for cell, wanted in enumerate(task.cell_targets) if wanted is not None and wanted.size is None]
    if target is None or not opened:
        return after
    for sizes in product(SIZES, repeat=min(len(opened), MAX_OBJECTS)):
        sized = after
        for cell, size in zip(opened, sizes, strict=False):
            obj = after.cells[cell]
            sized = sized if obj is None else sized.put(cell, replace(obj, size=size))
        if not scene_satisfies(target, sized):
            return sized
    return after


def _is_on_the_way(scene: Scene, anchor: Scene | None, target: RequiredScene) -> bool:
    """Whether a scene lies between the last required one and the next: nothing in it is new to both."""
    known = dict(anchor.objects) if anchor is not None else {}
    if scene.background not in target.backgrounds and (anchor is None or scene.background != anchor.background):
        return False
    if anchor is not None and _names(scene) == _names(anchor):
        return True  # objects only changed places, as when two are swapped through an empty cell
    return all(
        any(
            _lies_between(cell, obj, now, wanted)
            for now in (None, *known.items())
            for wanted in (None, *target.objects)
        )
        for cell, obj in scene.objects.items()
    )


def _lies_between(
    cell: int, obj: SceneObject, now: tuple[int, SceneObject] | None, wanted: RequiredObject | None
) -> bool:
    """Whether each attribute of an object is the present one or a wanted one."""
    kinds: set[str] = set()
    colours: set[str] = set()
    sizes: set[str] = set()
    cells: set[int] = set()
    if now is not None:
        cells.add(now[0])
        for values, value in zip((kinds, colours, sizes), now[1].named, strict=True):
            values.add(value)
    if wanted is not None:
        kinds.add(wanted.kind)
        colours |= wanted.colours
        sizes |= wanted.sizes
        cells |= wanted.cells
    if now is not None and wanted is not None and now[1].kind != wanted.kind and not wanted.cells & {now[0]}:
        return False
    return obj.kind in kinds and obj.colour in colours and obj.size in sizes and cell in cells


def _names(scene: Scene) -> Counter[tuple[str, str, str]]:
    return Counter(obj.named for obj in scene.objects.values())


def _allows(wanted: RequiredObject, cell: int, obj: SceneObject) -> bool:
    return (
        obj.kind == wanted.kind and obj.colour in wanted.colours and obj.size in wanted.sizes and cell in wanted.cells
    )


def _assignment(
    target: RequiredScene, objects: Sequence[tuple[int, SceneObject]], *, relations: bool
) -> list[int] | None:
    """Returns the cell of each required object such that everything is satisfied, or None."""
    chosen: list[int] = []
    shown = dict(objects)

    def extend() -> bool:
        at = len(chosen)
        if at == len(target.objects):
            return not relations or (
                all(relation.holds(tuple(chosen[index] for index in relation.objects)) for relation in target.relations)
                and all(look.holds(*(shown[chosen[index]] for index in look.objects)) for look in target.looks)
            )
        for cell, obj in objects:
            if cell not in chosen and _allows(target.objects[at], cell, obj):
                chosen.append(cell)
                if extend():
                    return True
                chosen.pop()
        return False

    return chosen if extend() else None


def _unmatched(
    wanted: Sequence[RequiredObject], objects: Sequence[tuple[int, SceneObject]]
) -> tuple[list[RequiredObject], list[tuple[int, SceneObject]]]:
    """Matches as many objects as possible (augmenting paths) and returns the rest of both sides."""
    owner: dict[int, int] = {}

    def place_one(index: int, seen: set[int]) -> bool:
        for at, (cell, obj) in enumerate(objects):
            if at in seen or not _allows(wanted[index], cell, obj):
                continue
            seen.add(at)
            if at not in owner or place_one(owner[at], seen):
                owner[at] = index
                return True
        return False

    for index in range(len(wanted)):
        place_one(index, set())
    missing = [one for index, one in enumerate(wanted) if index not in owner.values()]
    return missing, [one for at, one in enumerate(objects) if at not in owner]


def required_text(wanted: RequiredObject) -> str:
    """Describes a required object in words: "a red ball on the left"; open attributes are left out."""
    size = next(iter(wanted.sizes)) if wanted.sizes != ANY_SIZE else ""
    colours = sorted(wanted.colours)
    colour = "" if wanted.colours == ANY_COLOUR else " or ".join(colours)
    if len(COLOURS) - 2 < len(colours) < len(COLOURS):
        colour = f"not {' or '.join(sorted(ANY_COLOUR - wanted.colours))}"
    text = with_article(" ".join(filter(None, (size, colour, wanted.kind))))
    if wanted.cells == ANY_CELL or len(wanted.cells) > 3:
        return text
    return f"{text} {' or '.join(place(cell) for cell in sorted(wanted.cells))}"


def _scene_text(target: RequiredScene) -> str:
    listed = ", ".join(map(required_text, target.objects)) or "an empty picture"
    if target.backgrounds == ANY_BACKGROUND or len(target.backgrounds) > 1:
        return listed
    return f"{listed}, {BACKGROUND_PHRASES[next(iter(target.backgrounds))][0]}"


def _look_text(target: RequiredScene, look: LookRelation) -> str:
    kinds = sorted({target.objects[index].kind for index in look.objects})
    words = "color" if look.attribute == "colour" else look.attribute
    who = f"the {kinds[0]} and the {kinds[1]}" if len(kinds) > 1 else f"the {plural(kinds[0])}"
    return f"{who} should have {f'the same {words}' if look.same else f'different {words}s'}"


def _relation_text(target: RequiredScene, number: int) -> str:
    relation = target.relations[number]
    kinds = [target.objects[index].kind for index in relation.objects]
    words = {"left": "left of", "right": "right of", "next_to": "next to"}.get(relation.kind, relation.kind)
    return f"the {kinds[0]} should be {words} the {' and the '.join(kinds[1:])}"
