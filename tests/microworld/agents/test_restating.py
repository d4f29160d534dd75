"""The shipped restater: wordings that no rule reads and no training pair has, and what is done with its answers."""

import subprocess
import sys
from pathlib import Path

import pytest

from interleavethinker.microworld.agents import restating
from interleavethinker.microworld.agents.request_check import RequestCheck
from interleavethinker.microworld.agents.restating import check_request, restate
from interleavethinker.microworld.agents.scripted_planner import ScriptedPlanner
from interleavethinker.microworld.requests.interpretation import interpret
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.types import Request, TextPart
from interleavethinker.training.data.rewordings import shipped_rewordings

pytest.importorskip("torch", reason="needs the local extra")

WORDINGS = [
    (0, "dude i need three purple fishies at the beach asap", "Three purple fish, at the beach."),
    (0, "my therapist says draw a house. a big red one. in the forest.", "A big red house, in a forest."),
    (1, "yo can u yeet the car outta there", "Remove the car."),
    (1, "plz gimme the tree in white instead", "Make the tree white."),
    (1, "my eyesight is bad, whatever is in this photo?", "What is in the picture?"),
    (2, "spot the difference for me mate", "What has changed?"),
]
LONG = (
    "There was once an orange fish, alone at the shore. One day a blue one arrived on its right. In the end the "
    "orange fish swam away."
)
UNSURE = "for the cake i fancy some little yellow hut that sits among the pines"


def asked(text: str) -> Request:
    return Request(parts=(TextPart(text=text),))


@pytest.mark.parametrize(("images", "wording", "restated"), WORDINGS)
def test_new_wordings_are_restated(images: int, wording: str, restated: str) -> None:
    assert next(restate(wording, images)) == restated


def test_the_wordings_of_this_test_are_new() -> None:
    known = {pair.wording.lower() for pair in shipped_rewordings()}
    for wording in (UNSURE, *(wording for images, wording, _ in WORDINGS if not images)):
        assert wording not in known
        with pytest.raises(InputError):
            interpret(wording)


@pytest.mark.parametrize(
    "text",
    ["a lighthouse in the fog", "write my homework essay about whales", "a portrait of my uncle", "x" * 5000, ""],
)
def test_what_the_micro_world_cannot_draw_is_not_restated(text: str) -> None:
    assert list(restate(text, 0)) == []


def test_a_request_in_new_words_is_planned_and_its_plan_is_checked_against_what_was_understood(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    request = asked(WORDINGS[0][1])
    check_request(request)

    async def plan_and_check() -> None:
        plan = await ScriptedPlanner(store, "trained", restates=True).plan(request, PlanContext())
        (step,) = plan.steps
        assert step.prompt is not None
        assert step.prompt.count("purple fish") == 3
        assert "beach" in step.prompt
        report = await RequestCheck(store).check_plan(request, plan, PlanContext())
        assert (report.checked, report.faults) == (False, ()), "nothing shows that both mean the same"
        assert report.notes == (
            "Understood as “Three purple fish, at the beach.” If you meant something else, use other words.",
        )
        other = plan.model_copy(update={"steps": (step.model_copy(update={"prompt": "a big red boat, at night"}),)})
        assert (await RequestCheck(store).check_plan(request, other, PlanContext())).faults

    import asyncio

    asyncio.run(plan_and_check())


def test_a_restatement_that_the_model_is_not_sure_of_is_offered_instead_of_being_drawn() -> None:
    assert list(restate(UNSURE, 0)) == []
    with pytest.raises(InputError, match=r"interleavethinker run 'A yellow house, in a forest\.'"):
        check_request(asked(UNSURE))


def test_an_answer_that_the_model_is_less_sure_of_needs_every_content_word() -> None:
    assert next(restate(LONG, 0)) == (
        "1. An orange fish, at the beach. 2. A blue fish appears right of the orange fish. "
        "3. The orange fish goes away."
    )
    assert list(restate(LONG.replace("alone", "alone at night"), 0)) == []  # The model forgets where that is.


@pytest.mark.parametrize(
    ("wording", "restated"),
    [
        ("the fish becomes bigger each time: tiny one first, big one second", "1. A small fish. 2. The fish gets big."),
        ("Paint me a herring swimming left of a trout, one green one pink.", "A green fish left of a pink fish."),
    ],
)
def test_where_the_first_answer_loses_something_another_one_may_have_it(wording: str, restated: str) -> None:
    assert next(restate(wording, 0)) == restated


def test_without_the_local_extra_the_rules_refuse_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restating, "missing_local", lambda: ("torch",))
    assert list(restate(WORDINGS[0][1], 0)) == []
    with pytest.raises(InputError, match="fishies"):
        check_request(asked(WORDINGS[0][1]))


def test_the_program_and_its_document_say_how_a_request_was_understood(tmp_path: Path) -> None:
    program = [sys.executable, "-P", "-m", "interleavethinker.cli", "run", WORDINGS[0][1], "--workspace", str(tmp_path)]
    ran = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    (document,) = tmp_path.glob("runs/*/document.md")
    for text in (ran.stdout + ran.stderr, document.read_text(encoding="utf-8")):
        assert "Understood as “Three purple fish, at the beach" in text
    assert len(list(document.parent.glob("images/*"))) >= 1
