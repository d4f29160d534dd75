"""Rows from rendered pictures."""

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
from interleavethinker.training.agents.examples import glances
from interleavethinker.training.data.synthetic import rehearse, rehearse_plans, rehearse_words


def test_rehearsals_hold_both_judgements_and_every_strategy_and_repeat_themselves(tmp_path: Path) -> None:
    rows = list(rehearse(ImageStore(tmp_path), 120, seed=1))
    assert len({row.id for row in rows}) == 120
    assert 40 < sum(row.success for row in rows) < 80
    assert {row.strategy for row in rows} == {None, *STRATEGIES}
    assert list(rehearse(ImageStore(tmp_path), 9, seed=1)) == rows[:9]
    assert all(row.answer.success is row.success for row in rows)


async def test_the_scorer_reads_from_the_pictures_what_the_rows_say(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    rows = list(rehearse(store, 12, seed=2))
    shots = [JudgedImage(row.case.image, row.case.source, row.case.original_prompt, row.reference) for row in rows]
    for row, marks in zip(rows, await MicroJudge(store).judge(shots), strict=True):
        assert marks is not None
        assert (marks.semantics >= 8 and marks.quality >= 5) is row.success


def test_rehearsed_plans_are_of_every_family_and_some_go_on_from_pictures(tmp_path: Path) -> None:
    rows = list(rehearse_plans(ImageStore(tmp_path), 70, seed=1))
    assert {row.family for row in rows} == set(FAMILIES)
    assert all(row.first == len(row.request.images) + 1 for row in rows)
    cut = [row for row in rows if "Continue the sequence." in row.request.text]
    assert 5 < len(cut) < 40
    assert list(rehearse_plans(ImageStore(tmp_path), 9, seed=1)) == rows[:9]
    assert max(len(row.plan.steps) for row in rehearse_plans(ImageStore(tmp_path), 140, seed=1)) > 4


def test_words_alone_ask_what_is_wished_for_and_what_counts_as_the_same() -> None:
    pairs = list(rehearse_words(120, seed=1))
    assert pairs == list(rehearse_words(150, seed=1))[:120]
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


def test_glances_say_of_one_picture_what_is_where(tmp_path: Path) -> None:
    examples = list(glances(ImageStore(tmp_path), 12, seed=1))
    for example in examples:
        with Image.open(example["images"][0]) as picture:
            scene = scene_of(picture)
        answer = example["completion"][0]["content"][0]["text"]
        assert all(f"the {thing.kind} is {place(cell)}" in answer for cell, thing in scene.objects.items())
        assert f"There {'is' if len(scene.objects) == 1 else 'are'} {len(scene.objects)} thing" in answer
    assert list(glances(ImageStore(tmp_path), 5, seed=1)) == examples[:5]
