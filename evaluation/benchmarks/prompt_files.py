"""The prompts of the benchmarks' judges: ours, or files of the same names in a folder of the user's.

Ours put the published criteria in other words; who needs the published wording supplies it, since it is not ours to
ship. Placeholders have the form `{{name}}`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import USER_TEXT

__all__ = ["PromptFiles"]

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


class PromptFiles:
    """The prompts of one benchmark.

    Args:
        names: The names of its prompts, without `.md`.
        folder: Files in it replace the shipped ones of the same name; None: only the shipped ones.

    Raises:
        InputError: The folder has none of these files, one cannot be read, or its placeholders differ from ours.
    """

    def __init__(self, names: Sequence[str], folder: Path | None = None) -> None:
        shipped = files("interleavethinker.evaluation.benchmarks") / "prompts"
        self._texts = {name: (shipped / f"{name}.md").read_text(encoding="utf-8").strip() for name in names}
        self.replaced: tuple[str, ...] = ()
        """The names of the prompts that the user's files replace."""
        if folder is None:
            return
        found = {name: folder / f"{name}.md" for name in names if (folder / f"{name}.md").is_file()}
        if not found:
            wanted = ", ".join(f"{name}.md" for name in names)
            raise InputError(f"The prompt folder {folder} has none of these files: {wanted}.")
        ours = dict(self._texts)
        try:
            self._texts |= {name: path.read_text(encoding=USER_TEXT).strip() for name, path in found.items()}
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"A prompt file in {folder} cannot be read: {error}") from error
        self.replaced = tuple(found)
        for name, path in found.items():
            _check_placeholders(path, ours[name], self._texts[name])

    @property
    def digest(self) -> str:
        """A hash of all texts, for reports."""
        return hashlib.sha256(repr(sorted(self._texts.items())).encode()).hexdigest()[:12]

    def fill(self, name: str, **values: str) -> str:
        """Returns a prompt with its placeholders replaced in one pass; a value that looks like one is left alone."""
        return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), self._texts[name])


def _check_placeholders(path: Path, ours: str, theirs: str) -> None:
    """Checks that a prompt shows the judge what it needs: without `{{rubric}}`, every question would be the same."""
    wanted, given = set(_PLACEHOLDER.findall(ours)), set(_PLACEHOLDER.findall(theirs))
    faults = [f"lacks {{{{{name}}}}}" for name in sorted(wanted - given)]
    faults += [f"has {{{{{name}}}}}, which nothing is put in" for name in sorted(given - wanted)]
    if faults:
        raise InputError(f"The prompt {path} {' and '.join(faults)}.")
