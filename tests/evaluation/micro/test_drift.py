"""The benchmark of the drift guard, with a generator that damages one object per edit."""

import json
from collections.abc import Sequence

import numpy as np
from PIL import Image

from interleavethinker.evaluation.micro.drift import DriftEvalConfig, evaluate_drift, markdown_report, sample_chain
from interleavethinker.microworld.generators.oracle import OracleGenerator
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.scenes.reader import read
from interleavethinker.microworld.scenes.scene import render, to_image
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS


class Careless(OracleGenerator):
    """Carries every edit out, and paints another background as well."""

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        made = []
        for image, text, seed in zip(images, texts, seeds, strict=True):
            scene = read(super().edit([image], [text], [seed])[0]).scene
            other = BACKGROUNDS[(BACKGROUNDS.index(scene.background) + 1) % len(BACKGROUNDS)]
            made.append(to_image(render(type(scene)(other, scene.cells))))
        return made


def test_each_prompt_of_a_chain_leads_to_its_scene_and_a_description_can_hold_all_of_it() -> None:
    chain = sample_chain(np.random.default_rng(3), 24)
    assert len(chain.prompts) == 25
    for prompt, before, after in zip(chain.prompts[1:], chain.scenes, chain.scenes[1:], strict=False):
        assert parse(prompt, before).target == after != before
        assert 1 <= len(after.objects) <= 3


def test_the_report_compares_the_guards_on_the_same_chains() -> None:
    config = DriftEvalConfig(n=2, edits=5, seed=1, threshold=0.05, max_attempts=1)
    report = evaluate_drift(config, model=Careless())
    guards = report["guards"]
    assert list(guards) == ["no guard", "redraw", "restart"]
    assert guards["no guard"]["acts"] == 0
    assert guards["restart"]["acts"] > 0
    assert guards["restart"]["course_difference"][0] > 0
    assert report == evaluate_drift(config, model=Careless())
    table = markdown_report(json.loads(json.dumps(report)))
    assert "| restart |" in table
    assert "right after 5 edits" in table
    lost = {**guards["redraw"], "course_difference": [-1.0, -2.0, -0.5]}
    assert "-1.00 [-2.00, -0.50]: worse" in markdown_report({**report, "guards": {**guards, "redraw": lost}})


def test_a_generator_without_faults_gives_the_guard_nothing_to_do() -> None:
    report = evaluate_drift(DriftEvalConfig(n=1, edits=3), model=OracleGenerator())
    for row in report["guards"].values():
        assert (row["acts"], row["drift"], row["right"][-1][0]) == (0, 0, 1)
