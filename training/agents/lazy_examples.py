"""Examples that are rendered when they are read, so that a run starts at once whatever the size of its data set.

Rendering reads, scales and stores the images of a row. Done for all rows before the first step, it would take half an
hour for 112,000 of them, on every rank and at every resume. What is kept here is each row's JSON.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, overload

from interleavethinker.tools.chat.rendering import Prompts
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.training.data.schema import CriticRow, PlannerRow

from .examples import Example, critic_example, critic_prompt, planner_example

__all__ = ["LazyExamples", "Source", "open_image"]

Source = tuple[str, str]
"""The kind of an example, and what it is rendered from, as JSON."""


def _prompt_with_row(row: CriticRow, store: ImageStore, prompts: Prompts) -> Example:
    return critic_prompt(row, store, prompts) | {"row": row.id}


_RENDERED: Mapping[str, tuple[Any, Callable[..., Example]]] = {
    "planner": (PlannerRow, planner_example),
    "critic": (CriticRow, critic_example),
    "critic, checklist as objects": (CriticRow, partial(critic_example, checklist="objects")),
    "critic, checklist as lines": (CriticRow, partial(critic_example, checklist="lines")),
    "critic prompt": (CriticRow, _prompt_with_row),
}


class LazyExamples(Sequence[Example]):
    """A sequence of examples, each rendered whenever it is read.

    Args:
        sources: What the examples are made from, as `from_rows` and `from_examples` return it.
        store: Holds the rows' images.
        prompts: The prompt files to render rows with.
    """

    def __init__(self, sources: Iterable[Source], store: ImageStore, prompts: Prompts) -> None:
        self.sources = list(sources)
        self._store = store
        self._prompts = prompts

    @staticmethod
    def from_rows(kind: str, rows: Iterable[CriticRow | PlannerRow]) -> Iterator[Source]:
        """Yields the sources of rows.

        Args:
            kind: `planner`, `critic`, `critic, checklist as objects` or `… as lines`, or `critic prompt`, which has no
                answer but the row's id.
            rows: Rows of the kind's class.
        """
        return ((kind, row.model_dump_json(by_alias=True)) for row in rows)

    @staticmethod
    def from_examples(examples: Iterable[Example]) -> Iterator[Source]:
        """Yields the sources of examples that are already rendered."""
        return (("rendered", json.dumps(example)) for example in examples)

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, index: int) -> Example: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...

    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        if isinstance(index, slice):
            return LazyExamples(self.sources[index], self._store, self._prompts)
        return self._rendered(*self.sources[index])

    def digest(self) -> str:
        """Returns a hash of the data set's rows, in order; what is rendered already comes from the recipe's seed."""
        found = hashlib.sha256()
        for kind, source in self.sources:
            if kind != "rendered":
                found.update(f"{kind} {source}\n".encode())
        return found.hexdigest()

    def dataset(self) -> Any:
        """Returns a `datasets.Dataset` that renders examples, and opens their images, when a batch needs them.

        Its columns are the examples' sources, so a trainer must not remove columns that its model does not take.
        """
        from datasets import Dataset

        kinds, sources = ([source[part] for source in self.sources] for part in (0, 1))
        data = Dataset.from_dict({"kind": kinds, "source": sources})
        return data.with_transform(LazyExamples((), self._store, self._prompts).batch)

    def batch(self, columns: Mapping[str, Sequence[str]]) -> dict[str, list[Any]]:
        """Renders rows of `dataset`, given and returned as lists by column."""
        examples = [self._rendered(*source) for source in zip(columns["kind"], columns["source"], strict=True)]
        names = list(examples[0]) if examples else []
        rendered = {name: [example[name] for example in examples] for name in names}
        return rendered | {"images": [[open_image(path) for path in example["images"]] for example in examples]}

    def _rendered(self, kind: str, source: str) -> Example:
        if kind == "rendered":
            example: Example = json.loads(source)
            return example
        row, render = _RENDERED[kind]
        return render(row.model_validate_json(source), self._store, self._prompts)


def open_image(path: str) -> Any:
    """Returns an image file as a PIL image in RGB."""
    return open_rgb(Path(path).read_bytes())
