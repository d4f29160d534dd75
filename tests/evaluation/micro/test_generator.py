"""The report on a micro generator, measured on generators whose figures are known beforehand."""

from collections.abc import Sequence

from PIL import Image

from interleavethinker.evaluation.micro.generator import generator_report
from interleavethinker.microworld.generators.oracle import OracleGenerator
from interleavethinker.microworld.language.held_out import HELD_OUT_FAMILIES
from interleavethinker.microworld.language.templates import EDIT_KINDS
from interleavethinker.microworld.language.vocabulary import CANONICAL

N = 14


def at(report: object, path: str) -> object:
    """What stands at a dotted path."""
    for key in path.split("."):
        assert isinstance(report, dict)
        report = report[key]
    return report


class Idle:
    """Draws grey and edits nothing; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        self.asked += zip(texts, seeds, strict=True)
        return [Image.new("RGB", (96, 96), "grey") for _ in texts]

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        self.asked += zip(texts, seeds, strict=True)
        return list(images)


class Unschooled(OracleGenerator):
    """Does what it is told, but knows no synonyms."""

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        return super().generate([self.heard(text) for text in texts], seeds)

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        return super().edit(images, [self.heard(text) for text in texts], seeds)

    def heard(self, text: str) -> str:
        return "?" if set(text.replace(",", "").split()) & set(CANONICAL) else text


def test_a_perfect_generator_is_exact_everywhere() -> None:
    report = generator_report(OracleGenerator(), n=N, seed=0)
    assert at(report, "n") == at(report, "edit.samples") == N
    assert at(report, "text_to_image.exact") == at(report, "edit.exact") == 1
    for kind in EDIT_KINDS:
        assert (at(report, f"edit.kinds.{kind}.exact"), at(report, f"edit.kinds.{kind}.samples")) == (1, N // 7)
    for gap in HELD_OUT_FAMILIES:
        assert at(report, f"gaps.{gap}.exact") == at(report, f"gaps.{gap}.exact_reworded") == 1
        assert at(report, f"gaps.{gap}.semantics") == at(report, f"gaps.{gap}.quality_reworded") == 10
        assert (at(report, f"gaps.{gap}.exact_low"), at(report, f"gaps.{gap}.exact_high")) == (0.7847, 1)


def test_a_generator_that_does_nothing_is_never_exact() -> None:
    report = generator_report(Idle(), n=N, seed=0)
    assert at(report, "text_to_image.exact") == at(report, "edit.exact") == at(report, "edit.semantics") == 0
    assert at(report, "edit.quality") == 10


def test_a_gap_shows_as_the_difference_between_one_shot_and_reworded() -> None:
    report = generator_report(Unschooled(), n=N, seed=0, gaps=("synonyms",))
    assert (at(report, "gaps.synonyms.exact"), at(report, "gaps.synonyms.exact_reworded")) == (0, 1)


def test_samples_are_a_pure_function_of_the_seed_and_more_of_them_repeat_the_first() -> None:
    few, same, more, other = Idle(), Idle(), Idle(), Idle()
    generator_report(few, n=7, seed=3, gaps=())
    generator_report(same, n=7, seed=3, gaps=())
    generator_report(more, n=21, seed=3, gaps=())
    generator_report(other, n=7, seed=4, gaps=())
    assert few.asked == same.asked
    assert set(few.asked) < set(more.asked)
    assert not set(few.asked) & set(other.asked)


def test_a_rewording_uses_the_seed_of_the_one_shot_attempt() -> None:
    idle = Idle()
    generator_report(idle, n=5, seed=0, gaps=("compound",))
    seeds = [seed for _, seed in idle.asked[5 + 5 :]]
    assert set(seeds[5:]) == set(seeds[:5])


def test_progress_reaches_the_end_of_every_group() -> None:
    last: dict[str, tuple[int, int]] = {}
    generator_report(Idle(), n=7, seed=0, progress=lambda group, done, total: last.update({group: (done, total)}))
    assert last["text_to_image"] == (7, 7)
    assert last["compound, reworded"] == (7, 7)
    assert all(done == total for done, total in last.values())
