"""The rows of every data stage. Each carries its schema's name and version; `folder` keeps them in files."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from interleavethinker.tools.types import Attempt, CriticInput, Part, Plan, Request, Verdict

__all__ = ["CriticRow", "PlannerRow", "PromptRow", "QuarantineRow", "RetryRow", "Row", "SequenceRow", "TrajectoryRow"]


class Row(BaseModel):
    """A line of a data set's file."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    id: str
    """Unique in its file; running the stage again gives the same id."""


class PromptRow(Row):
    """A request, with its plan and a reference for each step where they are known."""

    version: Literal["prompt/1"] = Field(default="prompt/1", alias="schema")
    family: str
    """The kind of request; results and splits are balanced over it."""
    template: int
    """Number of the template in its family; 0 where there is none."""
    split: str
    """`train`, or the name of a held-out split."""
    request: Request
    plan: Plan | None = None
    """The right plan; None: the profile's planner makes one."""
    references: tuple[JsonValue, ...] = ()
    """For each step, what its image is judged against: opaque to the stages, null for a text-only step."""


class TrajectoryRow(Row):
    """One run of the agent on a prompt."""

    version: Literal["trajectory/1"] = Field(default="trajectory/1", alias="schema")
    prompt: str
    """Id of the prompt row."""
    split: str
    generator: str
    seed: int
    plan: Plan
    references: tuple[JsonValue, ...] = ()
    """As in the prompt row; empty where no references are known."""
    attempts: tuple[Attempt, ...]
    """Sorted by step and iteration."""


class CriticRow(Row):
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


class PlannerRow(Row):
    """A request and the plan to learn."""

    version: Literal["planner/1"] = Field(default="planner/1", alias="schema")
    split: str
    family: str
    request: Request
    plan: Plan
    first: int
    """Number of the plan's first step; greater than 1 if the request continues a sequence."""


class SequenceRow(Row):
    """A finished trajectory as one sequence of text and images, for models that write both."""

    version: Literal["sequence/1"] = Field(default="sequence/1", alias="schema")
    split: str
    mode: Literal["easy", "hard"]
    """Easy: only the selected images. Hard: the failed ones too, each with the critic's answer."""
    request: Request
    parts: tuple[Part, ...]


class RetryRow(Row):
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


class QuarantineRow(Row):
    """Something that a stage went on without."""

    version: Literal["quarantine/1"] = Field(default="quarantine/1", alias="schema")
    name: str
    """A file and the number of a line in it, from 1, or the id of a trajectory."""
    reason: str
