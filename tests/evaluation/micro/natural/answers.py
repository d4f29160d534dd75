"""Answers that meet an expectation, built from the requirement itself."""

from interleavethinker.evaluation.micro.natural.cases import Expectation, ImageRequirement, ObjectRequirement
from interleavethinker.evaluation.micro.natural.judging import Observation
from interleavethinker.microworld.scenes.scene import POSITIONS, Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS

__all__ = ["ideal_answer", "ideal_scene"]


def ideal_scene(required: ImageRequirement) -> Scene:
    """Returns a scene with exactly the required objects; those with the fewest allowed cells are placed first."""
    scene = Scene(required.backgrounds[0] if required.backgrounds else BACKGROUNDS[0])
    wanted = [one for one in required.objects for _ in range(1 if one.count is None else one.count)]
    for one in sorted(wanted, key=lambda one: len(one.cells) or len(POSITIONS)):
        cell = next(cell for cell in scene.free if not one.cells or POSITIONS[cell] in one.cells)
        scene = scene.put(cell, _object(one))
    return scene


def _object(one: ObjectRequirement) -> SceneObject:
    return SceneObject(one.kind or "ball", one.colour or "red", one.size or "big")


def ideal_answer(expect: Expectation) -> Observation:
    """Returns an answer that meets the expectation; if only a refusal does, the refusal."""
    if expect.answer is not None:
        return Observation(text=", ".join(fact[0] for fact in expect.answer.facts))
    if expect.images:
        return Observation(tuple(map(ideal_scene, expect.images)))
    return Observation(refusal="This cannot be done.")
