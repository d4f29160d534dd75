"""MicroBench's experiments on a critic that does not repeat itself: by name only, and apart from earlier results."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from interleavethinker.evaluation.microbench import agents
from interleavethinker.evaluation.microbench.config import ExperimentConfig
from interleavethinker.evaluation.microbench.dataset import held_out_items
from interleavethinker.evaluation.microbench.experiments import (
    EXPERIMENTS,
    NO_REPEATS,
    SkippedExperiment,
    configs_of,
    named_experiments,
)
from interleavethinker.tools.chat.answers import write_verdict
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import Rephrasing
from interleavethinker.tools.types import CriticInput, Verdict

from .test_benchmark import InProcessGenerator


class Sampled(BaseChatModel):
    temperature: float = 0.0
    seed: int | None = None
    _seeds: list[int | None] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "sampled"

    @property
    def seeds(self) -> list[int | None]:
        return self._seeds

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:  # noqa: ARG002
        self._seeds.append(self.seed)
        answer = write_verdict(Verdict(success=False, refined_prompt=f"words {len(self._seeds)}", reasoning="no"))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=answer))])


def test_they_run_by_name_only_and_share_results_at_five_attempts() -> None:
    assert named_experiments([]) == list(EXPERIMENTS)
    names = [one.name for one in NO_REPEATS]
    assert [one.name for one in named_experiments([*names, "T_max = 5"])] == ["T_max = 5", *names]
    configs: list[ExperimentConfig] = []
    for one in NO_REPEATS:
        found = configs_of(one)
        assert not isinstance(found, SkippedExperiment)
        configs += found
    assert [(config.max_attempts, config.rephrasings) for config in configs] == [(3, 8), (5, 8), (5, 8)]
    assert configs[1] == configs[2]


def test_results_of_critics_that_may_repeat_themselves_keep_their_names() -> None:
    plain = ExperimentConfig("whole request", "none", 1)
    assert plain.key(0) == ExperimentConfig("whole request", "none", 1, rephrasings=0).key(0)
    assert plain.key(0) == "whole-request-none-1-" + plain.key(0)[-12:]
    assert plain.key(0) != ExperimentConfig("whole request", "none", 1, rephrasings=8).key(0)


async def test_new_words_are_sampled_once_for_each_question_and_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    model, store = Sampled(), ImageStore(tmp_path / "images")
    monkeypatch.setattr(agents, "_chat_model", lambda *_: model)
    image = store.put(encode_png(Image.new("RGB", (32, 32), "blue")))
    case = CriticInput(source=None, image=image, original_prompt="a", prompt="b")
    (item,) = held_out_items(1, 0, store)
    rejected = Verdict(success=False, refined_prompt="b")

    def critic(rephrasings: int) -> object:
        factory = agents.AgentFactory(store, InProcessGenerator(store), tmp_path / "answers", 0)
        return factory.components(ExperimentConfig("oracle", "grpo", rephrasings=rephrasings), item).critic

    found = []
    for _ in range(2):  # The second factory is that of a run that was resumed.
        again = critic(8)
        assert isinstance(again, Rephrasing)
        found += [await again.rephrase(case, rejected, ["a", "b"], seed) for seed in (5, 5, 6)]
    assert [one.refined_prompt for one in found] == ["words 1", "words 1", "words 2"] * 2
    assert model.seeds == [6, 7], "the given seed and the number of the question"
    assert not isinstance(critic(0), Rephrasing)
