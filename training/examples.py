"""Rows as TRL takes them: a conversation rendered exactly as serving renders it, its pictures, and the answer to learn.

Rendering and the answers' form are imported from `tools`, so that training and serving cannot drift. Pictures stay
paths until a batch needs them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from interleavethinker.microworld.scenes import CELLS, Scene, random_scene, render, to_image
from interleavethinker.tools.answers import write_plan, write_verdict
from interleavethinker.tools.chat import to_messages
from interleavethinker.tools.images import encode_png
from interleavethinker.tools.rendering import Prompts, Turn, render_case, render_request
from interleavethinker.tools.store import ImageStore
from interleavethinker.tools.types import ImagePart, TextPart

from .rows import CriticRow, PlannerRow

__all__ = ["captions", "critic_example", "critic_prompt", "planner_example", "texts_of", "to_dataset"]

Example = dict[str, Any]
_ROLES = {"ai": "assistant", "human": "user", "system": "system"}


def critic_prompt(row: CriticRow, store: ImageStore, prompts: Prompts) -> Example:
    """The question of a critic row, without its answer."""
    return _question(render_case(row.case, prompts), store, blank_like=row.case.image)


def critic_example(row: CriticRow, store: ImageStore, prompts: Prompts) -> Example:
    """A critic row with the teacher's answer."""
    return critic_prompt(row, store, prompts) | _completion(write_verdict(row.answer))


def planner_example(row: PlannerRow, store: ImageStore, prompts: Prompts) -> Example:
    """A planner row with its plan."""
    question = _question(render_request(row.request, prompts=prompts), store)
    return question | _completion(write_plan(row.plan, row.first))


def captions(store: ImageStore, count: int, seed: int) -> Iterator[Example]:
    """Pictures of random scenes with what each cell holds: how a model from scratch learns to see first.

    Scenes are crowded and cells are named in a fixed order, so that nearly every word must be seen and its place in the
    answer says where to look.
    """
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        scene = random_scene(rng, int(rng.integers(2, CELLS + 1)))
        image = store.put(encode_png(to_image(render(scene))))
        question = [Turn("user", (ImagePart(sha256=image), TextPart(text="Look.")))]
        yield _question(question, store) | _completion(_caption(scene))


def texts_of(examples: Iterable[Example]) -> Iterator[str]:
    """Every text in examples, for a tokenizer to learn from."""
    for example in examples:
        for message in (*example["prompt"], *example.get("completion", ())):
            yield from (part["text"] for part in message["content"] if part["type"] == "text")


def to_dataset(examples: Sequence[Example]) -> Any:
    """A `datasets.Dataset` whose pictures are opened when a batch needs them."""
    from datasets import Dataset, Image, List

    data = Dataset.from_list(list(examples))
    return data.cast_column("images", List(Image(mode="RGB")))


def _caption(scene: Scene) -> str:
    cells = (f"{cell.size} {cell.colour} {cell.kind}" if cell else "nothing" for cell in scene.cells)
    return "; ".join([scene.background, *cells])


def _question(turns: Sequence[Turn], store: ImageStore, blank_like: str | None = None) -> Example:
    """The very messages that serving sends, pictures scaled and blank ones made as there, with paths for pictures."""
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
