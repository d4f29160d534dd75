"""This project's agent as a model of lmms-eval, which finds it by an entry point: `--model interleavethinker`.

Its tasks whose models answer with images, such as GEdit, ImgEdit, KRIS and Uni-MMMU, take an answer as JSON with `text`
and `images`. All but UEval judge the first image alone, while an agent's result is its last one, so they get only that.
ImgEdit stops at an answer without an image, and KRIS leaves it out of the averages; they get a white image instead, so
that a refused request counts as a failure. Answers are trajectories in a workspace, so a stopped evaluation resumes.
Only lmms-eval uses this module.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

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

_ALL_IMAGES = "ueval"
"""How the names of the tasks begin that judge all images."""
_BLANK = (512, 512)
"""Pixels of the image that takes the place of a missing one."""


class InterleaveThinkerModel(lmms):  # type: ignore[misc] # lmms-eval is not installed with this project
    """The agent of a profile.

    Args:
        profile: A shipped profile's name, or the path of a TOML file.
        experiment: A row of the paper's tables; see `experiments`.
        out: The folder of trajectories and images.
        seed: Seed of all trajectories.
        at_once: How many trajectories run concurrently.
        images: `all` or `last`: which images of an answer the task gets; `auto`: all for UEval, otherwise the last.
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
        images: str = "auto",
        **options: object,  # noqa: ARG002
    ) -> None:
        super().__init__()
        if images not in {"auto", "all", "last"}:
            raise InputError(f"images must be auto, all or last; got {images!r}.")
        self._images = images
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
        return [self._as_json(answers[item.id], item.group) for item in items]

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

    def _as_json(self, answer: BenchmarkAnswer, task: str) -> str:
        paths = [image.path.absolute() for image in answer.images]
        every = task.startswith(_ALL_IMAGES) if self._images == "auto" else self._images == "all"
        if not every:
            paths = paths[-1:] or [self._blank()]
        return json.dumps({"text": answer.text, "images": [str(path) for path in paths]}, ensure_ascii=False)

    def _blank(self) -> Path:
        return self._inputs.path(self._inputs.put(encode_png(Image.new("RGB", _BLANK, "white")))).absolute()
