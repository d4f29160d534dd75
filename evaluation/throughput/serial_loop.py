"""The loop that this project is compared with: the planner once, then for each step generate, write the PNG, judge.

One process, one call at a time, no graph, no MCP, no checkpoints. Models answer through transformers' `generate` and
the stock diffusers pipeline. Prompts, answers, seeds and the choice among attempts are the project's own, so that both
give the same documents. Plans are checked as the profile does, which takes rules about a millisecond.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Protocol

from PIL import Image

from interleavethinker.graph.attempts import best_attempt, derive_seed, next_prompt
from interleavethinker.graph.profiles.profile import Profile, Role, import_object
from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.chat.loading import OWN_PREFIX
from interleavethinker.tools.errors import InputError, ModelAnswerError, ProfileError
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext, Planner
from interleavethinker.tools.qwen3vl.batching import Completion, Prompt
from interleavethinker.tools.qwen3vl.chat_model import Qwen3VL
from interleavethinker.tools.qwen3vl.inference import LocalModel, resolve_folder
from interleavethinker.tools.request_checks import CombinedCheck, StructuralCheck
from interleavethinker.tools.types import Attempt, CriticInput, Plan, Request, Sha256

__all__ = ["SerialGenerator", "SerialLoop", "SerialQueue", "SerialQwen3VL", "Shown"]

Shown = tuple[tuple[str | None, Sha256 | None], ...]
"""A document: the prompt and the shown image of each step."""


class SerialGenerator(Protocol):
    """Generates and edits images in this process."""

    def generate(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """Returns one image for each prompt."""
        ...

    def edit(self, images: Sequence[Image.Image], prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """Returns one edited image for each source."""
        ...


class SerialQueue:
    """Completes each prompt at once by transformers' `generate`, in the caller's thread.

    Args:
        model: The weights.
    """

    def __init__(self, model: LocalModel) -> None:
        self._model = model

    def submit(self, prompt: Prompt, max_batch: int) -> "Future[Completion]":  # noqa: ARG002 - one at a time
        """See `PromptQueue.submit`."""
        future: Future[Completion] = Future()
        future.set_result(self._model.generate([prompt])[0])
        return future

    def load(self) -> None:
        """Loads the weights; blocks."""
        self._model.load()

    def close(self) -> None:
        """See `PromptQueue.close`. Nothing is queued."""


class SerialQwen3VL(Qwen3VL):
    """A chat model with weights of its own, one answer at a time."""

    @cached_property
    def batcher(self) -> SerialQueue:
        """Where prompts are completed."""
        return SerialQueue(LocalModel(self.identity))


class SerialLoop:
    """Answers one request after the other.

    Attributes:
        seconds: Seconds spent on `plan`, `generate`, `judge` and `write` so far.
        calls: Images generated so far.

    Args:
        profile: A profile whose planner and critic are models in this process, and whose generator is `micro`.
        folder: For the images.
        generator: Generates them, in batches of one.
        models: Planner and critic in place of the profile's; the generator then need not be the profile's either.

    Raises:
        ProfileError: The profile names other models.
    """

    def __init__(
        self,
        profile: Profile,
        folder: Path,
        generator: SerialGenerator,
        models: tuple[SerialQwen3VL, SerialQwen3VL] | None = None,
    ) -> None:
        if models is None and profile.generator.model != "micro":
            raise ProfileError("The serial loop generates with the model 'micro'; choose a profile that names it.")
        self._store = ImageStore(folder)
        self._limits = profile.limits
        fallback, check = profile.fallback_planner, profile.plan_check
        self._fallback: Planner | None = None
        if fallback is not None and fallback.object is not None:
            self._fallback = import_object(fallback.object)(store=self._store, **fallback.options)
        self._check = CombinedCheck(
            StructuralCheck(), import_object(check)(store=self._store) if ":" in check else StructuralCheck()
        )
        planner, critic = models or (_chat_model(profile.planner), _chat_model(profile.critic))
        prompts = [Path(resolve_folder(role.prompts)) if role.prompts else None for role in profile.roles.values()]
        self._planner = ChatPlanner(planner, self._store, prompts=prompts[0], max_answers=profile.planner.max_answers)
        second = profile.fallback_critic
        self._critic = ChatCritic(
            critic,
            self._store,
            prompts=prompts[1],
            max_answers=profile.critic.max_answers,
            check=None if profile.verdict_check is None else import_object(profile.verdict_check),
            fallback=None
            if second is None or second.object is None
            else import_object(second.object)(store=self._store),
        )
        self._models = (planner, critic)
        self._generator = generator
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.calls = 0

    def load(self) -> None:
        """Loads the models; reads their files, so an event loop calls it in a thread."""
        for model in self._models:
            model.batcher.load()

    async def answer(self, request: Request, seed: int) -> Shown:
        """Answers a request.

        Args:
            request: The request; its images are in the folder.
            seed: The trajectory's seed.
        """
        with self._timed("plan"):
            plan = await self._plan(request)
        source = request.images[-1] if request.images else None
        shown: list[tuple[str | None, Sha256 | None]] = []
        for number, step in enumerate(plan.steps):
            image = None if step.prompt is None else await self._image(number, step.prompt, seed, source)
            source = image or source
            shown.append((step.prompt, image))
        return tuple(shown)

    async def _plan(self, request: Request) -> Plan:
        fallback, context = self._fallback, PlanContext()
        try:
            plan = await self._planner.plan(request, context)
        except (InputError, ModelAnswerError):
            if fallback is None:
                raise
            return await fallback.plan(request, context)
        if fallback is not None and (await self._check.check_plan(request, plan, context)).faults:
            plan = await fallback.plan(request, context)
        return plan

    async def _image(self, step: int, wanted: str, seed: int, source: Sha256 | None) -> Sha256 | None:
        attempts: list[Attempt] = []
        for iteration in range(self._limits.max_attempts):
            prompt, image_seed = next_prompt(wanted, attempts), derive_seed(seed, step, iteration)
            with self._timed("generate"):
                image = self._generate(prompt, image_seed, source)
            with self._timed("write"):
                name = self._store.put(encode_png(image))
            with self._timed("judge"):
                case = CriticInput(source=source, image=name, original_prompt=wanted, prompt=prompt)
                (verdict,) = await self._critic.judge([case])
            attempts.append(
                Attempt(
                    plan_version=1, step=step, iteration=iteration, prompt=prompt, seed=image_seed, source=source,
                    image=name, verdict=verdict,
                )
            )  # fmt: skip
            if verdict.success is not False:
                break
        best = best_attempt(attempts)
        return None if best is None else best.image

    def _generate(self, prompt: str, seed: int, source: Sha256 | None) -> Image.Image:
        self.calls += 1
        if source is None:
            return self._generator.generate([prompt], [seed])[0]
        return self._generator.edit([open_rgb(self._store.get(source))], [prompt], [seed])[0]

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - started


def _chat_model(role: Role) -> SerialQwen3VL:
    if role.model is None or not role.model.startswith(OWN_PREFIX):
        raise ProfileError(f"The serial loop needs models in this process ({OWN_PREFIX}…); found {role.model!r}.")
    return SerialQwen3VL.model_validate({**role.options, "model": role.model.removeprefix(OWN_PREFIX)})
