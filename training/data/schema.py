"""The rows of every data stage, and the files and the folder that hold them.

A data folder has `images/` (content-addressed) and one JSON-lines file per stage. Every row carries its schema's name
and version, and a file of another version is rejected. Rows are appended one by one, so an interrupted stage can
resume; an incomplete last line is cut off. This module stores rows and does not interpret them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import LineFile
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Attempt, CriticInput, Part, Plan, Request, Verdict

__all__ = ["CriticRow", "DataFolder", "PlannerRow", "PromptRow", "RetryRow", "RowFile", "SequenceRow", "TrajectoryRow"]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    id: str
    """Unique in its file; running the stage again gives the same id."""


class PromptRow(_Row):
    """A request with its plan and a reference for each step."""

    version: Literal["prompt/1"] = Field(default="prompt/1", alias="schema")
    family: str
    template: int
    split: str
    request: Request
    plan: Plan
    references: tuple[JsonValue, ...]
    """For each step, what its image is judged against: opaque to the stages, null for a text-only step."""


class TrajectoryRow(_Row):
    """One run of the agent on a prompt."""

    version: Literal["trajectory/1"] = Field(default="trajectory/1", alias="schema")
    prompt: str
    """Id of the prompt row."""
    split: str
    generator: str
    seed: int
    plan: Plan
    references: tuple[JsonValue, ...]
    attempts: tuple[Attempt, ...]
    """Sorted by step and iteration."""


class CriticRow(_Row):
    """One attempt at one step: the critic's input, the answer to learn, and the scores to improve."""

    version: Literal["critic/1"] = Field(default="critic/1", alias="schema")
    trajectory: str
    split: str
    generator: str
    step: int
    iteration: int
    case: CriticInput
    reference: JsonValue
    semantics: float
    """0 to 10."""
    quality: float
    """0 to 10."""
    success: bool
    """Whether the attempt is good: the paper's ground truth J."""
    answer: Verdict
    """The teacher's answer."""
    strategy: str | None
    """The rewriting strategy of the teacher's refined prompt, if known."""
    next_seed: int
    """The seed that the agent would use for the next attempt."""

    @property
    def overall(self) -> float:
        """The geometric mean of semantics and quality."""
        return float((self.semantics * self.quality) ** 0.5)


class PlannerRow(_Row):
    """A request and the plan to learn."""

    version: Literal["planner/1"] = Field(default="planner/1", alias="schema")
    split: str
    family: str
    request: Request
    plan: Plan
    first: int
    """Number of the plan's first step; greater than 1 if the request continues a sequence."""


class SequenceRow(_Row):
    """A finished trajectory as one sequence of text and images, for models that write both."""

    version: Literal["sequence/1"] = Field(default="sequence/1", alias="schema")
    split: str
    mode: Literal["easy", "hard"]
    """Easy: only the selected images. Hard: the failed ones too, each with the critic's answer."""
    request: Request
    parts: tuple[Part, ...]


class RetryRow(_Row):
    """One failed first attempt, retried with a new seed from several prompts.

    The schema and its fields keep the names under which existing data sets were written.
    """

    version: Literal["repair/1"] = Field(default="repair/1", alias="schema")
    before: float
    """Overall score of the failed attempt, 0 to 10."""
    same: float
    """Overall score with the same prompt and a new seed."""
    same_fixed: bool
    """Whether that is a good attempt."""
    reworded: dict[str, float]
    """Overall score of the reworded prompt, by rewriting strategy."""
    reworded_fixed: dict[str, bool]
    """Whether that is a good attempt, by rewriting strategy."""
    drawn: str
    """The strategy that the teacher chose at random for this attempt."""


R = TypeVar("R", bound=_Row)


class RowFile(Generic[R]):
    """Rows of one kind in a JSON-lines file.

    Args:
        path: The file; created by the first write.
        kind: Class of its rows.
    """

    def __init__(self, path: Path, kind: type[R]) -> None:
        self.path = path
        self._lines = LineFile(path)
        self._kind = kind

    def __iter__(self) -> Iterator[R]:
        """Yields the rows; a missing file has no rows.

        Raises:
            InputError: A line is not a row of this kind and version.
        """
        for number, line in enumerate(self._lines, 1):
            try:
                yield self._kind.model_validate_json(line)
            except ValidationError as error:
                wanted = self._kind.model_fields["version"].default
                msg = f"Line {number} of {self.path.name} is not a row of schema {wanted}: {error}"
                raise InputError(msg) from error

    def ids(self) -> set[str]:
        """The ids of all rows."""
        return {row.id for row in self}

    def append(self, rows: Iterable[R]) -> None:
        """Appends rows after the last complete line."""
        self._lines.append(map(_line, rows))

    def write(self, rows: Iterable[R]) -> None:
        """Replaces the whole file atomically."""
        self._lines.replace(map(_line, rows))


class DataFolder:
    """The files of one data set.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = ImageStore(root / "images")
        self.prompts = RowFile(root / "prompts.jsonl", PromptRow)
        self.trajectories = RowFile(root / "trajectories.jsonl", TrajectoryRow)
        self.scored = RowFile(root / "scored.jsonl", CriticRow)
        self.critic_sft = RowFile(root / "critic_sft.jsonl", CriticRow)
        self.critic_rl = RowFile(root / "critic_rl.jsonl", CriticRow)
        self.critic_test = RowFile(root / "critic_test.jsonl", CriticRow)
        self.planner = RowFile(root / "planner.jsonl", PlannerRow)
        self.sequences = RowFile(root / "sequences.jsonl", SequenceRow)
        self.retries = RowFile(root / "repairs.jsonl", RetryRow)


def _line(row: BaseModel) -> str:
    return json.dumps(row.model_dump(mode="json", by_alias=True), ensure_ascii=False)
