"""How MicroBench scores one answer: its text and its images against the reference, 0..100 each.

**Text.** A step's text is its instruction and its caption, which the reader sees; the prompt doesn't count. Each of the
two is compared with the reference's by the F1 score of their content words (synonyms count as the same word), and the
step's score is the mean over the parts that the reference has. Steps are aligned in order, each at most once, for the
highest sum, which is divided by the number of steps of the longer plan. An answer without text scores 0.

**Image.** Each step of the reference is aligned in order with the answer's images. One image may match several steps,
because an answer with a single image can only show the final scene. An image scores sqrt(semantics x quality) for the
step's change to the image before it, or for the scene that the reference expects after the step if the image shows that
scene (with the semantics that a success needs) and this is higher. The last image is also scored against the final
scene alone. The image score is the mean of the steps' mean and the final scene's score; an answer without images scores
0.

As in UEval, a request that wants text only has no image score, and its average is its text score.

**Whole document.** An answer that is nearly right has high scores, so this measure is all or nothing. An answer in
words is right if it has the content of the reference's (the same phrases in any order, up to synonyms) or of the answer
that `requests.interpretation` gives by rule, and no image: what changed between two images can be said in two ways. Any
other answer is right if it has as many images as the reference, each of them is exact for its step (`Score.exact`),
and the last one shows the final scene. The text beside images doesn't count.

The module doesn't know how an answer was made.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from interleavethinker.evaluation.micro.plan_checks import same_content
from interleavethinker.microworld.language.lexicon import singular, to_words
from interleavethinker.microworld.requests.interpretation import interpret
from interleavethinker.microworld.requests.scenarios import Scenario, ScenarioStep
from interleavethinker.microworld.scenes.reader import PixelArray, Reading, as_pixels, read
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scoring.scorer import SEMANTICS_NEEDED, Score, cell_similarity, score_reading
from interleavethinker.microworld.scoring.targets import StepTarget, keep_sizes_open
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Sha256, Step

__all__ = [
    "AnswerScores",
    "Shown",
    "align",
    "expected_scenes",
    "is_document_right",
    "score_images",
    "score_text",
    "word_overlap_f1",
]

_STOP_WORDS = frozenset(
    "a also an and are at by going here in into is it its now of on that the then there this to with".split()
)
"""Words that carry no content."""


@dataclass(frozen=True)
class AnswerScores:
    """Scores of one answer, 0..100."""

    text: float
    steps: float | None
    """The mean over the reference's steps; None if the request wants text only."""
    final: float | None
    """The last image against the final scene; None if the request wants text only."""

    @property
    def image(self) -> float | None:
        """The image score; see the module's docstring."""
        return None if self.steps is None or self.final is None else (self.steps + self.final) / 2

    @property
    def average(self) -> float:
        """The mean of text and image score, or the text score if the request wants text only."""
        return self.text if self.image is None else (self.text + self.image) / 2


@dataclass(frozen=True)
class Shown:
    """An image of an answer and the image that it was edited from."""

    image: Sha256
    source: Sha256 | None


def word_overlap_f1(one: str, other: str) -> float:
    """Returns the F1 score of two texts' content words, 0..1; 1 if neither has any.

    Examples:
        >>> word_overlap_f1("The ball is red.", "The ball is blue.")
        0.5
    """
    first, second = _content(one), _content(other)
    if not first or not second:
        return float(first == second)
    common = (first & second).total()
    return 2 * common / (first.total() + second.total())


def _content(text: str) -> Counter[str]:
    numbers = re.findall(r"\d+", text)
    words = (singular(word) for word in to_words(text) if word != ",")
    return Counter([*numbers, *(word for word in words if word not in _STOP_WORDS)])


def score_text(reference: Sequence[ScenarioStep], steps: Sequence[Step]) -> float:
    """Returns the text score of an answer's steps, 0..100."""
    matrix = [[_text_overlap(wanted, step) for step in steps] for wanted in reference]
    return 100 * sum(align(matrix, reuse=False)) / max(len(reference), len(steps), 1)


def _text_overlap(wanted: ScenarioStep, step: Step) -> float:
    pairs = ((wanted.instruction, step.instruction), (wanted.auxiliary_text, step.auxiliary_text))
    # The answer to a question may be in the instruction or in the caption; both count.
    texts = [(want, have or (step.instruction if wanted.instruction is None else None)) for want, have in pairs if want]
    scores = [word_overlap_f1(want, have) if have else 0.0 for want, have in texts]
    return sum(scores) / len(scores) if scores else 0.0


def align(matrix: Sequence[Sequence[float]], *, reuse: bool) -> list[float]:
    """Aligns expected items with given ones in order, for the highest sum of scores.

    Matches never cross: a later row gets a later column (or the same one, with `reuse`). Dynamic programming from the
    last row to the first: `after[column]` holds the best scores of all later rows from that column on.

    Args:
        matrix: Scores; one row per expected item, one column per given item.
        reuse: Whether a column may match several rows.

    Returns:
        One score per row; 0 for rows without a match.

    Examples:
        >>> align([[0.9, 0.2], [0.1, 0.8]], reuse=False)
        [0.9, 0.8]
        >>> align([[0.0, 1.0], [0.9, 0.0]], reuse=False)  # crossed: only the better match counts
        [1.0, 0.0]
        >>> align([[1.0], [0.5]], reuse=False), align([[1.0], [0.5]], reuse=True)
        ([1.0, 0.0], [1.0, 0.5])
    """
    columns = len(matrix[0]) if matrix else 0
    after: list[tuple[float, ...]] = [()] * (columns + 1)
    for row in reversed(matrix):
        best: list[tuple[float, ...]] = [(0.0, *after[columns])] * (columns + 1)
        for column in reversed(range(columns)):
            taken = (row[column], *after[column if reuse else column + 1])
            best[column] = max((taken, best[column + 1], (0.0, *after[column])), key=sum)
        after = best
    return list(after[0])


