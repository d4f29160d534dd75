"""Has a chat model write what is missing in the bank files, in the paper's order, each from what stands before it.

Every answer is kept in `answers.jsonl`: a run that is stopped and started again pays for none twice. Unusable answers
are asked for again; entries that cannot be used are left out and counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

from interleavethinker.evaluation.judges.chat import ChatJudge
from interleavethinker.evaluation.judges.questions import JudgeQuestion
from interleavethinker.tools.chat.answer_text import json_object_in
from interleavethinker.tools.errors import ModelAnswerError

from .banks import SLOT, BankFiles, Category, is_slot, slots_of, without_repetitions

__all__ = ["BANKS", "ENTRIES", "SUBCATEGORIES", "TEMPLATES", "BankAuthor"]

SUBCATEGORIES = 75
"""Of all categories together, about."""
BANKS = 4
"""For each category: 32 in all."""
ENTRIES = 60
"""Values asked for at once, of each slot."""
TEMPLATES = 3
"""For each sub-category: 225 in all."""
_LONGEST = 300
"""Characters of an entry."""
_PROTOCOL = "bank-author-1"


class BankAuthor:
    """Writes missing files.

    Args:
        files: The bank files.
        model: The chat model, with its cache.
        drop: Called with why an entry of an answer is left out.
    """

    def __init__(self, banks: BankFiles, model: ChatJudge, drop: Callable[[str], None]) -> None:
        self._files = banks
        self._model = model
        self._drop = drop

    async def write_missing(self) -> None:
        """Writes all files that do not exist yet, the categories concurrently.

        Raises:
            ModelError: The model failed or could not be reached.
            ModelAnswerError: The model gave no usable answer.
            StoreError: A file cannot be read or written.
        """
        categories = await asyncio.to_thread(self._files.categories)
        results = await asyncio.gather(
            *(self._write(category, _share(number, len(categories))) for number, category in enumerate(categories)),
            return_exceptions=True,  # The others save what they paid for before the error is raised.
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _write(self, category: Category, subcategories: int) -> None:
        about = {"category": category.name, "description": category.description}
        path = self._files.subcategories(category)
        if not path.exists():
            names = await self._ask("subcategories", subcategories, about)
            self._files.write(path, names)
        chapters = self._files.read(path)
        folder = self._files.vocabulary(category)
        slots = self._files.slots(category)
        if len(slots) < BANKS:
            asked = await self._ask("banks", BANKS, {**about, "subcategories": "; ".join(chapters)}, is_slot)
            slots = [*slots, *(name for name in asked if name not in slots)][:BANKS]
        slots.sort()
        await asyncio.gather(*(self._write_bank(category, about, slot, slots) for slot in slots))
        shown = "\n".join(f"- {slot}: {'; '.join(self._files.read(folder / f'{slot}.txt')[:5])}" for slot in slots)
        await asyncio.gather(*(self._write_templates(category, chapter, slots, shown) for chapter in chapters))

    async def _write_bank(self, category: Category, about: dict[str, str], slot: str, slots: Sequence[str]) -> None:
        path = self._files.vocabulary(category) / f"{slot}.txt"
        if not path.exists():
            others = ", ".join(name for name in slots if name != slot)
            values = {**about, "bank": slot, "banks": others}
            entries = await self._ask("vocabulary", ENTRIES, values, lambda entry: not set("{}") & set(entry))
            self._files.write(path, entries)

    async def _write_templates(self, category: Category, chapter: str, slots: Sequence[str], shown: str) -> None:
        def usable(template: str) -> bool:
            used = slots_of(template)
            return bool(used) and set(used) <= set(slots) and not set("{}") & set(SLOT.sub("", template))

        path = self._files.templates(category, chapter)
        if not path.exists():
            about = {"category": category.name, "subcategory": chapter, "slots": shown}
            self._files.write(path, await self._ask("templates", TEMPLATES, about, usable))

    async def _ask(
        self, name: str, count: int, values: Mapping[str, str], usable: Callable[[str], bool] = bool
    ) -> list[str]:
        text = (files("interleavethinker.training.data.writing") / "prompts" / f"{name}.md").read_text("utf-8").strip()
        for key, value in {"count": str(count), **values}.items():
            text = text.replace(f"{{{{{key}}}}}", value)

        def read(answer: str) -> list[str]:
            entries = _entries(answer)
            kept = without_repetitions(entry for entry in entries if usable(entry))
            if not kept:
                raise ModelAnswerError('There must be {"entries": [texts]} with usable entries; none was found.')
            return kept

        judgment = await self._model.ask(JudgeQuestion(_PROTOCOL, (text,)), read)
        if judgment.value is None:
            raise ModelAnswerError(
                f"The model wrote no usable {name} for {values['category']!r}: {judgment.problem} "
                f"Write the file yourself, name another model, or delete {self._files.root / 'answers.jsonl'} to have "
                "this one asked again: what it wrote so far is in the files."
            )
        left_out = len(_entries(judgment.text)) - len(judgment.value)
        for _ in range(left_out):
            self._drop(f"{name}: entries that repeat another one or cannot be used")
        return judgment.value


def _entries(answer: str) -> list[str]:
    found = json_object_in(answer)
    entries = found.get("entries") if isinstance(found, dict) else None
    if not isinstance(entries, list):
        raise ModelAnswerError('There must be {"entries": [texts]}; it was not found.')
    texts = (" ".join(entry.split()) for entry in entries if isinstance(entry, str))
    return [text for text in texts if text and len(text) <= _LONGEST and not text.startswith("#")]


def _share(number: int, categories: int) -> int:
    """Returns how many of the sub-categories fall to one category."""
    return max(1, SUBCATEGORIES * (number + 1) // categories - SUBCATEGORIES * number // categories)
