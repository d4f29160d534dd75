"""Lower-case prompt sets: training and serving read the same text, however a user capitalizes it."""

from pathlib import Path

import pytest

from interleavethinker.tools.chat.rendering import Prompts, load_prompts, render_case, render_request
from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.types import CriticInput, Plan, Request, Step, TextPart

IMAGE = "1" * 64


@pytest.fixture(scope="module")
def lower(tmp_path_factory: pytest.TempPathFactory) -> Prompts:
    folder = tmp_path_factory.mktemp("prompts")
    (folder / "critic.md").write_text("Wanted: {{original_prompt}}\nAsked: {{prompt}}")
    (folder / "settings.toml").write_text("lowercase = true")
    return load_prompts(folder)


@pytest.mark.parametrize(
    "written", ["A small White Cat", "A SMALL WHITE CAT", " a  small\nwhite cat ", "ａ small ｗｈｉｔｅ cat"]
)
def test_a_lower_case_planner_reads_the_same_text_however_it_is_written(lower: Prompts, written: str) -> None:
    turns = render_request(Request(parts=(TextPart(text=written),)), prompts=lower)
    assert turns[-1].text == "a small white cat"


def test_a_lower_case_critic_and_a_replanning_planner_read_lower_case_too(lower: Prompts) -> None:
    case = CriticInput(source=None, image=IMAGE, original_prompt="Make the Ball BLUE", prompt="a Blue ball")
    (turn,) = render_case(case, lower)
    assert "make the ball blue" in turn.text
    assert "a blue ball" in turn.text
    plan = Plan(steps=(Step(instruction="x", prompt="A Cat"), Step(instruction="x", prompt="Make it BIG")))
    context = PlanContext(previous=plan, finished=1)
    turns = render_request(Request(parts=(TextPart(text="A Cat"),)), context, lower)
    assert "- a cat" in turns[-1].text
    assert "- make it big" in turns[-1].text


def test_other_models_read_texts_unchanged() -> None:
    turns = render_request(Request(parts=(TextPart(text="A small White  Cat"),)))
    assert turns[-1].text == "A small White  Cat"


@pytest.mark.parametrize("settings", ["lowercase = ", "lowercase = 3", "lowercase = true\nuppercase = true"])
def test_unusable_prompt_settings_are_refused(tmp_path: Path, settings: str) -> None:
    (tmp_path / "critic.md").write_text("Judge.")
    (tmp_path / "settings.toml").write_text(settings)
    with pytest.raises(ProfileError, match=r"settings\.toml"):
        load_prompts(tmp_path)
