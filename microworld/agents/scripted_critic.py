"""A rule-based critic, the scripted baseline for learned ones: it reads both images and scores them against the prompt.

The prompt of a rejected attempt is rewritten in the generator's trained language. The confidence is the score: not a
probability, but it ranks attempts correctly. Prompts that cannot be parsed get no verdict.
"""

import asyncio
from collections.abc import Iterator, Sequence

from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.templates import Task, describe, instruct
from interleavethinker.microworld.scenes.reader import read
from interleavethinker.microworld.scenes.scene import POSITIONS, Scene
from interleavethinker.microworld.scoring.scorer import NOTHING, SEMANTICS_NEEDED, GradedItem, is_success, score
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import CriticInput, Requirement, Verdict

__all__ = ["ScriptedCritic", "requirements_of"]


class ScriptedCritic:
    """Judges attempts by rules.

    Args:
        store: Contains the images.
    """

    gives_confidence = True

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        """See `Critic.judge`."""
        return await asyncio.to_thread(lambda: [self._judge(case) for case in cases])

    def _judge(self, case: CriticInput) -> Verdict:
        try:
            image = open_rgb(self._store.get(case.image))
            source = None if case.source is None else open_rgb(self._store.get(case.source))
            before = None if source is None else read(source).scene
            task = parse(case.original_prompt, before)
            scored = score(image, source, task.cell_targets, task.target.background)
        except InputError as error:
            return Verdict(success=None, reasoning=str(error))
        success = is_success(scored)
        return Verdict(
            success=success,
            refined_prompt=case.prompt if success else _canonical(task, before),
            reasoning="; ".join(_describe_item(item) for item in scored.items if item.should_change or item.grade < 10)
            + f". Semantics {scored.semantics:.1f}, quality {scored.quality:.1f}.",
            confidence=round(scored.overall / 10, 4),
            checklist=tuple(requirement for item in scored.items for requirement in requirements_of(item)),
        )


def _canonical(task: Task, before: Scene | None) -> str:
    if before is None:
        return describe(task.target)
    if len(task.edits) == 1:
        return instruct(task.edits[0], before)
    return task.text


def requirements_of(item: GradedItem) -> Iterator[Requirement]:
    """Yields what a cell or the background must show; nothing for one that stayed as it was, as it should."""
    where, met = "background" if item.cell is None else POSITIONS[item.cell], item.grade >= SEMANTICS_NEEDED
    if not item.should_change:
        if not met:
            kept = item.wanted if item.wanted == NOTHING else f"the {item.wanted}"
            yield Requirement(kind="kept", text=f"{kept} at the {where}" if item.cell is not None else where, met=False)
    elif item.cell is None:
        yield Requirement(kind="attribute", text=f"{item.wanted} background", met=met)
    elif item.wanted == NOTHING:
        yield Requirement(kind="object", text=f"nothing at the {where}", met=met)
    else:
        *attributes, kind = item.wanted.split()
        yield Requirement(kind="object", text=f"a {kind} at the {where}", met=item.found.split()[-1] == kind)
        if attributes:
            yield Requirement(kind="attribute", text=f"{item.wanted} at the {where}", met=met)


def _describe_item(item: GradedItem) -> str:
    where = "background" if item.cell is None else POSITIONS[item.cell]
    if not item.should_change and item.found == item.wanted:
        return f"{where}: the {item.found} should look as before: no"
    return f"{where}: is {item.found}, wants {item.wanted}: {'yes' if item.grade >= 10 else 'no'}"
