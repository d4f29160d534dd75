"""The micro world's check of plans and documents finds what contradicts the request, and nothing in right ones."""

import json
from pathlib import Path
from typing import Literal

import pytest

from interleavethinker.graph import Components, Workspace
from interleavethinker.graph.export.export import export
from interleavethinker.microworld.agents.request_check import RequestCheck
from interleavethinker.microworld.agents.scripted_planner import ScriptedPlanner
from interleavethinker.microworld.generators.oracle import OracleGenerator
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.scenes.scene import Scene, render, to_image
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.testing.agents import RuleCritic
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import Attempt, CheckReport, ImagePart, Plan, Request, Step, TextPart, Verdict

STORY = "A small white cat on the left, at night. Then add a big red ball on the right. Then make the ball blue."
RIGHT = ("a small white cat on the left, at night", "add a big red ball on the right", "make the ball blue")


def plan_of(*prompts: str, **captions: str) -> Plan:
    """Returns a plan; `step2="…"` is the caption of the second step."""
    return Plan(
        steps=tuple(
            Step(prompt=prompt, auxiliary_text=captions.get(f"step{number}"))
            for number, prompt in enumerate(prompts, 1)
        )
    )


def scene(text: str) -> Scene:
    return parse(text).target


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path)


def request(store: ImageStore, text: str, *scenes: str) -> Request:
    names = [store.put(encode_png(to_image(render(scene(one))))) for one in scenes]
    return Request(parts=(*(ImagePart(sha256=name) for name in names), TextPart(text=text)))


async def report_on(store: ImageStore, asked: Request, plan: Plan) -> CheckReport:
    return await RequestCheck(store).check_plan(asked, plan, PlanContext())


@pytest.mark.parametrize(
    ("prompts", "fault"),
    [
        (RIGHT, None),
        (RIGHT[:2], "The plan ends too early"),
        ((*RIGHT, "remove the cat"), "was not asked for"),
        ((RIGHT[0], "add a big red ball at the top", RIGHT[2]), "ball"),
        ((RIGHT[0].replace("white", "purple"), *RIGHT[1:]), "purple cat"),
        ((RIGHT[0].replace("at night", "in a meadow"), *RIGHT[1:]), "night"),
    ],
)
async def test_a_plan_is_carried_out_by_rules_and_compared_with_the_request(
    store: ImageStore, prompts: tuple[str, ...], fault: str | None
) -> None:
    report = await report_on(store, request(store, STORY), plan_of(*prompts))
    assert report.checked
    if fault is None:
        assert report.faults == ()
    else:
        assert any(fault in one for one in report.faults), report.faults


async def test_the_faults_are_sentences(store: ImageStore) -> None:
    report = await report_on(store, request(store, STORY), plan_of("a red car"))
    assert report.faults
    assert all(fault[0].isupper() and fault.endswith(".") for fault in report.faults)


@pytest.mark.parametrize(
    ("caption", "wrong"),
    [
        ("Now a blue ball is on the right.", False),
        ("The red ball has become blue.", False),
        ("A small white cat and a big blue ball, at night.", False),
        ("It looks at the kitten.", False),
        ("Now a blue ball is on the left.", True),
        ("Now a green ball is on the right.", True),
        ("The cat sees a fish.", True),
        ("In the snow, the ball is blue.", True),
    ],
)
async def test_a_caption_may_not_name_what_its_image_is_not_to_show(
    store: ImageStore, caption: str, wrong: bool
) -> None:
    report = await report_on(store, request(store, STORY), plan_of(*RIGHT, step3=caption))
    assert bool(report.faults) == wrong, report.faults
    assert all("3" in fault for fault in report.faults)


async def test_the_rule_planner_passes_the_check_with_its_captions(store: ImageStore) -> None:
    asked = request(store, STORY)
    plan = await ScriptedPlanner(store).plan(asked, PlanContext())
    assert await report_on(store, asked, plan) == CheckReport(checked=True)