def expected_scenes(targets: Sequence[StepTarget]) -> list[StepTarget]:
    """Returns the whole scene that the reference expects after each step, regardless of the step's source.

    If a step doesn't give an object's size, any size is accepted until a later step replaces or resizes the object.
    """
    return [StepTarget(target.after, open_sizes=target.open_sizes) for target in keep_sizes_open(targets)]


@dataclass(frozen=True)
class _ReadImage:
    """An image as the reader sees it, with its source."""

    reading: Reading
    before: Scene | None
    looks: tuple[float, ...] | None
    """The similarity of each cell to the source, 0..1; None without a source."""

    def score(self, target: StepTarget, scene: StepTarget) -> float:
        """Returns a step's score, 0..100: for the change to the source or for the scene after it, the higher one."""
        change, whole = self.score_change(target), self.score_scene(scene)
        # Scored against the scene alone, a step that was not done might cost no more than one wrong color.
        return 10 * max(change.overall, whole.overall if whole.semantics >= SEMANTICS_NEEDED else 0.0)

    def score_change(self, target: StepTarget) -> Score:
        """Returns the score of the step's change to the source."""
        cell_targets, background = target.cell_targets(self.before)
        # With a new background every cell's pixels differ, so only the objects show what was preserved.
        looks = self.looks if self.before is not None and self.before.background == background else None
        return score_reading(self.reading, self.before, cell_targets, background, looks)

    def score_scene(self, scene: StepTarget) -> Score:
        """Returns the score against a whole scene, regardless of the source."""
        cell_targets, background = scene.cell_targets(None)
        return score_reading(self.reading, None, cell_targets, background)


def score_images(targets: Sequence[StepTarget], shown: Sequence[Shown], store: ImageStore) -> tuple[float, float]:
    """Returns the mean score of the reference's steps and the score of the final scene, 0..100 each.

    Args:
        targets: The target of each step; at least one.
        shown: The answer's images in order.
        store: The image store.
    """
    if not shown:
        return 0.0, 0.0
    images = [_read(one, store) for one in shown]
    scenes = expected_scenes(targets)
    matrix = [[image.score(target, scene) for image in images] for target, scene in zip(targets, scenes, strict=True)]
    steps = align(matrix, reuse=True)
    return sum(steps) / len(steps), 10 * images[-1].score_scene(scenes[-1]).overall


def is_document_right(
    reference: Scenario, steps: Sequence[Step], shown: Sequence[Shown | None], store: ImageStore
) -> bool:
    """Returns whether a whole answer is right; see the module's docstring.

    Args:
        reference: The request with its reference plan.
        steps: The steps of the answer's plan.
        shown: For each step the image that the answer shows, None without one. A step with a prompt needs one.
        store: The image store.

    Raises:
        StoreError: An image is not in the store, or its file is damaged.
    """
    if any(step.prompt is not None and image is None for step, image in zip(steps, shown, strict=True)):
        return False
    targets = [step.target for step in reference.steps if step.target is not None]
    given = [image for image in shown if image is not None]
    if len(given) != len(targets):
        return False
    if not targets:
        given_text = _all_text(steps)
        return any(same_content(given_text, answer) for answer in _right_answers(reference))
    images = [_read(image, store) for image in given]
    changes = zip(images, keep_sizes_open(targets), strict=True)
    final = images[-1].score_scene(expected_scenes(targets)[-1])
    return final.exact and all(image.score_change(target).exact for image, target in changes)


def _right_answers(reference: Scenario) -> list[str]:
    """Returns the reference's answer in words, and the answer by rule if the rules read the question."""
    answers = [_all_text(reference.steps)]
    question = "\n".join(part for part in reference.parts if isinstance(part, str))
    with contextlib.suppress(InputError):
        by_rule = interpret(question, [part for part in reference.parts if isinstance(part, Scene)]).answer
        answers += [by_rule.text] if by_rule is not None else []
    return answers


def _all_text(steps: Sequence[Step] | Sequence[ScenarioStep]) -> str:
    return "\n".join(text for step in steps for text in (step.instruction, step.auxiliary_text) if text)


def _read(shown: Shown, store: ImageStore) -> _ReadImage:
    reading = _reading(shown.image, store)
    if shown.source is None:
        return _ReadImage(reading, None, None)
    looks = cell_similarity(_open(shown.image, store), _open(shown.source, store))
    return _ReadImage(reading, _reading(shown.source, store).scene, tuple(looks))


@lru_cache(maxsize=8192)
def _reading(sha256: Sha256, store: ImageStore) -> Reading:
    """Reads an image; cached, because experiments share images and a step's image is the next step's source."""
    return read(_open(sha256, store))


def _open(sha256: Sha256, store: ImageStore) -> PixelArray:
    return as_pixels(open_rgb(store.get(sha256)))
