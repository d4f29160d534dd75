"""The judges: the micro world's scorer, and a chat model with usable, unparsable or missing answers."""

import shutil
from pathlib import Path

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

from interleavethinker.evaluation.judges.base import JudgedImage, JudgeScores
from interleavethinker.evaluation.judges.cache import JudgeCache
from interleavethinker.evaluation.judges.micro import MicroJudge
from interleavethinker.evaluation.judges.vlm import VlmJudge
from interleavethinker.microworld.language.templates import Edit
from interleavethinker.microworld.scenes.scene import Scene, SceneObject, render, to_image
from interleavethinker.microworld.scoring.targets import StepTarget, as_json
from interleavethinker.tools.errors import ModelError, StoreError
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore

BEFORE = Scene("night").put(3, SceneObject("ball", "red", "big"))
EDIT = Edit("recolour", cell=3, new=SceneObject("ball", "blue", "big"))
AFTER = EDIT.apply(BEFORE)


class Scripted(BaseChatModel):
    """Answers the semantics prompt from a list, and the quality prompt with constant scores."""

    semantics_answers: list[str]
    calls: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *_: object, **__: object) -> ChatResult:
        self.calls.append(list(messages))
        about_quality = "its own sake" in str(messages[0].content)
        text = '{"scores": [7, 9]}' if about_quality else self.semantics_answers.pop(0)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text))])


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path)


@pytest.fixture
def judged(store: ImageStore) -> JudgedImage:
    source, image = (store.put(encode_png(to_image(render(scene)))) for scene in (BEFORE, AFTER))
    return JudgedImage(image, source, "make the ball blue", as_json(StepTarget(AFTER, BEFORE, EDIT)))


async def test_the_micro_judge_scores_an_image_against_its_target(store: ImageStore, judged: JudgedImage) -> None:
    unchanged = JudgedImage(judged.source or "", judged.source, judged.prompt, judged.reference)
    good, bad = await MicroJudge(store).judge([judged, unchanged])
    assert good == JudgeScores(10, 10)
    assert bad is not None
    assert (bad.semantics, bad.overall) == (0, 0)


async def test_the_lower_of_two_scores_counts_and_the_prompt_is_sent(store: ImageStore, judged: JudgedImage) -> None:
    model = Scripted(semantics_answers=['It is blue. {"scores": [9, 4.5]}'])
    assert await VlmJudge(model, store).judge([judged]) == [JudgeScores(4.5, 7)]
    assert "make the ball blue" in str([messages[0].content for messages in model.calls])


@pytest.mark.parametrize(
    "nonsense",
    [
        "fine!",
        '{"scores": [8]}',
        '{"scores": ["8", "9"]}',
        '{"marks": [8, 9]}',
        '{"scores": [NaN, 9]}',
        '{"scores": [Infinity, 9]}',
    ],
)
async def test_an_unparsable_answer_is_requested_again_and_then_gives_no_scores(
    store: ImageStore, judged: JudgedImage, nonsense: str
) -> None:
    assert await VlmJudge(Scripted(semantics_answers=[nonsense, '{"scores": [8, 8]}']), store).judge([judged]) == [
        JudgeScores(8, 7)
    ]
    assert await VlmJudge(Scripted(semantics_answers=[nonsense] * 2), store, max_answers=2).judge([judged]) == [None]


async def test_a_generated_image_is_judged_without_a_source_and_scores_are_limited_to_10(
    store: ImageStore, judged: JudgedImage
) -> None:
    model = Scripted(semantics_answers=['{"scores": [12, 99]}'])
    assert await VlmJudge(model, store).judge([JudgedImage(judged.image, None, "a blue ball")]) == [JudgeScores(10, 7)]


async def test_a_model_that_cannot_be_reached_raises_an_error(store: ImageStore, judged: JudgedImage) -> None:
    with pytest.raises(ModelError, match="IndexError"):
        await VlmJudge(Scripted(semantics_answers=[]), store).judge([judged])


async def test_no_judge_is_asked_whose_answer_could_not_be_kept(
    store: ImageStore, judged: JudgedImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Scripted(semantics_answers=['{"scores": [8, 8]}'])
    judge = VlmJudge(model, store, cache=JudgeCache(tmp_path / "cache" / "answers.jsonl"))
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 2**20}))
        with pytest.raises(StoreError, match="The judge was not asked") as error:
            await judge.judge([judged])
    assert (error.value.code, model.calls) == ("disk_full", [])
    assert await judge.judge([judged]) == [JudgeScores(8, 7)]
