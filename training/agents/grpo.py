"""Reinforcement learning of the critic with TRL's `GRPOTrainer`, from accuracy and step-wise rewards.

Each prompt is one attempt at one step. The four reward functions run in one event loop and share the regenerated
images. If an image cannot be generated or judged, all four return None for that answer, and TRL leaves it out of its
group.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from interleavethinker.evaluation.judges.base import Judge, JudgeScores
from interleavethinker.tools.errors import RefusalError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.training.data.critic import choose_rl_rows
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.data.schema import CriticRow
from interleavethinker.training.environment import require_train_extra
from interleavethinker.training.recipe import GrpoRecipe, prompts_of, save_recipe

from .evaluation import answers_callback, evaluation_arguments, held_out_rows
from .lazy_examples import LazyExamples
from .profile_generator import ProfileGenerator
from .regeneration import Regenerator
from .rewards import UNUSABLE, accuracy_reward, format_reward, read_answer, step_rewards
from .trainer import adapter_config, configure, keep_to_rows, load_model, metrics_callback, train_and_save

__all__ = ["CriticRewards", "run_grpo"]

RewardFunction = Callable[..., Awaitable[list[float | None]]]
Scored = tuple[float, float, float, float]
_NAMES = ("format", "accuracy", "semantics", "quality")


class CriticRewards:
    """The four reward functions of critic RL, which look rows up by id.

    Args:
        rows: The rows that answers may refer to.
        regenerator: Generates and judges the images of refined prompts.
        noise: Share of known verdicts, and of scores of regenerated images, that are inverted. Row and prompt alone
            decide which ones, so a noisy judge repeats its error whenever it sees the same image.
    """

    def __init__(self, rows: Sequence[CriticRow], regenerator: Regenerator, noise: float = 0.0) -> None:
        self._rows = {row.id: row for row in rows}
        self._regenerator = regenerator
        self._noise = noise
        self.answers: dict[str, tuple[str, dict[str, float] | None]] = {}
        """The last answer to each row, with its rewards; None if it was masked."""

    @property
    def functions(self) -> list[RewardFunction]:
        """Format, accuracy, semantics and quality, in the order of `RewardWeights`, under the names that TRL logs."""
        return [self._function(name, index) for index, name in enumerate(_NAMES)]

    async def score(self, name: str, text: str) -> Scored | None:
        """Returns all four rewards of an answer to the row `name`, or None if the answer must be masked."""
        rewards = await self._score(name, text)
        self.answers[name] = text, None if rewards is None else dict(zip(_NAMES, rewards, strict=True))
        return rewards

    def counts(self) -> dict[str, float]:
        """Returns how many images this process has regenerated, failed to generate and failed to judge so far, and how
        many prompts the generator has refused.
        """
        return {
            "images_regenerated": self._regenerator.made,
            "generator_failures": self._regenerator.generator_failures,
            "judge_failures": self._regenerator.judge_failures,
            "prompts_refused": self._regenerator.refused,
        }

    async def _score(self, name: str, text: str) -> Scored | None:
        row, verdict = self._rows[name], read_answer(text)
        before = JudgeScores(row.semantics, row.quality)
        after, is_refused = None, False
        if verdict is not None and not verdict.success and not row.success:
            try:
                after = await self._regenerator.scores(row, verdict.refined_prompt)
            except RefusalError:  # The critic's own fault: the agent would have no image.
                is_refused = True
            if after is not None and self._is_inverted(name, verdict.refined_prompt):
                after = JudgeScores(10 - after.semantics, 10 - after.quality)
        steps = (UNUSABLE, UNUSABLE) if is_refused else step_rewards(verdict, row.success, before, after)
        if steps is None:
            return None
        truth = row.success is not self._is_inverted(name)
        return format_reward(text), accuracy_reward(verdict, truth), *steps

    def _is_inverted(self, *key: str) -> bool:
        return random.Random("/".join(key)).random() < self._noise

    def _function(self, name: str, index: int) -> RewardFunction:
        async def reward(
            *,
            completions: Sequence[Any],
            row: Sequence[str],
            log_metric: Callable[[str, float], None] | None = None,
            **_: object,
        ) -> list[float | None]:
            import asyncio

            pairs = zip(row, completions, strict=True)
            scored = await asyncio.gather(*(self.score(row_id, _text(answer)) for row_id, answer in pairs))
            if log_metric is not None and index == 0:  # once for all four
                log_metric("masked_share", sum(rewards is None for rewards in scored) / max(1, len(scored)))
            return [None if rewards is None else rewards[index] for rewards in scored]

        reward.__name__ = name
        return reward


def run_grpo(recipe: GrpoRecipe, root: Path) -> Path:
    """Runs or resumes a GRPO recipe; returns the folder of the finished model or adapter.

    Raises:
        InputError: The recipe, its data or its model is unusable.
    """
    require_train_extra("trl")
    from trl import GRPOConfig, GRPOTrainer

    arguments = configure(
        GRPOConfig,
        recipe,
        root,
        evaluation_arguments(recipe, "eval_reward", greater_is_better=True),
        reward_weights=list(recipe.weights.in_order),
        remove_unused_columns=False,
        shuffle_dataset=False,
        dataloader_num_workers=0,
    )
    save_recipe(recipe, root)  # Only of valid arguments: a corrected repetition must not find another recipe there.
    folder = DataFolder(recipe.data)
    held_out = held_out_rows("critic", folder, recipe.evaluation_rows) if arguments.eval_strategy != "no" else []
    rows = choose_rl_rows(list(folder.critic_rl), recipe.failures, recipe.seed, recipe.rows)
    prompts = prompts_of(recipe)

    def examples(chosen: Sequence[CriticRow]) -> LazyExamples:
        return LazyExamples(LazyExamples.from_rows("critic prompt", chosen), folder.store, prompts)

    training = examples(rows)
    keep_to_rows(training.digest(), root)
    generator = ProfileGenerator(recipe.generator, folder.store, root / "server", recipe.server)
    regenerator = Regenerator(generator, _judge(recipe, folder.store, root), recipe.concurrent_images)
    rewards = CriticRewards([*rows, *held_out], regenerator, recipe.noise)
    model, processor = load_model(recipe.model, recipe)
    processor.tokenizer.padding_side = (
        "left"  # as TRL pads prompts for generation; otherwise image tokens are misplaced
    )
    trainer = GRPOTrainer(
        model=model,
        args=arguments,
        reward_funcs=rewards.functions,
        train_dataset=training.dataset(),
        eval_dataset=examples(held_out).dataset() if held_out else None,
        processing_class=processor,
        callbacks=[
            metrics_callback(root, rewards.counts),
            answers_callback(recipe, root, held_out, lambda: rewards.answers),
        ],
        peft_config=adapter_config(recipe),
    )
    return train_and_save(trainer, root, processor)


def _judge(recipe: GrpoRecipe, store: ImageStore, root: Path) -> Judge:
    if recipe.judge == "micro":
        from interleavethinker.evaluation.judges.micro import MicroJudge

        return MicroJudge(store)
    from interleavethinker.evaluation.judges.cache import JudgeCache
    from interleavethinker.evaluation.judges.vlm import VlmJudge
    from interleavethinker.tools.chat.loading import load_chat_model

    cache = JudgeCache(root / "judge.jsonl")  # A resumed run pays for no judgment twice.
    return VlmJudge(load_chat_model(recipe.judge, **recipe.judge_options), store, cache=cache, name=recipe.judge)


def _text(completion: Any) -> str:
    """Returns the text of an answer; TRL passes plain text, or messages whose content is text or parts."""
    if isinstance(completion, str):
        return completion
    content = completion[-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