async def test_a_request_that_the_rules_do_not_understand_is_a_fault_of_every_plan(store: ImageStore) -> None:
    asked, plan = request(store, "Paint what dreams are made of."), plan_of("a red ball")
    for report in (
        await report_on(store, asked, plan),
        await RequestCheck(store).check_document(asked, plan, carried_out(store, plan)),
    ):
        assert any("paint what dreams are made of" in fault for fault in report.faults), report.faults


def carried_out(store: ImageStore, plan: Plan, spoiled: dict[int, str] | None = None) -> list[Attempt | None]:
    """Returns the attempts of a plan whose images are right, apart from those made from the `spoiled` prompts."""
    shown: list[Attempt | None] = []
    source: str | None = None
    for step, planned in enumerate(plan.steps):
        prompt = (spoiled or {}).get(step, planned.prompt or "")
        generator = OracleGenerator()
        if source is None:
            (image,) = generator.generate([prompt], [step])
        else:
            (image,) = generator.edit([open_rgb(store.get(source))], [prompt], [step])
        name = store.put(encode_png(image))
        shown.append(
            Attempt(plan_version=1, step=step, iteration=0, prompt=prompt, seed=step, source=source, image=name)
        )
        source = name
    return shown


async def test_a_document_whose_images_are_right_is_checked_without_faults(store: ImageStore) -> None:
    plan = plan_of(*RIGHT)
    report = await RequestCheck(store).check_document(request(store, STORY), plan, carried_out(store, plan))
    assert report == CheckReport(checked=True)


async def test_an_image_that_misses_its_step_is_a_fault_of_the_document(store: ImageStore) -> None:
    plan = plan_of(*RIGHT)
    shown = carried_out(store, plan, {2: "make the ball green"})
    report = await RequestCheck(store).check_document(request(store, STORY), plan, shown)
    assert report.checked
    assert any("image of step 3" in fault and "green" in fault and "blue" in fault for fault in report.faults)
    assert any("last image" in fault for fault in report.faults)


async def test_the_last_image_is_compared_with_the_end_of_the_request(store: ImageStore) -> None:
    plan = plan_of(*RIGHT)
    shown = carried_out(store, plan, {0: "a small blue boat on the left, at night"})
    report = await RequestCheck(store).check_document(request(store, STORY), plan, shown)
    (last,) = [fault for fault in report.faults if "last image" in fault]
    assert "white cat" in last
    assert "boat" in last
    assert "ball" not in last, "the ball is as it should be in the end"
    hidden = carried_out(store, plan)
    hidden[0] = hidden[1]
    report = await RequestCheck(store).check_document(request(store, STORY), plan, hidden)
    assert report.faults == ("Of the 3 images that the request asks for, number 1 is missing.",)


async def test_a_document_that_follows_a_wrong_plan_is_compared_with_the_request(store: ImageStore) -> None:
    plan = plan_of(*RIGHT[:2])
    report = await RequestCheck(store).check_document(request(store, STORY), plan, carried_out(store, plan))
    assert any("last image is not what the request asks for" in fault for fault in report.faults)


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [("The ball is blue instead of red.", False), ("Make the red ball blue.", True), ("The ball is green.", True)],
)
async def test_an_answer_to_a_question_must_be_right_and_an_answer(store: ImageStore, answer: str, wrong: bool) -> None:
    asked = request(store, "What is different?", "a big red ball on the left", "a big blue ball on the left")
    report = await report_on(store, asked, Plan(steps=(Step(auxiliary_text=answer),)))
    assert report.checked
    assert bool(report.faults) == wrong, report.faults


async def test_the_words_and_verdicts_of_a_person_are_not_measured_by_the_request(store: ImageStore) -> None:
    plan = plan_of(*RIGHT[:2], "make the ball yellow").model_copy(update={"made_by": "person"})
    shown = carried_out(store, plan)
    checker = RequestCheck(store)
    assert await checker.check_document(request(store, STORY), plan, shown) == CheckReport(checked=False)
    (*_, last) = carried_out(store, plan, {2: "make the ball green"})
    assert last is not None
    kept = last.model_copy(update={"verdict": Verdict(success=True, by_hand=True)})
    report = await checker.check_document(request(store, STORY), plan, [*shown[:2], kept])
    assert report == CheckReport(checked=False)


