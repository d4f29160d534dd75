"""Checklists in a critic's answer: how they are read, and how a failed requirement decides the verdict."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel

from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.tools.chat.agents import ChatCritic
from interleavethinker.tools.chat.answers import ChecklistForm, read_verdict, write_verdict
from interleavethinker.tools.chat.checklist import naming_failed, read_checklist
from interleavethinker.tools.chat.rendering import load_prompts
from interleavethinker.tools.errors import ModelAnswerError, ProfileError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import CriticInput, GenerationRequest, Requirement, Verdict

CASE = CriticInput(source=None, image="0" * 64, original_prompt="Add three red balls.", prompt="Add three balls!")
MET = {"kind": "attribute", "requirement": "red balls", "met": "yes"}
FAILED = {"kind": "count", "requirement": "three balls", "met": "no"}
UNSURE = {"kind": "kept", "requirement": "the tree", "met": "unsure"}


def answer_of(success: bool, prompt: object, *checklist: object) -> str:
    content = {"checklist": list(checklist), "previous_step_success": success, "refine_prompt": prompt}
    return f"<think>I looked.</think><answer>{json.dumps(content)}</answer>"


def test_a_checklist_may_be_lines_as_small_models_write_them() -> None:
    lines = [
        "red balls: yes",
        "kept: the tree: No.",
        "count: three balls: unsure",
        "at 9:30: no",
        "at 9:30",
        "no",
        ": no",
    ]
    verdict = read_verdict(answer_of(False, "Draw three balls.", *lines), CASE)
    assert verdict.checklist == (
        Requirement(text="red balls", met=True),
        Requirement(kind="kept", text="the tree", met=False),
        Requirement(kind="count", text="three balls", met=None),
        Requirement(text="at 9:30", met=False),
    )


@pytest.mark.parametrize("form", ["objects", "lines"])
def test_a_written_checklist_is_read_back(form: ChecklistForm) -> None:
    checklist = (
        Requirement(kind="kept", text="kept: a tree", met=False),
        Requirement(text="a ball: red", met=True),
        Requirement(kind="kept", text="the sky", met=None),
    )
    verdict = Verdict(success=False, refined_prompt="Draw a tree.", reasoning="r", checklist=checklist)
    assert read_verdict(write_verdict(verdict, form)) == verdict
    assert read_verdict(write_verdict(verdict, "none")) == verdict.model_copy(update={"checklist": ()})


def test_a_checklist_is_read_item_by_item() -> None:
    verdict = read_verdict(answer_of(False, "Draw three balls.", MET, FAILED, UNSURE), CASE)
    assert verdict.checklist == (
        Requirement(kind="attribute", text="red balls", met=True),
        Requirement(kind="count", text="three balls", met=False),
        Requirement(kind="kept", text="the tree", met=None),
    )
    assert (verdict.success, verdict.refined_prompt) == (False, "Draw three balls.")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, 0),
        ("red balls: yes", 0),
        ({"red balls": "yes"}, 0),
        ([None, 3, "red", [], {}, {"met": "no"}, {"requirement": "", "met": "no"}, {"requirement": 7}], 0),
        ([{"requirement": "a tree"}], 1),
        ([{"text": "a tree", "kind": "mood", "met": 1}], 1),
        ([MET] * 1000, 50),
    ],
)
def test_what_cannot_be_read_is_left_out_and_decides_nothing(given: Any, kept: int) -> None:
    content = {"previous_step_success": True, "refine_prompt": "p", "checklist": given}
    verdict = read_verdict(f"<answer>{json.dumps(content)}</answer>", CASE)
    assert verdict.success
    assert len(verdict.checklist) == kept


@pytest.mark.parametrize(
    ("met", "read"), [("YES ", True), (True, True), ("no", False), (False, False), ("maybe", None), (0, None)]
)
def test_an_answer_to_a_requirement_is_yes_no_or_unsure(met: object, read: bool | None) -> None:
    assert read_checklist([{"requirement": "a tree", "met": met}])[0].met is read  # type: ignore[dict-item]


def test_a_requirement_is_one_short_line() -> None:
    (item,) = read_checklist([{"requirement": "a\n\x1b[31mtree\u202e" + "x" * 1000, "met": "yes"}])
    assert item.text.startswith("a treexxx")
    assert len(item.text) == 300


def test_answers_without_a_checklist_are_read_as_before() -> None:
    old = '<think>why</think><answer>{"previous_step_success": true, "refine_prompt": "p"}</answer>'
    assert read_verdict(old, CASE) == read_verdict(old)
    assert read_verdict(old, CASE).checklist == ()


def test_a_failed_requirement_rejects_an_image_that_the_answer_accepts() -> None:
    verdict = read_verdict(answer_of(True, CASE.prompt, MET, FAILED), CASE)
    assert verdict.success is False
    assert verdict.refined_prompt == "Add three red balls. Make sure of this: three balls."
    assert "its checklist names what is missing" in verdict.reasoning


def test_an_unsure_requirement_rejects_nothing_and_a_met_list_accepts_nothing() -> None:
    assert read_verdict(answer_of(True, "p", MET, UNSURE), CASE).success is True
    assert read_verdict(answer_of(False, "less smeared", MET), CASE).success is False


def test_a_rejection_without_a_new_prompt_names_what_failed_and_nothing_else() -> None:
    for prompt in (None, "", CASE.prompt):
        verdict = read_verdict(answer_of(False, prompt, MET, FAILED, {**UNSURE, "met": "no"}), CASE)
        assert verdict.refined_prompt == (
            "Add three red balls. Make sure of this: three balls; unchanged: the tree."
        ), prompt
    with pytest.raises(ModelAnswerError):
        read_verdict(answer_of(False, None, MET, UNSURE), CASE)


def test_the_prompt_stays_within_the_words_that_the_image_model_reads() -> None:
    failed = [Requirement(text="three balls"), Requirement(text="a very tall tree")]
    assert naming_failed("Add balls.", failed, 8) == "Add balls. Make sure of this: three balls."
    assert naming_failed("Add balls.", failed, 5) == "Add balls."


async def test_a_critic_that_is_asked_for_a_checklist_gives_one(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    case = CASE.model_copy(update={"image": store.put(fake_image(GenerationRequest(prompt="p", seed=1)))})
    asked: list[str] = []

    class Model(FakeListChatModel):
        def _call(self, messages: Any, *arguments: Any, **named: Any) -> str:
            asked.append(str(messages))
            return super()._call(messages, *arguments, **named)

    for checklist in (True, False):
        model = Model(responses=[answer_of(True, "p", MET, FAILED)])
        (verdict,) = await ChatCritic(model, store, checklist=checklist).judge([case])
        assert verdict.checklist[1].met is False
    assert "relation: where things are" in asked[0]
    assert "checklist" not in asked[1], "a trained critic's prompt stays as it was trained"


def test_a_profile_asks_its_critic_for_a_checklist(tmp_path: Path) -> None:
    shipped = (files("interleavethinker.graph") / "profiles" / "api.toml").read_text()
    file = tmp_path / "mine.toml"
    file.write_text(shipped.replace("[critic]", "[critic]\nchecklist = true"))
    assert load_profile(str(file)).critic.checklist
    file.write_text(shipped.replace("[planner]", "[planner]\nchecklist = true"))
    with pytest.raises(ProfileError, match=r"only for a critic.*\[planner\]"):
        load_profile(str(file))


def test_a_prompt_folder_for_a_trained_critic_is_not_asked_for_a_checklist(tmp_path: Path) -> None:
    (tmp_path / "critic.md").write_text("trained")
    with pytest.raises(ProfileError, match="asks for no checklist"):
        load_prompts(tmp_path, checklist=True)
    (tmp_path / "critic_checklist.md").write_text("with a list")
    load_prompts.cache_clear()
    assert load_prompts(tmp_path, checklist=True).critic == "with a list"
    assert load_prompts(tmp_path).critic == "trained"
