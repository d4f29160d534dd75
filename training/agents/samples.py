"""Samples: held-out rows with their images, the teacher's answer and the model's, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from interleavethinker.tools.chat.answers import ChecklistForm, write_plan
from interleavethinker.tools.chat.rendering import BLANK, Prompts, Turn, render_case, render_request
from interleavethinker.tools.files import atomic_write
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import ImagePart, TextPart
from interleavethinker.training.data.schema import CriticRow, PlannerRow

from .examples import critic_answer

__all__ = ["Sample", "critic_sample", "planner_sample", "write_images", "write_markdown"]


@dataclass(frozen=True)
class Sample:
    """One held-out row with the teacher's and the model's answer."""

    name: str
    turns: tuple[Turn, ...]
    blank_like: str | None
    teacher: str
    answer: str = ""
    rewards: Mapping[str, float] = field(default_factory=dict)
    """What the answer earned, by the name of the reward; empty in supervised training."""

    @property
    def question(self) -> str:
        """The text of the question."""
        return "\n".join(part.text for turn in self.turns for part in turn.parts if isinstance(part, TextPart))

    @property
    def images(self) -> tuple[str, ...]:
        """Hashes of the question's images, without blank ones."""
        parts = (part for turn in self.turns for part in turn.parts if isinstance(part, ImagePart))
        return tuple(part.sha256 for part in parts if part.sha256 != BLANK)

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """What is shown: headings and texts."""
        shown = (("Question", self.question), ("Teacher", self.teacher), ("Model", self.answer))
        earned = ", ".join(f"{name} {value:.2f}" for name, value in self.rewards.items())
        return (*shown, ("Rewards", earned)) if earned else shown


def planner_sample(row: PlannerRow, prompts: Prompts) -> Sample:
    """Returns a planner row as a sample without an answer."""
    return Sample(row.id, tuple(render_request(row.request, prompts=prompts)), None, write_plan(row.plan, row.first))


def critic_sample(row: CriticRow, prompts: Prompts, *, checklist: ChecklistForm = "none") -> Sample:
    """Returns a critic row as a sample without an answer; see `critic_answer`."""
    teacher = critic_answer(row, checklist=checklist)
    return Sample(row.id, tuple(render_case(row.case, prompts)), row.case.image, teacher)


def write_images(samples: Iterable[Sample], store: ImageStore, folder: Path) -> list[list[Path]]:
    """Writes the samples' images to a folder, named by sample and place; returns their paths for each sample."""
    folder.mkdir(exist_ok=True)
    written: list[list[Path]] = []
    for number, sample in enumerate(samples, 1):
        written.append([folder / f"{number}-{place}.png" for place in range(1, len(sample.images) + 1)])
        for path, image in zip(written[-1], sample.images, strict=True):
            atomic_write(path, store.get(image))
    return written


def write_markdown(samples: Sequence[Sample], images: Sequence[Sequence[Path]], path: Path, title: str) -> None:
    """Writes samples to a Markdown file, with links to their images."""
    lines = [f"# {title}", ""]
    for number, (sample, shown) in enumerate(zip(samples, images, strict=True), 1):
        lines += [f"## {number}: {sample.name}", ""]
        links = [image.relative_to(path.parent).as_posix() for image in shown]
        lines += [" ".join(f"![image]({link})" for link in links), ""] if links else []
        for heading, content in sample.parts:
            lines += [f"**{heading}**", "", *(f"    {line}" for line in content.splitlines()), ""]
    atomic_write(path, "\n".join(lines).encode())
