"""A prompt that was already tried in a step is not tried again: the critic is asked for another one, reproducibly."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from interleavethinker.graph import Limits, Workspace
from interleavethinker.graph.attempts import derive_seed
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.testing.agents import RuleCritic, plan_of
from interleavethinker.tools.types import CriticInput, Verdict

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
SEED = 3


class Stubborn(RuleCritic):
    """Rejects every image with the same words, and has other words if it is asked for them.

    Args:
        words: The other words, in order; None: the prompt that was tried.
        accepted: Images made from these prompts are accepted.
        fails: How many calls of `rephrase` fail first.
    """

    def __init__(self, *words: str | None, accepted: Sequence[str] = (), fails: int = 0) -> None:
        super().__init__(self._rule)
        self.asked: list[tuple[str, tuple[str, ...], int]] = []
        self._words, self._accepted, self._fails = list(words), accepted, fails

    def _rule(self, case: CriticInput) -> Verdict:
        return Verdict(success=case.prompt in self._accepted, refined_prompt="again", reasoning="by rule")

    async def rephrase(self, case: CriticInput, verdict: Verdict, tried: Sequence[str], seed: int) -> Verdict:
        self.asked.append((case.prompt, tuple(tried), seed))
        if self._fails:
            self._fails -= 1
            raise ModelError("The chat model failed: it is gone.")
        word = self._words.pop(0)
        return verdict.model_copy(update={"refined_prompt": word or verdict.refined_prompt, "rephrasings": 1})


def prompts(result: Trajectory) -> list[str]:
    return [attempt.prompt for attempt in result.attempts]


async def test_only_a_repeated_prompt_is_replaced_and_the_record_says_how_often_the_critic_was_asked(
    opened: Opened,
) -> None:
    critic = Stubborn("other words", None)
    async with opened(plan_of("a ball"), critic) as ws:
        result = await ws.run(await ws.create("x", seed=SEED, limits=Limits(max_attempts=4)))
        identifier = result.id
    assert prompts(result) == ["a ball", "again", "other words", "again"]
    # The first attempt's new prompt was not tried, and no attempt follows the last one.
    assert critic.asked == [
        ("again", ("a ball", "again"), derive_seed(SEED, 0, 1)),
        ("other words", ("a ball", "again", "other words"), derive_seed(SEED, 0, 2)),
    ]
    assert [None if one.verdict is None else one.verdict.rephrasings for one in result.attempts] == [0, 1, 1, 0]
    async with opened(plan_of("a ball"), Stubborn()) as ws:
        assert await ws.get(identifier) == result


async def test_a_step_that_is_accepted_asks_for_nothing(opened: Opened) -> None:
    critic = Stubborn(accepted=["again", "a hat"])
    async with opened(plan_of("a ball", "a hat"), critic) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_attempts=3)))
    assert (prompts(result), critic.asked) == (["a ball", "again", "a hat"], [])


async def test_each_step_has_its_own_tried_prompts(opened: Opened) -> None:
    critic = Stubborn("first", "second", "third")
    async with opened(plan_of("a ball", "again"), critic) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_attempts=3, max_replans=0)))
    assert prompts(result) == ["a ball", "again", "first", "again", "second", "third"]
    assert [tried for _, tried, _ in critic.asked] == [("a ball", "again"), ("again",), ("again", "second")]


async def test_a_trajectory_that_failed_while_asking_resumes_with_the_same_seed_and_words(opened: Opened) -> None:
    critic = Stubborn("other words", fails=1)
    async with opened(plan_of("a ball"), critic) as ws:
        trajectory = await ws.create("x", seed=SEED, limits=Limits(max_attempts=3))
        failed = await ws.run(trajectory)
        result = await ws.run(trajectory)
    assert failed.status == "failed"
    assert "it is gone" in failed.reason
    assert prompts(result) == ["a ball", "again", "other words"]
    assert len(critic.asked) == 2
    assert critic.asked[0] == critic.asked[1]


async def test_of_several_variants_only_the_one_that_is_refined_gets_other_words(opened: Opened) -> None:
    critic = Stubborn("other words")
    async with opened(plan_of("again"), critic) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(variants=3, max_attempts=2)))
    assert prompts(result) == ["again", "again", "again", "other words"]
    assert len(critic.asked) == 1
    assert critic.asked[0][1] == ("again", "again", "again")


async def test_a_critic_without_other_words_repeats_itself_as_before(opened: Opened) -> None:
    critic = RuleCritic(lambda _: Verdict(success=False, refined_prompt="again"))
    async with opened(plan_of("a ball"), critic) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_attempts=4)))
    assert prompts(result) == ["a ball", "again", "again", "again"]
