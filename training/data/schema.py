"""The rows of every data stage, and the files and folder that hold them.

A data folder is `images/` (content-addressed) and one JSON-lines file for each stage. Every row carries its schema's
name and version; a file of another version is refused, never guessed at. Rows are appended one by one, so that a killed
stage goes on where it stopped; a torn last line is cut off. Knows nothing of what rows mean.
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

__all__ = ["CriticRow", "DataFolder", "PlannerRow", "PromptRow", "RepairRow", "RowFile", "SequenceRow", "TrajectoryRow"]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    id: str
    """Unique in its file, and the same whenever the stage runs again."""


class PromptRow(_Row):
    """A request, and what its world knows about carrying it out."""

    version: Literal["prompt/1"] = Field(default="prompt/1", alias="schema")
    family: str
    template: int
    split: str
    request: Request
    plan: Plan
    references: tuple[JsonValue, ...]
    """For each step what its picture is judged against, opaque to the stages; null for a step of text only."""


class TrajectoryRow(_Row):
    """One run of the agent."""

    version: Literal["trajectory/1"] = Field(default="trajectory/1", alias="schema")
    prompt: str
    """Id of the prompt row."""
    split: str
    generator: str
    seed: int
    plan: Plan
    references: tuple[JsonValue, ...]
    attempts: tuple[Attempt, ...]
    """By step and iteration."""


class CriticRow(_Row):
    """One iteration of one step: what a critic sees, what it should answer, and what its next prompt must improve."""

    version: Literal["critic/1"] = Field(default="critic/1", alias="schema")
    trajectory: str
    split: str
    generator: str
    step: int
    iteration: int
    case: CriticInput
    reference: JsonValue
    semantics: float
    """0..10."""
    quality: float
    """0..10."""
    success: bool
    """The ground truth J."""
    answer: Verdict
    """What the teacher answered."""
    strategy: str | None
    """How the teacher wrote its refined prompt, where it is known."""
    next_seed: int
    """The seed with which serving would make the next attempt."""

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
    """Number of the plan's first step; larger than 1 where a sequence is continued."""


class SequenceRow(_Row):
    """A finished trajectory as one sequence of texts and images, for models that write both."""

    version: Literal["sequence/1"] = Field(default="sequence/1", alias="schema")
    split: str
    mode: Literal["easy", "hard"]
    """Easy: only the images that were kept. Hard: the failed ones too, each with the critic's words."""
    request: Request
    parts: tuple[Part, ...]


class RepairRow(_Row):
    """What became of one failed first attempt when it was made again, with a new seed, from several prompts."""

    version: Literal["repair/1"] = Field(default="repair/1", alias="schema")
    before: float
    """Overall score of the failed attempt."""
    same: float
    """Overall score with the same prompt."""
    same_fixed: bool
    reworded: dict[str, float]
    """Overall score by rewriting strategy."""
    reworded_fixed: dict[str, bool]
    drawn: str
    """The strategy that the teacher drew for this attempt."""


R = TypeVar("R", bound=_Row)


class RowFile(Generic[R]):
    """Rows of one kind in a JSON-lines file.

    Args:
        path: The file; made at the first write.
        kind: The class of its rows.
    """

    def __init__(self, path: Path, kind: type[R]) -> None:
        self.path = path
        self._lines = LineFile(path)
        self._kind = kind

    def __iter__(self) -> Iterator[R]:
        """Yields the rows; a missing file has none.

        Raises:
            InputError: A line is not a row of this kind and version.
        """
        for number, line in enumerate(self._lines, 1):
            try:
                yield self._kind.model_validate_json(line)
            except ValidationError as error:
                wanted = self._kind.model_fields["version"].default
                msg = f"Line {number} of {self.path.name} must be a row of schema {wanted}; found: {error}"
                raise InputError(msg) from error

    def ids(self) -> set[str]:
        """The ids of all rows."""
        return {row.id for row in self}

    def append(self, rows: Iterable[R]) -> None:
        """Adds rows after the last whole line."""
        self._lines.append(map(_line, rows))

    def write(self, rows: Iterable[R]) -> None:
        """Replaces the whole file in one rename."""
        self._lines.replace(map(_line, rows))


class DataFolder:
    """One data set.

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
        self.repairs = RowFile(root / "repairs.jsonl", RepairRow)


def _line(row: BaseModel) -> str:
    return json.dumps(row.model_dump(mode="json", by_alias=True), ensure_ascii=False)
