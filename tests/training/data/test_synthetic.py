"""Synthetic rows from rendered images."""

import re
from pathlib import Path

from PIL import Image

from interleavethinker.evaluation.judges.base import JudgedImage
from interleavethinker.evaluation.judges.micro import MicroJudge
from interleavethinker.microworld.agents.rewriting import STRATEGIES
from interleavethinker.microworld.language.templates import place
from interleavethinker.microworld.requests.families import FAMILIES
from interleavethinker.microworld.scoring.targets import scene_of
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.training.agents.examples import image_facts
from interleavethinker.training.data.synthetic import (
    synthetic_critic_rows,
    synthetic_planner_rows,
    synthetic_text_pairs,
)


def test_synthetic_critic_rows_have_both_verdicts_and_all_strategies_and_are_reproducible(tmp_path: Path) -> None:
    rows = list(synthetic_critic_rows(ImageStore(tmp_path), 120, seed=1))
    assert len({row.id for row in rows}) == 120
    assert 40 < sum(row.success for row in rows) < 80
    assert {row.strategy for row in rows} == {None, *STRATEGIES}
    assert list(synthetic_critic_rows(ImageStore(tmp_path), 9, seed=1)) == rows[:9]
    assert all(row.answer.success is row.success for row in rows)


async def test_the_scorer_agrees_with_the_verdicts_of_the_rows(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    rows = list(synthetic_critic_rows(store, 12, seed=2))
    images = [JudgedImage(row.case.image, row.case.source, row.case.original_prompt, row.reference) for row in rows]
    for row, scores in zip(rows, await MicroJudge(store).judge(images), strict=True):
        assert scores is not None
        assert (scores.semantics >= 8 and scores.quality >= 5) is row.success


def test_synthetic_plans_cover_every_family_and_some_continue_from_images(tmp_path: Path) -> None:
    rows = list(synthetic_planner_rows(ImageStore(tmp_path), 70, seed=1))
    assert {row.family for row in rows} == set(FAMILIES)
    assert all(row.first == len(row.request.images) + 1 for row in rows)
    cut = [row for row in rows if "Continue the sequence." in row.request.text]
    assert 5 < len(cut) < 40
    assert list(synthetic_planner_rows(ImageStore(tmp_path), 9, seed=1)) == rows[:9]
    assert max(len(row.plan.steps) for row in synthetic_planner_rows(ImageStore(tmp_path), 140, seed=1)) > 4


def test_text_only_pairs_ask_what_a_prompt_wants_and_which_descriptions_match() -> None:
    pairs = list(synthetic_text_pairs(120, seed=1))
    assert pairs == list(synthetic_text_pairs(150, seed=1))[:120]
    wished, compared = pairs[::2], pairs[1::2]
    for question, answer in wished:
        assert " wants " in answer
        assert "; try " in answer
        assert answer.startswith("before ") is question.startswith("before ")
    lines = [line for question, _ in compared for line in question.split("; ")]
    said = [line for _, answer in compared for line in answer.split("; ")]
    assert 0.4 < sum("no" not in line.split() for line in said) / len(said) < 0.6
    for line, answer in zip(lines, said, strict=True):
        aim, _, found = line.partition(", is ")
        wanted = aim.partition(" wants ")[2] or re.split(r" (?:on|in|at) the | background", aim)[0]
        assert ("no" not in answer.split()) is (found == wanted or found in {f"big {wanted}", f"small {wanted}"})


def test_image_facts_name_every_object_and_its_place(tmp_path: Path) -> None:
    examples = list(image_facts(ImageStore(tmp_path), 12, seed=1))
    for example in examples:
        with Image.open(example["images"][0]) as image:
            scene = scene_of(image)
        answer = example["completion"][0]["content"][0]["text"]
        assert all(f"the {thing.kind} is {place(cell)}" in answer for cell, thing in scene.objects.items())
        assert f"There {'is' if len(scene.objects) == 1 else 'are'} {len(scene.objects)} thing" in answer
    assert list(image_facts(ImageStore(tmp_path), 5, seed=1)) == examples[:5]
