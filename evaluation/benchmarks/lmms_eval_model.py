"""This project's agent as a model of lmms-eval, which finds it by an entry point: `--model interleavethinker`.

Its tasks whose models answer with images, such as GEdit, ImgEdit, KRIS and Uni-MMMU, take an answer as JSON with `text`
and `images`. Answers are trajectories in a workspace, so a stopped evaluation resumes. Only lmms-eval uses this
module.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interleavethinker.evaluation.judges.questions import ImageFile
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore

from .agent_answers import answer_items
from .benchmark import BenchmarkAnswer, Item, Piece
from .experiments import open_agent

try:
    from lmms_eval.api.model import lmms
except (
    ImportError
):  # Not installed: whoever reads all modules, such as a documentation tool, can still import this one.
    lmms = object

__all__ = ["InterleaveThinkerModel"]


class InterleaveThinkerModel(lmms):  # type: ignore[misc] # lmms-eval is not installed with this project
    """The agent of a profile.

    Args:
        profile: A shipped profile's name, or the path of a TOML file.
        experiment: A row of the paper's tables; see `experiments`.
        out: The folder of trajectories and images.
        seed: Seed of all trajectories.
        at_once: How many trajectories run concurrently.
        options: Options of lmms-eval that concern other models.
    """

    is_simple = True

    def __init__(
        self,
        profile: str = "micro",
        experiment: str = "full",
        out: str = "runs/lmms-eval",
        seed: int | str = 0,
        at_once: int | str = 4,
        **options: object,  # noqa: ARG002
    ) -> None:
        super().__init__()
        self._profile = str(profile)
        self._experiment = experiment
        self._out = Path(out)
        self._seed = int(seed)
        self._at_once = int(at_once)
        self._inputs = ImageStore(self._out / "inputs")

    def generate_until(self, requests: Sequence[Any]) -> list[str]:
        """Answers requests; each answer is JSON with `text` and `images`, the paths of PNG files."""
        items = [self._item(*request.args) for request in requests]
        answers = asyncio.run(self._answer(list({item.id: item for item in items}.values())))
        return [_as_json(answers[item.id]) for item in items]

    def generate_until_multi_round(self, requests: Sequence[Any]) -> list[str]:  # noqa: ARG002
        """Not supported: an agent's answer is one document."""
        raise InputError("interleavethinker answers tasks of one round only.", code="unsupported")

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:  # noqa: ARG002
        """Not supported: an agent gives no probabilities."""
        raise InputError("interleavethinker answers in words and images, without likelihoods.", code="unsupported")

    def _item(self, text: str, _options: object, visuals: Any, number: object, task: str, split: str) -> Item:
        shown = visuals(self.task_dict[task][split][number])
        images = [self._inputs.put(encode_png(image.convert("RGB"))) for image in shown]
        pieces: tuple[Piece, ...] = (*(ImageFile(self._inputs.path(name)) for name in images), text)
        digest = hashlib.sha256(json.dumps([text, *images]).encode()).hexdigest()[:12]
        return Item(f"{task}/{split}/{number}/{digest}", task, pieces)

    async def _answer(self, items: Sequence[Item]) -> dict[str, BenchmarkAnswer]:
        async with open_agent(self._out / "workspace", self._profile, self._experiment) as agent:
            return await answer_items(
                agent,
                items,
                self._out / "trajectories.jsonl",
                seed=self._seed,
                at_once=self._at_once,
            )


def _as_json(answer: BenchmarkAnswer) -> str:
    images = [str(image.path.absolute()) for image in answer.images]
    return json.dumps({"text": answer.text, "images": images}, ensure_ascii=False)
