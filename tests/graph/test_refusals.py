"""An image that the service refuses is a failed attempt with the service's words, never the end of a trajectory."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from interleavethinker.graph import HumanVerdict, Limits, Workspace
from interleavethinker.graph.events import ImageRefused
from interleavethinker.graph.export.export import export
from interleavethinker.tools.errors import GeneratorError, InputError, RefusalError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
WORDS = "Your request was rejected by our safety system."


class PrudishGenerator(MemoryGenerator):
    """Refuses every prompt that contains the word "blood"."""

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        if "blood" in call.prompt:
            self.calls.append(call)
            raise RefusalError(WORDS)
        return await super().generate(call, progress)


class RewordingCritic(RuleCritic):
    """Accepts every image, and replaces a refused prompt by the words given to it."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.refusals: list[tuple[str, str, str]] = []
        self._words = list(words)

    async def reword(self, prompt: str, original_prompt: str, refusal: str) -> str:
        self.refusals.append((prompt, original_prompt, refusal))
        return self._words.pop(0)


@pytest.fixture
def generator(tmp_path: Path) -> PrudishGenerator:
    return PrudishGenerator(ImageStore(tmp_path / "workspace" / "images"))


async def test_a_refused_prompt_is_reworded_and_the_step_is_accepted(
    opened: Opened, generator: PrudishGenerator
) -> None:
    critic = RewordingCritic("blood, but less", "red paint")
    async with opened(plan_of("a man", "blood"), critic, generator) as ws:
        trajectory = await ws.create("x")
        events = [event async for event in ws.stream(trajectory)]
        result = await ws.get(trajectory)
    assert [attempt.prompt for attempt in result.attempts] == ["a man", "blood", "blood, but less", "red paint"]
    assert critic.refusals == [("blood", "blood", WORDS), ("blood, but less", "blood", WORDS)]
    assert [attempt.refusal for attempt in result.attempts] == ["", WORDS, WORDS, ""]
    assert [event.attempt.refusal for event in events if isinstance(event, ImageRefused)] == [WORDS, WORDS]
    assert result.document.notes == ()
    assert (result.status, result.stop_reason) == ("done", "complete")


@pytest.mark.parametrize("look_ahead", [1, 3])
async def test_a_step_that_is_always_refused_is_a_marked_gap_and_the_next_step_goes_on(
    opened: Opened, generator: PrudishGenerator, tmp_path: Path, look_ahead: int
) -> None:
    async with opened(plan_of("a man", "blood", "a hat"), RuleCritic(), generator) as ws:
        limits = Limits(max_attempts=2, look_ahead=look_ahead)
        result = await ws.run(await ws.create("x", limits=limits))
        page = export(result, ws.store, tmp_path / "out")
    man, first, second, hat = result.attempts
    assert (first.image, second.image) == (None, None)
    assert first.seed != second.seed
    assert hat.source == man.image
    assert result.document.notes == ("1 step has no image: the image service refused the content.",)
    gap = [block for block in result.document.blocks if block.step == 1]
    assert [block.status for block in gap] == ["refused"] * 3
    assert WORDS in gap[1].text
    assert (result.document.complete, result.document.images) == (True, (man.image, hat.image))
    assert "(no image)" in (page.parent / "document.md").read_text().replace("\\", "")
    assert WORDS in page.read_text()


async def test_a_trajectory_whose_first_step_is_refused_generates_the_second_from_its_words(
    opened: Opened, generator: PrudishGenerator
) -> None:
    async with opened(plan_of("blood", "a hat"), RuleCritic(), generator) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_attempts=1)))
    assert [attempt.source for attempt in result.attempts] == [None, None]
    assert result.stop_reason == "complete"


async def test_refused_steps_count_as_failed_so_that_the_planner_words_the_rest_anew(
    opened: Opened, generator: PrudishGenerator
) -> None:
    planner = FixedPlanner(plan_of("blood", "more blood"), plan_of("red paint"))
    async with opened(planner, RuleCritic(), generator) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_attempts=1, replan_after=1)))
    assert planner.calls[1][1].failed_steps == (0,)
    assert [attempt.prompt for attempt in result.attempts] == ["blood", "red paint"]


async def test_a_trajectory_that_an_earlier_version_failed_at_a_refusal_goes_on_when_resumed(
    opened: Opened, generator: PrudishGenerator
) -> None:
    async with opened(plan_of("a"), RuleCritic(), generator) as ws:
        trajectory = await ws.create("x")
        generator.fail_next(InputError("refused", code="refused"))
        assert (await ws.run(trajectory)).status == "failed"
        generator.fail_next(RefusalError(WORDS))
        assert (await ws.run(trajectory)).stop_reason == "complete"


async def test_an_outage_is_not_a_refusal(opened: Opened, generator: PrudishGenerator) -> None:
    async with opened(plan_of("a"), RuleCritic(), generator) as ws:
        trajectory = await ws.create("x")
        generator.fail_next(GeneratorError("The API failed", code="rate_limited"))
        result = await ws.run(trajectory)
    assert (result.status, result.attempts) == ("failed", ())


async def test_a_person_cannot_accept_a_refused_attempt_but_give_other_words(
    opened: Opened, generator: PrudishGenerator
) -> None:
    async with opened(plan_of("blood"), RuleCritic(), generator) as ws:
        trajectory = await ws.create("x", limits=Limits(max_attempts=2))
        async for event in ws.stream(trajectory):
            if isinstance(event, ImageRefused):
                break
        with pytest.raises(InputError, match="no image to accept"):
            await ws.judge(trajectory, HumanVerdict(success=True))
        await ws.judge(trajectory, HumanVerdict(success=False, prompt="red paint"))
        result = await ws.run(trajectory)
    assert [attempt.prompt for attempt in result.attempts] == ["blood", "red paint"]
    assert result.document.blocks[0].status == "accepted"
