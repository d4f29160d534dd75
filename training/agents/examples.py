"""Turns rows into TRL's examples: a conversation rendered exactly as at inference, its images, and the answer to learn.

Rendering and the format of answers are imported from `tools`, so that training and inference cannot diverge. Images
stay paths; `lazy_examples` opens them when a batch needs them.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from interleavethinker.microworld.agents.teachers import item_line
from interleavethinker.microworld.language.templates import count_phrase, describe, name, place
from interleavethinker.microworld.scenes.scene import CELLS, Scene, random_object, random_scene, render, to_image
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS
from interleavethinker.microworld.scoring.scorer import GradedItem, object_text
from interleavethinker.tools.chat.answers import ChecklistForm, write_plan, write_verdict
from interleavethinker.tools.chat.messages import to_messages
from interleavethinker.tools.chat.rendering import Prompts, Turn, render_case, render_request
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import ImagePart, TextPart
from interleavethinker.training.data.schema import CriticRow, PlannerRow

__all__ = [
    "Example",
    "captions",
    "comparisons",
    "critic_answer",
    "critic_example",
    "critic_prompt",
    "group_by_length",
    "image_facts",
    "planner_example",
    "text_only",
    "texts_of",
]

Example = dict[str, Any]
_WINDOW = 32
"""Batches that are sorted by length together."""
_IMAGE_LENGTH = 40
"""Length of an image of the micro world, in characters of text that take as many tokens."""
_ROLES = {"ai": "assistant", "human": "user", "system": "system"}


def critic_prompt(row: CriticRow, store: ImageStore, prompts: Prompts) -> Example:
    """Returns the prompt of a critic row, without its answer."""
    return _question(render_case(row.case, prompts), store, blank_like=row.case.image)


def critic_answer(row: CriticRow, *, checklist: ChecklistForm = "none") -> str:
    """Returns the teacher's answer to a critic row.

    Args:
        row: The row.
        checklist: How the row's checklist is written.
    """
    return write_verdict(row.answer, checklist)


def critic_example(
    row: CriticRow, store: ImageStore, prompts: Prompts, *, checklist: ChecklistForm = "none"
) -> Example:
    """Returns a critic row with `critic_answer`."""
    return critic_prompt(row, store, prompts) | _completion(critic_answer(row, checklist=checklist))


def planner_example(row: PlannerRow, store: ImageStore, prompts: Prompts) -> Example:
    """Returns a planner row with its plan."""
    question = _question(render_request(row.request, prompts=prompts), store)
    return question | _completion(write_plan(row.plan, row.first))


def captions(store: ImageStore, count: int, seed: int) -> Iterator[Example]:
    """Yields images of random scenes with a caption of every cell, from which an untrained model learns to see.

    Scenes are crowded and cells come in a fixed order. So nearly every word depends on the image, and its position in
    the answer tells the model where to look.
    """
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        scene = random_scene(rng, int(rng.integers(2, CELLS + 1)))
        image = store.put(encode_png(to_image(render(scene))))
        question = [Turn("user", (ImagePart(sha256=image), TextPart(text="Look.")))]
        yield _question(question, store) | _completion(_caption(scene))


def comparisons(store: ImageStore, count: int, seed: int) -> Iterator[Example]:
    """Yields pairs of images, compared cell by cell in a critic's words, followed by the place of every object.

    Cells come in random order, so the model must understand the words for places. In the second part an object is named
    before its place, so the model must find it. Critic rows mention only two or three cells each, from which a model
    learns to look slowly.
    """
    for number in range(count):
        rng = np.random.default_rng([seed, number, 2])
        before = random_scene(rng, int(rng.integers(1, CELLS)))
        after = _changed(before, rng)
        images = [store.put(encode_png(to_image(render(scene)))) for scene in (before, after)]
        question = [Turn("user", (*(ImagePart(sha256=image) for image in images), TextPart(text="Compare.")))]
        yield _question(question, store) | _completion(_comparison(before, after, rng))


def text_only(pairs: Iterable[tuple[str, str]], store: ImageStore) -> Iterator[Example]:
    """Yields questions and answers without images."""
    for question, answer in pairs:
        yield _question([Turn("user", (TextPart(text=question),))], store) | _completion(answer)


def image_facts(store: ImageStore, count: int, seed: int) -> Iterator[Example]:
    """Yields single images with facts in a planner's words, in random order: the number of objects, the place of each,
    the contents of some cells, and which objects share a color.

    Every fact must be read from the image, so a planner cannot succeed by copying the request.
    """
    for number in range(count):
        rng = np.random.default_rng([seed, number, 3])
        scene = random_scene(rng, int(rng.integers(1, 6)))
        image = store.put(encode_png(to_image(render(scene))))
        question = [Turn("user", (ImagePart(sha256=image), TextPart(text="Tell.")))]
        yield _question(question, store) | _completion(_image_facts(scene, rng))


def texts_of(examples: Iterable[Example]) -> Iterator[str]:
    """Yields every text in the examples, for training a tokenizer."""
    for example in examples:
        for message in (*example["prompt"], *example.get("completion", ())):
            yield from (part["text"] for part in message["content"] if part["type"] == "text")


def group_by_length(examples: Sequence[Example], batch: int, chance: random.Random) -> list[Example]:
    """Returns shuffled examples in an order in which those of a batch have similar lengths, and batches come at random.

    A batch takes as long as its longest example. Rows of one to eight steps in random order are more than half padding.

    Args:
        examples: Examples in random order.
        batch: Examples per step.
        chance: Decides the order of the batches.
    """
    window = batch * _WINDOW
    ordered: list[Example] = []
    for start in range(0, len(examples), window):
        part = sorted(examples[start : start + window], key=_length)
        batches = [part[at : at + batch] for at in range(0, len(part), batch)]
        chance.shuffle(batches)
        # An incomplete batch comes last, or all batches after it would mix lengths.
        batches.sort(key=lambda one: len(one) < batch)
        ordered += chain.from_iterable(batches)
    return ordered


def _length(example: Example) -> int:
    """The approximate length of an example in characters."""
    texts = (part["text"] for role in ("prompt", "completion") for turn in example[role] for part in turn["content"])
    return sum(len(text) for text in texts) + _IMAGE_LENGTH * len(example["images"])


def _caption(scene: Scene) -> str:
    return "; ".join([scene.background, *map(object_text, scene.cells)])


def _changed(scene: Scene, rng: np.random.Generator) -> Scene:
    for cell in rng.choice(CELLS, size=int(rng.integers(4)), replace=False):
        old, new = scene.cells[cell], random_object(rng)
        if old is None or rng.random() < 0.2:
            scene = scene.put(cell, new if old is None else None)
            continue
        field = str(rng.choice(["kind", "colour", "size"]))
        scene = scene.put(cell, replace(old, **{field: getattr(new, field)}))
    return replace(scene, background=str(rng.choice(BACKGROUNDS))) if rng.random() < 0.2 else scene


def _comparison(before: Scene, after: Scene, rng: np.random.Generator) -> str:
    lines = [_compared(None, before.background, after.background)]
    lines += [
        _compared(int(cell), object_text(before.cells[cell]), object_text(after.cells[cell]))
        for cell in rng.permutation(CELLS)
    ]
    items = np.array(list(after.objects.items()), dtype=object)
    lines += [f"{object_text(item)} {place(cell)}" for cell, item in rng.permutation(items)]
    return "; ".join(lines)


def _compared(cell: int | None, before: str, after: str) -> str:
    return item_line(GradedItem(cell, False, 10.0 if before == after else 0.0, before, after))


def _image_facts(scene: Scene, rng: np.random.Generator) -> str:
    items = list(scene.objects.items())
    lines = [count_phrase(len(items)), describe(scene)]
    lines += [f"the {item.kind} is {place(cell)}, it is a {name(item)}" for cell, item in items]
    lines += [f"{place(cell)} is {object_text(scene.cells[cell])}" for cell in rng.permutation(CELLS)[:4]]
    for colour in dict.fromkeys(item.colour for _, item in items):
        same = [f"the {item.kind} {place(cell)}" for cell, item in items if item.colour == colour]
        lines.append(f"{len(same)} of the things {'is' if len(same) == 1 else 'are'} {colour}: {', '.join(same)}")
    return "; ".join(lines[int(at)] for at in rng.permutation(len(lines)))


def _question(turns: Sequence[Turn], store: ImageStore, blank_like: str | None = None) -> Example:
    """Renders the messages that inference sends, with the same scaling and blank images, but with paths for images."""
    images: list[str] = []
    messages = []
    for message in to_messages(turns, store, blank_like):
        blocks = [message.content] if isinstance(message.content, str) else message.content
        content = []
        for block in blocks:
            if isinstance(block, str):
                content.append({"type": "text", "text": block})
            elif block["type"] == "text":
                content.append({"type": "text", "text": str(block["text"])})
            else:
                images.append(str(store.path(store.put(base64.b64decode(block["base64"])))))
                content.append({"type": "image", "text": ""})
        messages.append({"role": _ROLES[message.type], "content": content})
    return {"prompt": messages, "images": images}


def _completion(text: str) -> Example:
    return {"completion": [{"role": "assistant", "content": [{"type": "text", "text": text}]}]}
