"""Plans that a person writes: reading the steps from JSON, and editing them in the person's editor."""

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from codecs import BOM_UTF8
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from interleavethinker.graph.human_loop import finished_steps_problem
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import read_at_most
from interleavethinker.tools.structured_text import parse_json
from interleavethinker.tools.types import Step
from interleavethinker.tools.validation import problems_of

__all__ = ["UnusableEditError", "answer_line", "edit_steps", "read_steps", "steps_of", "text_of"]

_HEADER = """\
# Edit the steps, save and close. Lines that begin with # are ignored; without any steps, nothing changes.
# prompt: what the image generator gets (leave it out for a step with text only); instruction and auxiliary_text: text.
# Optional: size (1024x576 or 16:9); starts_from (previous, nothing, step 2, reference 1);
# references (a list of names of images, image 2, or girl = step 1).
"""
_MAX_PLAN = 2**20
"""Bytes of a plan's file."""
_MOST_EDITS = 5
"""How often an editor is opened for one question: a script in its place may write the same for ever."""
_EDITORS = ("notepad",) if os.name == "nt" else ("sensible-editor", "nano", "vi")


class UnusableEditError(InputError):
    """What an editor wrote is no plan, several times in a row.

    Attributes:
        text: What it wrote last.
    """

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message)
        self.text = text


def read_steps(path: Path) -> list[Step]:
    """Reads the steps of a plan from a JSON file.

    Raises:
        InputError: The file cannot be read, is not a list of steps, or has a step without content.
    """
    try:
        data = read_at_most(path, _MAX_PLAN)
    except OSError as error:
        raise InputError(f"Cannot read the plan {path}: {error.strerror}.") from error
    return steps_of(data, str(path))


def steps_of(data: str | bytes, name: str, max_steps: int | None = None) -> list[Step]:
    """Returns the steps in a JSON text.

    Args:
        data: A list of objects with `instruction`, `prompt`, `auxiliary_text`, `size`, `starts_from` and `references`.
        name: The plan's name in error messages.
        max_steps: Largest number of steps.

    Raises:
        InputError: It is not a list of steps, it has too many, or a step has no content.
    """
    # Editors of Windows put a byte order mark before a text.
    data = data.removeprefix("\ufeff") if isinstance(data, str) else data.removeprefix(BOM_UTF8)
    try:
        steps = TypeAdapter(list[Step]).validate_json(data)
        contents = parse_json(data, unique=True)
    except ValueError as error:
        problem = problems_of(error) if isinstance(error, ValidationError) else error
        raise InputError(f"The plan {name} is not a JSON list of steps: {problem}.") from error
    if max_steps is not None and len(steps) > max_steps:
        raise InputError(f"The plan {name} has {len(steps)} steps; at most {max_steps} are allowed.")
    prompts = [content.get("prompt") for content in contents]
    for number, (step, written) in enumerate(zip(steps, prompts, strict=True), start=1):
        texts = [text for text in (step.instruction, step.prompt, step.auxiliary_text) if text is not None]
        if not any(text.strip() for text in texts):
            raise InputError(f"Step {number} of the plan {name} is empty. Give it a prompt or a text.")
        if written is not None and step.prompt is None:  # Models may write words for nothing; people are asked.
            raise InputError(f"Step {number} of the plan {name} has an empty prompt. Fill it in or leave it out.")
    return steps


def edit_steps(
    steps: Sequence[Step], max_steps: int, draft: str = "", finished: Sequence[Step] = ()
) -> list[Step] | None:
    """Lets a person edit steps in `$VISUAL` or `$EDITOR`, and again with the error's message if they are not valid.

    Args:
        steps: The steps to start from.
        max_steps: Largest number of steps.
        draft: What the editor wrote before and could not be used; it is shown instead of the steps.
        finished: The first steps, which are carried out already and must stay.

    Returns:
        The edited steps; None if they were left as they are, or deleted.

    Raises:
        InputError: No editor is found, or it fails.
        UnusableEditError: The steps are still not valid after several edits, or the editor failed after it had saved.
    """
    original = list(steps)
    text = draft or text_of(original)
    message = ""
    header = _HEADER + (f"# Finished, leave them as they are: the first {len(finished)}.\n" if finished else "")
    for edit in range(1, _MOST_EDITS + 1):
        text = _without_comments(_edited(f"{message}{header}{text}\n"))
        if not text.strip():
            return None
        try:
            edited = steps_of(text, "in the editor", max_steps)
            if edited and (problem := finished_steps_problem(edited, finished)):
                raise InputError(problem)  # noqa: TRY301 - handled like any other error of the text
        except InputError as error:
            if edit == _MOST_EDITS:
                raise UnusableEditError(
                    f"{error} The editor was opened {_MOST_EDITS} times, the most for one answer, and what it wrote "
                    "could not be used. The plan stays as it was.",
                    text,
                ) from error
            message = f"# ERROR: {' '.join(str(error).split())}\n#\n"
        else:
            return None if edited in ([], original) else edited
    raise AssertionError


def answer_line(steps: Sequence[Step] | None) -> str:
    """Returns what introduces an answer to a plan that no run has carried out yet: with these steps, or as it is."""
    if steps is None:
        return "The plan is approved. The next run carries it out."
    return "The plan is replaced by these steps. The next run carries them out:"


def text_of(steps: Sequence[Step]) -> str:
    """Returns steps as the JSON text that a person edits."""
    return json.dumps([_written(step) for step in steps], indent=2, ensure_ascii=False)


def _written(step: Step) -> dict[str, object]:
    return {name: value for name, value in step.model_dump(exclude_none=True).items() if value != ()}


def _edited(text: str) -> str:
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or next(filter(shutil.which, _EDITORS), None)
    if command is None:
        raise InputError("No editor found. Set EDITOR to the command of yours.")
    with tempfile.TemporaryDirectory(prefix="interleavethinker-") as folder:
        path = Path(folder) / "plan.json"
        path.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*shlex.split(command, posix=os.name != "nt"), str(path)], check=True)
            return read_at_most(path, _MAX_PLAN).decode("utf-8", errors="replace")
        except (OSError, ValueError, subprocess.CalledProcessError) as error:  # ValueError: an open quotation mark.
            message = f"The editor {command!r} failed: {error}. Set EDITOR to the command of yours."
            saved = ""
            with contextlib.suppress(OSError, InputError):
                saved = read_at_most(path, _MAX_PLAN).decode("utf-8", errors="replace")
            if saved != text and (kept := _without_comments(saved)).strip():
                raise UnusableEditError(message, kept) from error
            raise InputError(message) from error


def _without_comments(text: str) -> str:
    # Not `splitlines`, which also splits at characters that may stand in a JSON string.
    return "\n".join(line for line in text.removeprefix("\ufeff").split("\n") if not line.lstrip().startswith("#"))
