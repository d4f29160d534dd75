"""Answers that meet an expectation, built from the requirement itself."""

from interleavethinker.evaluation.micro.natural.cases import Expectation, ImageRequirement, ObjectRequirement
from interleavethinker.evaluation.micro.natural.judging import Observation
from interleavethinker.microworld.scenes.scene import POSITIONS, Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS

__all__ = ["ideal_answer", "ideal_scene"]


def ideal_scene(
    required: ImageRequirement, after: Scene | None = None, reserved: frozenset[int] = frozenset()
) -> Scene:
    """Returns a scene with exactly the required objects; those with the fewest allowed cells are placed first.

    Args:
        required: The requirement.
        after: The scene that follows; an object that is there in a cell that this requirement allows stands there.
            Objects that are only counted are those of this scene.
        reserved: Cells that an image needs for a certain object; others stand elsewhere if they can.
    """
    scene = Scene(required.backgrounds[0] if required.backgrounds else BACKGROUNDS[0])
    wanted = [one for one in required.objects for _ in range(1 if one.count is None else one.count)]
    for one in sorted(wanted, key=lambda one: len(one.cells) or len(POSITIONS)):
        allowed = [cell for cell in scene.free if not one.cells or POSITIONS[cell] in one.cells]
        later = {cell: _kind_at(after, cell) for cell in allowed}
        cell = min(
            allowed, key=lambda cell: (0 if later[cell] == one.kind else 2 if later[cell] else 1, cell in reserved)
        )
        scene = scene.put(cell, _object(one))
    while required.total is not None and len(scene.objects) < required.total:
        cell = min(scene.free, key=lambda cell: (not _kind_at(after, cell), cell in reserved))
        later_object = None if after is None else after.cells[cell]
        scene = scene.put(cell, later_object or _object(ObjectRequirement()))
    return scene


def _kind_at(scene: Scene | None, cell: int) -> str:
    obj = None if scene is None else scene.cells[cell]
    return "" if obj is None else obj.kind


def _object(one: ObjectRequirement) -> SceneObject:
    return SceneObject(one.kind or "ball", one.colour or "red", one.size or "big")


def ideal_answer(expect: Expectation) -> Observation:
    """Returns an answer that meets the expectation; if only a refusal does, the refusal."""
    if expect.answer is not None:
        return Observation(text=", ".join(fact[0] for fact in expect.answer.facts))
    if expect.images:
        placed = (one.cells[0] for image in expect.images for one in image.objects if len(one.cells) == 1)
        reserved = frozenset(map(POSITIONS.index, placed))
        scenes: list[Scene] = []
        for required in reversed(expect.images):  # backwards, so that nothing stands where something comes later
            scenes.append(ideal_scene(required, scenes[-1] if scenes else None, reserved))
        return Observation(tuple(reversed(scenes)))
    return Observation(refusal="This cannot be done.")
