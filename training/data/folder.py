"""A data set's folder: `images/` (content-addressed) and one JSON-lines file for each kind of row.

Rows are appended one by one, so that an interrupted stage can resume; an incomplete last line is cut off. One process
at a time runs a stage on a folder. Lines and images that are damaged stop no stage: it goes on without them and lists
them in `quarantine.jsonl`. This module stores rows and does not interpret them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.file_lock import only_writer
from interleavethinker.tools.files import LineFile
from interleavethinker.tools.images.store import ImageStore

from .schema import (
    CriticRow,
    PlannerRow,
    PromptRow,
    QuarantineRow,
    RetryRow,
    Row,
    SequenceRow,
    TrajectoryRow,
)
from .summary import StageSummary

__all__ = ["DataFolder", "RowFile"]

R = TypeVar("R", bound=Row)
_PLURALS: dict[type[Row], str] = {PromptRow: "requests", TrajectoryRow: "trajectories"}


class RowFile(Generic[R]):
    """Rows of one kind in a JSON-lines file.

    Args:
        path: The file; created by the first write.
        kind: Class of its rows.
        made_by: The command that writes it, as users type it.
    """

    def __init__(self, path: Path, kind: type[R], made_by: str = "") -> None:
        self.path = path
        self.made_by = made_by
        self._lines = LineFile(path)
        self._kind = kind

    def __iter__(self) -> Iterator[R]:
        """Yields the rows; a missing file has no rows.

        Raises:
            InputError: A line is not a row of this kind and version, or has the id of an earlier one.
        """

        def refuse(number: int, reason: str) -> None:
            raise InputError(f"Line {number} of {self.path.name} is {reason}")

        return self.usable(refuse)

    def usable(self, unusable: Callable[[int, str], None]) -> Iterator[R]:
        """Yields the rows that can be read, each id once.

        Args:
            unusable: Called with the number of every other line, from 1, and with what is wrong with it.

        Raises:
            InputError: A line is of another version of the schema: the whole file probably is.
        """
        seen: set[str] = set()
        for number, line in enumerate(self._lines.decoded("surrogateescape"), 1):
            if number == 1:  # People edit rows, too.
                line = line.removeprefix("\ufeff")  # noqa: PLW2901
            if any("\udc80" <= character <= "\udcff" for character in line):
                unusable(number, "not UTF-8")
                continue
            try:
                row = self._kind.model_validate_json(line)
            except ValidationError as error:
                self._check_version(number, line)
                first = error.errors(include_url=False)[0]
                where = ".".join(map(str, first["loc"]))
                unusable(number, f"not a row of schema {self._version}: {where}{': ' if where else ''}{first['msg']}")
                continue
            if row.id in seen:
                unusable(number, f"a second row with the id {row.id}")
                continue
            seen.add(row.id)
            yield row

    def ids(self) -> set[str]:
        """The ids of all rows that can be read."""
        return {row.id for row in self.usable(lambda _number, _reason: None)}

    def append(self, rows: Iterable[R]) -> None:
        """Appends rows after the last complete line."""
        self._lines.append(map(_line, rows))

    def append_together(self, rows: Iterable[R]) -> None:
        """Appends rows in a single write, so that a kill leaves all of them or none."""
        lines = [_line(row) for row in rows]
        self._lines.append(["\n".join(lines)] if lines else [])

    def write(self, rows: Iterable[R]) -> None:
        """Replaces the whole file atomically."""
        self._lines.replace(map(_line, rows))

    @property
    def _version(self) -> Any:
        return self._kind.model_fields["version"].default

    def _check_version(self, number: int, line: str) -> None:
        try:
            found = json.loads(line).get("schema", self._version)
        except (ValueError, AttributeError, RecursionError):
            return
        if found != self._version:
            raise InputError(f"Line {number} of {self.path.name} has schema {found!r}, not {self._version}.")


class DataFolder:
    """The files of one data set.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = ImageStore(root / "images")
        self.prompts = RowFile(root / "prompts.jsonl", PromptRow, "data prompts")
        self.trajectories = RowFile(root / "trajectories.jsonl", TrajectoryRow, "data trajectories")
        self.scored = RowFile(root / "scored.jsonl", CriticRow, "data scores")
        self.critic_sft = RowFile(root / "critic_sft.jsonl", CriticRow, "data select")
        self.critic_rl = RowFile(root / "critic_rl.jsonl", CriticRow, "data select")
        self.critic_test = RowFile(root / "critic_test.jsonl", CriticRow, "data select")
        self.planner = RowFile(root / "planner.jsonl", PlannerRow, "data planner")
        self.sequences = RowFile(root / "sequences.jsonl", SequenceRow, "data sequences")
        self.retries = RowFile(root / "repairs.jsonl", RetryRow, "data retry-analysis")
        self.quarantine = RowFile(root / "quarantine.jsonl", QuarantineRow)
        self._set_aside: set[str] | None = None
        self._image_problems: dict[str, str] = {}
        """What is wrong with each image that the stage has read; empty for a usable one."""

    @contextlib.contextmanager
    def stage(self, *needs: RowFile[Any]) -> Iterator[None]:
        """Runs a stage: checks its inputs, and keeps other processes from writing meanwhile.

        Args:
            needs: Files without which the stage has nothing to do.

        Raises:
            InputError: The folder or one of these files is missing, or another process runs a stage on the folder.
        """
        if needs and not self.root.is_dir():
            raise InputError(f"There is no folder {self.root}. Check its name, or start with `interleavethinker data`.")
        for file in needs:
            if not file.path.is_file():
                raise InputError(
                    f"{self.root} has no {file.path.name}. Make it first: interleavethinker {file.made_by} {self.root}"
                )
        self._image_problems = {}
        with only_writer(self.root):
            yield

    def rows(self, file: RowFile[R], summary: StageSummary) -> Iterator[R]:
        """Yields a file's rows inside a stage; damaged lines are counted as dropped and listed in the quarantine."""

        def unusable(number: int, reason: str) -> None:
            self.set_aside(f"{file.path.name}:{number}", reason)
            summary.drop(f"unusable lines of {file.path.name}, listed in {self.quarantine.path.name}")

        return file.usable(unusable)

    def has_usable_images(self, row: Row, images: Iterable[str], summary: StageSummary) -> bool:
        """Returns whether images are there and undamaged; if not, their row is dropped and listed in the quarantine.

        An image that is used again in the same stage is read once.
        """
        for name in images:
            if name not in self._image_problems:
                self._image_problems[name] = self._problem_of(name)
            if problem := self._image_problems[name]:
                self.set_aside(row.id, problem)
                summary.drop(f"{_PLURALS.get(type(row), 'rows')} with an unusable image, listed in quarantine.jsonl")
                return False
        return True

    def _problem_of(self, image: str) -> str:
        try:
            self.store.get(image)
        except StoreError as error:
            return str(error)
        return ""

    def set_aside(self, name: str, reason: str) -> None:
        """Lists a line or a trajectory in the quarantine, once for each reason."""
        row = QuarantineRow(id=f"{name}: {reason}", name=name, reason=reason)
        if self._set_aside is None:
            self._set_aside = self.quarantine.ids()
        if row.id not in self._set_aside:
            self._set_aside.add(row.id)
            self.quarantine.append([row])


def _line(row: Row) -> str:
    return json.dumps(row.model_dump(mode="json", by_alias=True), ensure_ascii=False)