async def test_a_request_that_does_not_fit_its_image_is_a_fault_of_every_plan(store: ImageStore) -> None:
    asked = request(store, "Delete the car.", "a big red ball on the left")
    report = await report_on(store, asked, plan_of("delete the car"))
    assert any("does not contain the car" in fault for fault in report.faults)


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("My cat loves boats; draw a house.", "'My cat loves boats'"),
        ("A girl on the left. The girl ponders. Then a red ball appears.", "'ponders'"),
    ],
)
async def test_the_words_that_are_left_out_are_named_in_the_document(tmp_path: Path, text: str, left_out: str) -> None:
    images = ImageStore(tmp_path / "images")
    components = Components(
        ScriptedPlanner(images), RuleCritic(), MemoryGenerator(images), plan_check=RequestCheck(images)
    )
    async with Workspace.open(tmp_path, components) as ws:
        result = await ws.run(await ws.create(text))
        export(result, ws.store, tmp_path / "out")
    note = f"Left out, because images of the micro world cannot show it: {left_out}."
    assert result.document.notes == (note,)
    assert note in (tmp_path / "out" / "document.md").read_text(encoding="utf-8").replace("\\", "")
    assert note in json.loads((tmp_path / "out" / "trajectory.json").read_text(encoding="utf-8"))["document"]["notes"]


TWO_BALLS = "a big red ball at the top and a big red ball in the middle, in a meadow"
LONG = "Explain to my son how to draw a boat at the beach with two birds, one thing at a time"


@pytest.mark.parametrize(
    ("text", "images", "made_by", "doubted"),
    [
        ("remove every ball except the one at the top", [TWO_BALLS], "planner", True),
        ("remove the ball at the top", [TWO_BALLS], "planner", False),
        (LONG, [], "fallback_planner", True),
        (LONG, [], "planner", False),
    ],
    ids=["two readings", "one reading", "long, read by the rules alone", "long, and the planner agrees"],
)
async def test_a_document_whose_request_can_be_read_in_another_way_says_so(
    store: ImageStore,
    text: str,
    images: list[str],
    made_by: Literal["planner", "fallback_planner"],
    doubted: bool,
) -> None:
    asked = request(store, text, *images)
    plan = (await ScriptedPlanner(store).plan(asked, PlanContext())).model_copy(update={"made_by": made_by})
    report = await RequestCheck(store).check_document(asked, plan, carried_out(store, plan))
    note = "The request can be read in more than one way. If you meant something else, use other words."
    assert report.notes == ((note,) if doubted else ())


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("Panel 1: girl on the left, cat on the right. Panel 2: they trade places.", (2, 4)),
        ("Count down from 4 to 3 with boats.", (2, 3)),
        ("A red ball. Then it turns blue.", None),
        ("Five stars at night.", None),  # one image, which is built step by step
    ],
)
async def test_more_images_than_the_request_tells_are_noted(
    store: ImageStore, text: str, images: tuple[int, int] | None
) -> None:
    asked = request(store, text)
    plan = await ScriptedPlanner(store, "trained").plan(asked, PlanContext())
    report = await report_on(store, asked, plan)
    assert report.faults == ()
    expected = () if images is None else (f"The request asks for {images[0]} images and gets {images[1]}",)
    assert tuple(note.partition(",")[0] for note in report.notes) == expected


async def test_a_request_of_which_a_word_was_passed_over_is_not_checked_and_the_word_is_named(
    store: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, plan = request(store, STORY), plan_of(*RIGHT)
    read = await report_on(store, asked, plan)
    monkeypatch.setattr("interleavethinker.microworld.agents.request_check.unread_words", lambda *_: ("upper",))
    other = request(store, f"{STORY} ")
    passed_over = await report_on(store, other, plan)
    assert (read.checked, read.faults, read.notes) == (True, (), ())
    assert (passed_over.checked, passed_over.faults) == (False, ())
    assert passed_over.notes == ("What “upper” asks for may be missing. If so, use other words.",)
