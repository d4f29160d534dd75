"""The report on a micro generator, for generators with known results."""

from collections.abc import Sequence

from PIL import Image

from interleavethinker.evaluation.micro.generator import generator_report
from interleavethinker.microworld.generators.oracle import OracleGenerator
from interleavethinker.microworld.language.held_out import HELD_OUT_FAMILIES
from interleavethinker.microworld.language.templates import EDIT_KINDS
from interleavethinker.microworld.language.vocabulary import CANONICAL

N = 14


def at(report: object, path: str) -> object:
    """Returns the value at a dotted path."""
    for key in path.split("."):
        assert isinstance(report, dict)
        report = report[key]
    return report


class Idle:
    """Generates gray images, changes nothing when editing, and records its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        self.calls += zip(texts, seeds, strict=True)
        return [Image.new("RGB", (96, 96), "grey") for _ in texts]

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        self.calls += zip(texts, seeds, strict=True)
        return list(images)


class NoSynonymsGenerator(OracleGenerator):
    """Follows every prompt without synonyms."""

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        return super().generate([self.known_words(text) for text in texts], seeds)

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        return super().edit(images, [self.known_words(text) for text in texts], seeds)

    def known_words(self, text: str) -> str:
        return "?" if set(text.replace(",", "").split()) & set(CANONICAL) else text


def test_a_perfect_generator_is_exact_everywhere() -> None:
    report = generator_report(OracleGenerator(), n=N, seed=0)
    assert at(report, "n") == at(report, "edit.samples") == N
    assert at(report, "text_to_image.exact") == at(report, "edit.exact") == 1
    for kind in EDIT_KINDS:
        assert (at(report, f"edit.kinds.{kind}.exact"), at(report, f"edit.kinds.{kind}.samples")) == (1, N // 7)
    for family in HELD_OUT_FAMILIES:
        assert at(report, f"held_out.{family}.exact") == at(report, f"held_out.{family}.exact_rewritten") == 1
        assert at(report, f"held_out.{family}.semantics") == at(report, f"held_out.{family}.quality_rewritten") == 10
        assert (at(report, f"held_out.{family}.exact_low"), at(report, f"held_out.{family}.exact_high")) == (0.7847, 1)


def test_a_generator_that_does_nothing_is_never_exact() -> None:
    report = generator_report(Idle(), n=N, seed=0)
    assert at(report, "text_to_image.exact") == at(report, "edit.exact") == at(report, "edit.semantics") == 0
    assert at(report, "edit.quality") == 10


def test_a_held_out_family_shows_as_the_difference_between_one_shot_and_rewritten() -> None:
    report = generator_report(NoSynonymsGenerator(), n=N, seed=0, families=("synonyms",))
    assert (at(report, "held_out.synonyms.exact"), at(report, "held_out.synonyms.exact_rewritten")) == (0, 1)


def test_samples_are_a_function_of_the_seed_and_a_larger_n_includes_a_smaller_ones_samples() -> None:
    few, same, more, other = Idle(), Idle(), Idle(), Idle()
    generator_report(few, n=7, seed=3, families=())
    generator_report(same, n=7, seed=3, families=())
    generator_report(more, n=21, seed=3, families=())
    generator_report(other, n=7, seed=4, families=())
    assert few.calls == same.calls
    assert set(few.calls) < set(more.calls)
    assert not set(few.calls) & set(other.calls)


def test_the_rewritten_prompts_use_the_seed_of_the_one_shot_attempt() -> None:
    idle = Idle()
    generator_report(idle, n=5, seed=0, families=("compound",))
    seeds = [seed for _, seed in idle.calls[5 + 5 :]]
    assert set(seeds[5:]) == set(seeds[:5])


def test_progress_reaches_the_end_of_every_group() -> None:
    last: dict[str, tuple[int, int]] = {}
    generator_report(Idle(), n=7, seed=0, progress=lambda group, done, total: last.update({group: (done, total)}))
    assert last["text_to_image"] == (7, 7)
    assert last["compound, rewritten"] == (7, 7)
    assert all(done == total for done, total in last.values())
