"""How MicroBench scores one answer: its words and its pictures against the reference, 0..100 each.

**Text.** A step's words are its instruction and its caption, as a reader sees them; the prompt is not among them. Each
of the two is compared with the reference's by the F1 of their content words (synonyms count as the word they stand
for), and the step gets the mean of what the reference has. Steps are matched in order, each at most once, as well as
possible; the sum is divided by the longer plan's number of steps. No words give 0.

**Image.** Each step of the reference is looked for among the answer's pictures, in order; a picture may serve several
steps, because a single picture can only show the end. It gets the scorer's sqrt(semantics x quality) for the step's
change to the picture before it; or for the scene that the reference expects after the step, if it shows that scene
(semantics as judgement needs it) and this is more. The last picture is also judged against the final scene alone. Image
is the mean of the steps' mean and of the final scene's score; an answer without pictures gets 0.

As in UEval, a request that wants words only has no image score, and the average is of what there is. Knows nothing of
how an answer was made.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from interleavethinker.microworld.language.lexicon import singular, to_words
from interleavethinker.microworld.requests.scenarios import ScenarioStep
from interleavethinker.microworld.scenes.reader import PixelArray, Reading, as_pixels, read
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scoring.scorer import SEMANTICS_NEEDED, Score, cell_similarity, score_reading
from interleavethinker.microworld.scoring.targets import StepTarget, keep_sizes_open
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Sha256, Step

__all__ = ["AnswerScores", "Shown", "align", "expected_scenes", "score_images", "score_text", "words_alike"]

_IDLE = frozenset(
    "a also an and are at by going here in into is it its now of on that the then there this to with".split()
)
"""Words that say nothing about a picture."""


@dataclass(frozen=True)
class AnswerScores:
    """Scores of one answer, 0..100."""

    text: float
    steps: float | None
    """Mean over the reference's steps; None where no picture is wanted."""
    final: float | None
    """Of the last picture against the final scene; None where no picture is wanted."""

    @property
    def image(self) -> float | None:
        """See the module."""
        return None if self.steps is None or self.final is None else (self.steps + self.final) / 2

    @property
    def average(self) -> float:
        """Of text and image, or of text alone where no picture is wanted."""
        return self.text if self.image is None else (self.text + self.image) / 2


@dataclass(frozen=True)
class Shown:
    """A picture of an answer and the one that it was made from."""

    image: Sha256
    source: Sha256 | None


def words_alike(one: str, other: str) -> float:
    """F1 of the content words of two texts, 0..1; two texts without any are alike."""
    first, second = _content(one), _content(other)
    if not first or not second:
        return float(first == second)
    common = (first & second).total()
    return 2 * common / (first.total() + second.total())


def _content(text: str) -> Counter[str]:
    numbers = re.findall(r"\d+", text)
    words = (singular(word) for word in to_words(text) if word != ",")
    return Counter([*numbers, *(word for word in words if word not in _IDLE)])


def score_text(reference: Sequence[ScenarioStep], steps: Sequence[Step]) -> float:
    """The text score of an answer's steps, 0..100."""
    matrix = [[_step_alike(wanted, step) for step in steps] for wanted in reference]
    return 100 * sum(align(matrix, again=False)) / max(len(reference), len(steps), 1)


def _step_alike(wanted: ScenarioStep, step: Step) -> float:
    pairs = ((wanted.instruction, step.instruction), (wanted.auxiliary_text, step.auxiliary_text))
    # Said in the other place, it is said all the same: an answer to a question may stand in either.
    said = [(want, have or (step.instruction if wanted.instruction is None else None)) for want, have in pairs if want]
    grades = [words_alike(want, have) if have else 0.0 for want, have in said]
    return sum(grades) / len(grades) if grades else 0.0


def align(matrix: Sequence[Sequence[float]], *, again: bool) -> list[float]:
    """Matches rows to columns in order, so that the grades' sum is greatest; unmatched rows get 0.

    Args:
        matrix: Grades; a row for each expected thing, a column for each given one.
        again: Whether a column may serve several rows.

    Returns:
        Each row's grade.
    """
    columns = len(matrix[0]) if matrix else 0
    after: list[tuple[float, ...]] = [()] * (columns + 1)
    for row in reversed(matrix):
        best: list[tuple[float, ...]] = [(0.0, *after[columns])] * (columns + 1)
        for column in reversed(range(columns)):
            taken = (row[column], *after[column if again else column + 1])
            best[column] = max((taken, best[column + 1], (0.0, *after[column])), key=sum)
        after = best
    return list(after[0])


def expected_scenes(targets: Sequence[StepTarget]) -> list[StepTarget]:
    """The whole scene that the reference expects after each step, whatever it starts from.

    A thing whose size the words of an earlier step left open stays open until a step replaces or resizes it.
    """
    return [StepTarget(target.after, open_sizes=target.open_sizes) for target in keep_sizes_open(targets)]


@dataclass(frozen=True)
class _Picture:
    """A picture as read, with what it was made from."""

    reading: Reading
    before: Scene | None
    looks: tuple[float, ...] | None
    """How much of the source each cell has kept, 0..1; None if there was no source."""

    def score(self, target: StepTarget, scene: StepTarget) -> float:
        """The score of a step, 0..100: of its change to the source, or of the scene after it if that is shown."""
        cell_targets, background = target.cell_targets(self.before)
        # Behind a new background every cell's pixels differ; there only what was read tells what has been kept.
        looks = self.looks if self.before is not None and self.before.background == background else None
        change = score_reading(self.reading, self.before, cell_targets, background, looks).overall
        whole = self.show(scene)
        # Against a scene alone, a step left undone may cost as little as one wrong colour.
        return 10 * max(change, whole.overall if whole.semantics >= SEMANTICS_NEEDED else 0.0)

    def show(self, scene: StepTarget) -> Score:
        """The score against a whole scene, whatever the source."""
        cell_targets, background = scene.cell_targets(None)
        return score_reading(self.reading, None, cell_targets, background)


def score_images(targets: Sequence[StepTarget], shown: Sequence[Shown], store: ImageStore) -> tuple[float, float]:
    """The mean score of the reference's steps, and that of the final scene, 0..100.

    Args:
        targets: What each step must bring about; at least one.
        shown: The answer's pictures in order.
        store: Where they lie.
    """
    if not shown:
        return 0.0, 0.0
    pictures = [_read(one, store) for one in shown]
    scenes = expected_scenes(targets)
    matrix = [
        [picture.score(target, scene) for picture in pictures] for target, scene in zip(targets, scenes, strict=True)
    ]
    steps = align(matrix, again=True)
    return sum(steps) / len(steps), 10 * pictures[-1].show(scenes[-1]).overall


def _read(shown: Shown, store: ImageStore) -> _Picture:
    reading = _reading(shown.image, store)
    if shown.source is None:
        return _Picture(reading, None, None)
    looks = cell_similarity(_open(shown.image, store), _open(shown.source, store))
    return _Picture(reading, _reading(shown.source, store).scene, tuple(looks))


@lru_cache(maxsize=8192)
def _reading(sha256: Sha256, store: ImageStore) -> Reading:
    """What a picture shows; rows share many pictures, and a step's picture is the next one's source."""
    return read(_open(sha256, store))


def _open(sha256: Sha256, store: ImageStore) -> PixelArray:
    return as_pixels(open_rgb(store.get(sha256)))
