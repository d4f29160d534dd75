"""The files that requests are put together from: an entry a line, in UTF-8. Empty lines and lines with `#` are skipped.

    categories.txt                          eight lines, `name: description`
    subcategories/<category>.txt            about 75 in all
    vocabulary/<category>/<slot>.txt        32 banks
    templates/<category>/<sub-category>.txt "Show how to {action} in {place}", 225 in all

A file that exists is used as it is. Whoever deletes one has it written again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.files import USER_TEXT, atomic_write

__all__ = ["SLOT", "BankFiles", "Category", "is_slot", "normalized", "slots_of", "without_repetitions"]

SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
"""A slot in a template."""


def slots_of(template: str) -> list[str]:
    """Returns the names of a template's slots, in order."""
    return SLOT.findall(template)


def is_slot(name: str) -> bool:
    """Whether a name can stand in braces."""
    return re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) is not None


def normalized(text: str) -> str:
    """Returns what makes two entries equal: their letters and digits, without case."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"[\w{}]+", plain))


def without_repetitions(entries: Iterable[str]) -> list[str]:
    """Returns the first of every group of equal entries; an entry needs a letter or digit."""
    unique: dict[str, str] = {}
    for entry in entries:
        if key := normalized(entry):
            unique.setdefault(key, entry)
    return list(unique.values())


@dataclass(frozen=True)
class Category:
    """A main category with everything that belongs to it."""

    name: str
    description: str
    vocabulary: dict[str, list[str]] = field(default_factory=dict)
    """Entries by slot."""
    templates: dict[str, list[str]] = field(default_factory=dict)
    """Templates by sub-category."""


class BankFiles:
    """The files of one folder.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def categories(self) -> list[Category]:
        """Returns the categories without their contents; writes the file that is shipped if there is none.

        Raises:
            InputError: A line has no description.
            StoreError: The file cannot be read or written.
        """
        path = self.root / "categories.txt"
        if not path.exists():
            shipped = files("interleavethinker.training.data.writing") / "categories.txt"
            _write(path, shipped.read_text(encoding="utf-8"))
        found = []
        for line in self.read(path):
            name, colon, description = line.partition(":")
            if not colon or not name.strip() or not description.strip():
                raise InputError(f"{path}: {line!r} is not of the form 'name: description'.")
            found.append(Category(name.strip(), description.strip()))
        if not found:
            raise InputError(f"{path} has no category.")
        return found

    def subcategories(self, category: Category) -> Path:
        """Returns the file of a category's sub-categories."""
        return self.root / "subcategories" / f"{_file_name(category.name)}.txt"

    def vocabulary(self, category: Category) -> Path:
        """Returns the folder of a category's vocabulary."""
        return self.root / "vocabulary" / _file_name(category.name)

    def slots(self, category: Category) -> list[str]:
        """Returns the slots that have a file.

        Raises:
            InputError: A file's name cannot be a slot.
        """
        found = sorted(path.stem for path in self.vocabulary(category).glob("*.txt"))
        for name in found:
            if not is_slot(name):
                raise InputError(
                    f"{self.vocabulary(category) / name}.txt: a slot's name has lower-case letters, digits and "
                    "underscores, and begins with a letter. Rename the file."
                )
        return found

    def templates(self, category: Category, subcategory: str) -> Path:
        """Returns the file of a sub-category's templates."""
        return self.root / "templates" / _file_name(category.name) / f"{_file_name(subcategory)}.txt"

    def read(self, path: Path) -> list[str]:
        """Returns the entries of a file, each once.

        Raises:
            StoreError: The file cannot be read.
        """
        try:
            lines = path.read_text(encoding=USER_TEXT).splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"Cannot read {path}: {error}. It must be UTF-8 text.") from error
        entries = (line.strip() for line in lines)
        return without_repetitions(entry for entry in entries if not entry.startswith("#"))

    def write(self, path: Path, entries: Sequence[str]) -> None:
        """Writes the entries of a file.

        Raises:
            StoreError: The file cannot be written.
        """
        _write(path, "".join(f"{entry}\n" for entry in entries))

    def load(self, problem: Callable[[str], None]) -> list[Category]:
        """Returns all categories with their contents.

        Args:
            problem: Called with what is wrong with a template that cannot be used; it is left out.

        Raises:
            StoreError: A file is missing or cannot be read.
        """
        loaded = []
        for category in self.categories():
            banks = {slot: self.read(self.vocabulary(category) / f"{slot}.txt") for slot in self.slots(category)}
            category.vocabulary.update({name: entries for name, entries in banks.items() if entries})
            for subcategory in self.read(self.subcategories(category)):
                usable = []
                for template in self.read(self.templates(category, subcategory)):
                    unknown = [slot for slot in slots_of(template) if slot not in category.vocabulary]
                    if unknown or set("{}") & set(SLOT.sub("", template)):
                        problem("templates with an unknown slot or a single brace")
                    else:
                        usable.append(template)
                category.templates[subcategory] = usable
            loaded.append(category)
        return loaded


def _file_name(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", name.casefold()).strip("-") or "unnamed"


def _write(path: Path, text: str) -> None:
    try:
        atomic_write(path, text.encode())
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror}.") from error
