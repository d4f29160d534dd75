"""`--ask` about variants, and about an image that the image service refused."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.cli import exit_codes as exits
from interleavethinker.cli.asking import ask_about_attempt
from interleavethinker.graph import Components, Workspace
from interleavethinker.graph.events import ReviewNeeded
from interleavethinker.tools.errors import RefusalError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator

STORY = "a big red ball on the left, at night. then make the ball blue"
Run = Callable[..., tuple[int, str, str]]
Answer = Callable[[str], None]


def record(run: Run) -> Any:
    name = json.loads(run("list", "--json")[1])[0]["id"]
    return json.loads(run("show", name, "--json")[1])


ONE_IS_BEST = """
from interleavethinker.tools.types import Verdict

class Critic:
    gives_confidence = True
    def __init__(self, store): pass
    async def judge(self, cases):
        return [Verdict(success=number == 0, refined_prompt=case.prompt, confidence=0.9 - number / 10)
                for number, case in enumerate(cases)]
"""


@pytest.mark.parametrize(
    ("answers", "kept"),
    [("a\n\n\n", (0.9, 0.9)), ("a\na\na\n", (0.9, 0.9)), ("a\n2\n7\n3\n", (1, 2)), ("a\nr\n\na\n\n", (3, 0.9))],
    ids=["enter", "accept", "by number", "reject"],
)
def test_of_several_variants_the_person_sees_all_and_gets_the_one_that_they_choose(
    answers: str, kept: tuple[float, float], run: Run, with_critic: Callable[[str], str], answer: Answer
) -> None:
    """`kept` has numbers of attempts, or 0.9 for the one that the critic found best."""
    profile = with_critic(ONE_IS_BEST)
    answer(answers)
    code, _, err = run("run", STORY, "--profile", profile, "--ask", "--variants", "3")
    assert code == exits.OK, err
    done = record(run)
    shown = {line.removeprefix("Image: ") for line in err.splitlines() if line.startswith("Image: ")}
    assert {Path(line).stem for line in shown} == {one["image"] for one in done["attempts"]}
    assert all(Path(line).is_file() for line in shown)
    assert ", [r]eject all, [q]uit, or the number of the attempt to accept (Enter: go on as the critic says)?" in err
    offered = [int(number) - 1 for number in re.findall(r"\[a\]ccept attempt (\d)", err)]
    best = {0: offered[0], 1: offered[-1]}
    images = [block["sha256"] for block in done["document"]["blocks"] if block["kind"] == "image"]
    by_place = {(one["step"], one["iteration"]): one["image"] for one in done["attempts"]}
    assert images == [by_place[step, best[step] if one == 0.9 else one] for step, one in enumerate(kept)]
    for one in done["attempts"]:
        if one["verdict"]["confidence"] == 0.9:
            assert one["iteration"] == best[one["step"]]
    assert ("Please answer with a, r, q, 1, 2, 3." in err) == ("7" in answers)


def test_quitting_before_variants_asks_about_all_of_them_again(run: Run, answer: Answer) -> None:
    answer("a\nq\n")
    code, _, _ = run("run", STORY, "--profile", "cells.toml", "--ask", "--variants", "3")
    assert code == exits.INTERRUPTED
    answer("2\nq\n")
    _, _, err = run("resume", record(run)["id"], "--ask")
    assert "step 1, attempts 1, 2, 3: " in err
    accepted = [one for one in record(run)["attempts"] if one["verdict"]["by_hand"] and one["verdict"]["success"]]
    assert [(one["step"], one["iteration"]) for one in accepted] == [(0, 1)]


async def test_an_image_that_the_service_refused_cannot_be_accepted(
    tmp_path: Path, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "images"))
    generator.fail_next(RefusalError("not this one"), 1)
    components = Components(FixedPlanner(plan_of("a")), RuleCritic(), generator)
    async with Workspace.open(tmp_path, components) as workspace:
        trajectory = await workspace.create("x")
        *_, asked = [event async for event in workspace.stream(trajectory, review=True)]
        assert isinstance(asked, ReviewNeeded)
        answer("a\nr\nmine\n")
        assert await ask_about_attempt(workspace, trajectory, asked.attempt)
        done = await workspace.run(trajectory)
    err = capsys.readouterr().err
    assert "No image. not this one" in err
    assert "Please answer with r, q." in err
    assert [(one.prompt, one.image is None) for one in done.attempts] == [("a", True), ("mine", False)]
