"""Runs every recipe of planner and critic with TRL's real trainers: two steps of a model of a few million parameters.

The 8 B recipes run the same code with a small model of the same class.
"""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.evaluation.judges.micro import MicroJudge
from interleavethinker.tools.chat.answers import read_verdict, write_plan, write_verdict
from interleavethinker.tools.chat.loading import load_chat_model
from interleavethinker.tools.chat.rendering import load_prompts
from interleavethinker.tools.errors import InputError, ModelError
from interleavethinker.tools.file_lock import only_writer
from interleavethinker.tools.types import Verdict
from interleavethinker.training.agents.examples import critic_example
from interleavethinker.training.agents.grpo import CriticRewards, run_grpo
from interleavethinker.training.agents.regeneration import Regenerator
from interleavethinker.training.agents.sft import examples_of, run_sft
from interleavethinker.training.data.critic import choose_rl_rows
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.data.planner import make_planner_rows
from interleavethinker.training.micro.vision_pretraining import run_vision_pretraining
from interleavethinker.training.micro.vlm import PIECES, make_micro_qwen, make_tokenizer
from interleavethinker.training.recipe import (
    GrpoRecipe,
    SftRecipe,
    VisionPretrainingRecipe,
    load_training_recipe,
    prompts_of,
    recipe_path,
)

from ..conftest import Made

pytest.importorskip("trl", reason="needs the train extra")
# The training libraries warn about each other's deprecations, which this project cannot fix.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("short_answers")]

QUICK = [
    "sample_tokens=8", "arguments.max_steps=2", "arguments.logging_steps=1",
    "arguments.save_steps=1", "arguments.bf16=false", "arguments.use_cpu=true",
    "arguments.activation_checkpointing=false",
]  # fmt: skip
FEW = ("captions=2", "comparisons=1", "synthetic_rows=2", "repeats=1")


def pretrain(made: Made, root: Path, *overrides: str) -> Path:
    few = [f"data={made.folder.root}", "steps=2", "batch=4", "images=4", *overrides]
    recipe = load_training_recipe(recipe_path("micro-vision-pretraining"), few)
    assert isinstance(recipe, VisionPretrainingRecipe)
    return run_vision_pretraining(recipe, root)


def sft(name: str, made: Made, *overrides: str) -> SftRecipe:
    few = [
        f"data={made.folder.root}",
        "synthetic_rows=0",
        "text_only=0",
        "comparisons=0",
        "arguments.per_device_train_batch_size=2",
        *QUICK,
        *overrides,
    ]
    recipe = load_training_recipe(recipe_path(name), few)
    assert isinstance(recipe, SftRecipe)
    return recipe


def grpo(name: str, made: Made, model: Path, *overrides: str) -> GrpoRecipe:
    few = [
        f"data={made.folder.root}", f"model={model}", "rows=4", "arguments.per_device_train_batch_size=8",
        "arguments.gradient_accumulation_steps=1", "arguments.num_generations=4", "arguments.use_vllm=false",
        "arguments.max_completion_length=6", *QUICK, *overrides,
    ]  # fmt: skip
    recipe = load_training_recipe(recipe_path(name), few)
    assert isinstance(recipe, GrpoRecipe)
    return recipe


@pytest.fixture(scope="module")
def pretrained(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose vision tower has been trained for two steps."""
    make_planner_rows(made.folder, seed=0)
    return pretrain(made, tmp_path_factory.mktemp("vision"))


@pytest.fixture(scope="module")
def critic(made: Made, pretrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a critic trained for two steps."""
    root = tmp_path_factory.mktemp("critic")
    run_sft(sft("micro-critic-sft", made, *FEW, f"model={pretrained}"), root)
    return root


def metrics(root: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (root / "metrics.jsonl").read_text().splitlines()]


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "model.safetensors"))


def test_a_micro_critic_is_trained_and_answers_through_the_inference_code(critic: Path) -> None:
    losses = [line["loss"] for line in metrics(critic) if "loss" in line]
    assert len(losses) == 2
    size = sum(tensor.numel() for tensor in weights(critic / "model").values())
    assert size < 5_000_000, "in bfloat16 at most 10 MB"
    model = load_chat_model(f"qwen3-vl:{critic / 'model'}", dtype="float32", max_new_tokens=4)
    assert isinstance(model.invoke("Plan pictures.").text, str)


def test_vision_pretraining_changes_only_the_vision_tower_and_resumes_after_a_kill(
    made: Made, pretrained: Path, tmp_path: Path
) -> None:
    import torch

    untrained = weights(pretrained.parent / "start")
    changed = {name for name, tensor in weights(pretrained).items() if not torch.equal(tensor, untrained[name])}
    assert changed
    assert all("visual." in name for name in changed)
    shutil.copytree(pretrained.parent, tmp_path / "again")
    shutil.rmtree(tmp_path / "again" / "model")
    assert weights(pretrain(made, tmp_path / "again")).keys() == untrained.keys()
    with pytest.raises(InputError, match="another recipe"):
        pretrain(made, tmp_path / "again", "steps=3")
    with pytest.raises(InputError, match="interleavethinker data"):
        pretrain(made, tmp_path / "none", f"data={tmp_path}")


def test_a_killed_run_resumes_from_its_last_checkpoint_and_ends_with_the_same_weights(
    critic: Path, pretrained: Path, made: Made
) -> None:
    import torch

    before = weights(critic / "model")
    for name in ("checkpoint-2", "model"):
        shutil.rmtree(critic / name)
    (critic / "checkpoint-2").mkdir()  # a kill while saving leaves a folder without the trainer's state
    run_sft(sft("micro-critic-sft", made, *FEW, f"model={pretrained}"), critic)
    after = weights(critic / "model")
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor)


def test_a_finished_run_that_is_repeated_makes_no_further_step(made: Made, pretrained: Path, tmp_path: Path) -> None:
    import torch

    # A constant rate would change the weights; two steps are less than the epoch, which is repeated five times.
    recipe = sft(
        "micro-critic-sft", made, *FEW[:3], "repeats=5", "arguments.lr_scheduler_type=constant", f"model={pretrained}"
    )
    run_sft(recipe, tmp_path)
    before = weights(tmp_path / "model")
    shutil.rmtree(tmp_path / "model")  # Also after a kill between the last step and the end.
    run_sft(recipe, tmp_path)
    assert {row["step"] for row in metrics(tmp_path)} == {1, 2}
    after = weights(tmp_path / "model")
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor)


def test_answers_have_checklists_if_the_recipe_wants_them(made: Made, pretrained: Path, tmp_path: Path) -> None:
    def answers(*overrides: str) -> list[str]:
        few = ("captions=0", "repeats=1", "synthetic_rows=2", f"model={pretrained}", *overrides)
        found = examples_of(sft("micro-critic-checklist", made, *few))
        return [example["completion"][0]["content"][0]["text"] for example in found]

    plain, lines, objects = answers("checklist=none"), answers(), answers("checklist=objects")
    assert len(plain) == len(lines) == len(objects) > 2
    for old, *new in zip(plain, lines, objects, strict=True):
        assert '"checklist"' not in old
        for text in new:
            verdict = read_verdict(text)
            assert verdict.checklist
            assert verdict.model_copy(update={"checklist": ()}) == read_verdict(old)
    shutil.copytree(made.folder.root, tmp_path / "old")
    rows = DataFolder(tmp_path / "old").critic_sft
    rows.write([row.model_copy(update={"answer": row.answer.model_copy(update={"checklist": ()})}) for row in rows])
    with pytest.raises(InputError, match="have no checklists"):
        examples_of(sft("micro-critic-checklist", made, f"data={tmp_path / 'old'}"))


def test_fewer_rows_are_sampled_from_all_rows(made: Made, pretrained: Path) -> None:
    def learned(*overrides: str) -> list[str]:
        few = ("captions=0", "repeats=1", f"model={pretrained}", *overrides)
        return [json.dumps(example) for example in examples_of(sft("micro-critic-sft", made, *few))]

    prompts = prompts_of(sft("micro-critic-sft", made))
    first = [json.dumps(critic_example(row, made.folder.store, prompts)) for row in made.folder.critic_sft][:6]
    everything, some = learned(), learned("rows=6")
    assert (len(some), set(some) <= set(everything)) == (6, True)
    assert set(some) != set(first), "data sets that differ only in their selection begin with the same rows"
    assert learned("rows=6") == some
    assert learned(f"rows={len(everything) + 1}") == everything


def test_a_run_folder_rejects_another_recipe_and_a_second_process(critic: Path, pretrained: Path, made: Made) -> None:
    with only_writer(critic), pytest.raises(InputError, match="Another process is writing to"):
        run_sft(sft("micro-critic-sft", made, *FEW, f"model={pretrained}"), critic)
    with pytest.raises(InputError, match="another recipe"):
        run_sft(sft("micro-critic-sft", made, "captions=3", "synthetic_rows=0"), critic)


def test_a_micro_planner_is_trained(made: Made, pretrained: Path, tmp_path: Path) -> None:
    run_sft(sft("micro-planner-sft", made, "comparisons=1", "synthetic_rows=2", f"model={pretrained}"), tmp_path)
    assert (tmp_path / "model" / "model.safetensors").is_file()


def test_the_planners_second_half_starts_from_the_first_and_one_agent_learns_both_roles(
    made: Made, critic: Path, tmp_path: Path
) -> None:
    few = ("image_facts=1", "synthetic_rows=4", f"model={critic / 'model'}")
    run_sft(sft("micro-planner-vision", made, *few), tmp_path / "planner")
    recipe = sft("micro-one-agent", made, *few)
    asked = [example["prompt"][0]["content"][0]["text"] for example in examples_of(recipe)]
    assert len({text for text in asked if text}) > 1, "a planner's and a critic's instructions"
    run_sft(recipe, tmp_path / "one")
    assert (tmp_path / "one" / "model" / "model.safetensors").is_file()


def test_the_critics_synthetic_half_needs_no_data_set(made: Made, tmp_path: Path) -> None:
    recipe = sft(
        "micro-critic-synthetic", made, "text_only=4", "comparisons=2", "synthetic_rows=2", f"data={tmp_path / 'none'}"
    )
    assert len(examples_of(recipe)) == 8
    run_sft(recipe, tmp_path / "run")
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize("role", ["planner", "critic"])
def test_the_8b_sft_recipes_run_with_a_small_model_and_keep_its_vision_tower_frozen(
    role: str, made: Made, pretrained: Path, tmp_path: Path
) -> None:
    import torch

    small = ("arguments.per_device_train_batch_size=1", "arguments.gradient_accumulation_steps=2")
    run_sft(sft(f"{role}-sft-8b", made, f"model={pretrained}", *small), tmp_path)
    before, after = weights(pretrained), weights(tmp_path / "model")
    same = {name for name in before if torch.equal(before[name].bfloat16(), after[name].bfloat16())}
    assert {name for name in before if "visual." in name} <= same
    assert same < before.keys()


def test_grpo_trains_an_adapter_from_the_four_rewards(made: Made, critic: Path, tmp_path: Path) -> None:
    run_grpo(grpo("micro-critic-grpo", made, critic / "model"), tmp_path)
    logged = [line for line in metrics(tmp_path) if "reward" in line]
    assert len(logged) == 2
    assert {f"rewards/{name}/mean" for name in ("format", "accuracy", "semantics", "quality")} <= logged[0].keys()
    adapter = tmp_path / "model" / "adapter_model.safetensors"
    assert adapter.stat().st_size < 2_000_000
    finished = adapter.read_bytes()
    run_grpo(grpo("micro-critic-grpo", made, critic / "model"), tmp_path)  # Repeated: all of it is done.
    assert adapter.read_bytes() == finished
    assert [line for line in metrics(tmp_path) if "reward" in line] == logged
    answer = load_chat_model(f"qwen3-vl:{critic / 'model'}", adapter=str(tmp_path / "model"), dtype="float32")
    assert answer is not None


def test_the_8b_grpo_recipe_runs_with_a_small_model(made: Made, critic: Path, tmp_path: Path) -> None:
    small = ("arguments.per_device_train_batch_size=2", "arguments.num_generations=2")
    run_grpo(grpo("critic-grpo-8b", made, critic / "model", "judge=micro", "generator=micro", *small), tmp_path)
    # The generator is the image server of a profile, over MCP.
    assert (tmp_path / "model" / "model.safetensors").is_file()


async def test_good_answers_earn_more_than_wrong_ones_with_the_real_generator_and_judge(made: Made) -> None:
    rows = [row for row in made.folder.scored if not row.success and row.split == "train"]
    row = next(one for one in rows if one.iteration == 0 and one.case.source is not None)
    judge = MicroJudge(made.folder.store)
    rewards = CriticRewards([row], Regenerator(made.generators["shipped"], judge))
    plain = next(r.answer.refined_prompt for r in made.folder.scored if r.id == row.id)
    texts = [
        write_verdict(Verdict(success=False, refined_prompt=plain, reasoning="r")),
        write_verdict(Verdict(success=False, refined_prompt=row.case.prompt, reasoning="r")),
        write_verdict(Verdict(success=True, refined_prompt=row.case.prompt, reasoning="r")),
        "nonsense",
    ]
    columns = [
        await function(completions=[[{"role": "assistant", "content": text}] for text in texts], row=[row.id] * 4)
        for function in rewards.functions
    ]
    assert columns[0] == [1.0, 1.0, 1.0, 0.0]
    assert columns[1] == [1.0, 1.0, 0.0, 0.0]
    assert columns[2][1:] == [0.5, 0.5, 0.0], "the same prompt gives the same image"


async def test_a_noisy_judge_inverts_a_share_of_verdicts_and_always_the_same_ones(made: Made) -> None:
    rows = [row for row in made.folder.scored if row.success]
    right = [write_verdict(Verdict(success=True, refined_prompt=row.case.prompt, reasoning="r")) for row in rows]
    regenerator = Regenerator(made.generators["shipped"], MicroJudge(made.folder.store))

    async def accuracies(noise: float) -> list[float | None]:
        function = CriticRewards(rows, regenerator, noise).functions[1]
        completions = [[{"role": "assistant", "content": text}] for text in right]
        return await function(completions=completions, row=[row.id for row in rows])

    assert set(await accuracies(0.0)) == {1.0}
    assert set(await accuracies(1.0)) == {0.0}
    assert set(some := await accuracies(0.5)) == {0.0, 1.0}
    assert some == await accuracies(0.5)


def test_grpo_rows_have_the_given_share_of_failed_attempts(made: Made) -> None:
    rows = list(made.folder.scored)
    chosen = choose_rl_rows(rows, 0.5, max_rows=6)
    assert [row.success for row in chosen].count(False) == 3
    assert chosen == choose_rl_rows(rows, 0.5, max_rows=6)
    with pytest.raises(InputError, match="failed attempts"):
        choose_rl_rows([row for row in rows if row.success], 0.5)


def test_sft_can_train_on_the_rows_that_grpo_uses(made: Made) -> None:
    rows = list(made.folder.scored)
    made.folder.critic_rl.write(rows)
    recipe, same = (
        sft("micro-critic-sft-continued", made, "repeats=1"),
        load_training_recipe(recipe_path("micro-critic-grpo")),
    )
    assert isinstance(same, GrpoRecipe)
    more = examples_of(recipe)
    asked = {row.case.original_prompt for row in choose_rl_rows(rows, same.failures)}
    said = {part["text"].splitlines()[0][8:] for one in more for part in one["prompt"][0]["content"] if part["text"]}
    assert said == asked


def test_training_renders_the_same_conversations_as_inference(made: Made) -> None:
    recipe = sft("micro-critic-sft", made, "captions=1", "synthetic_rows=0", "repeats=2")
    first, *rest = examples_of(recipe)
    assert first["prompt"][0]["content"][1]["text"] == "Look."
    rows = {row.case.original_prompt for row in made.folder.critic_sft}
    texts = [part["text"] for one in rest for part in one["prompt"][0]["content"] if part["type"] == "text"]
    assert len(rest) == 2 * len(list(made.folder.critic_sft))
    assert all(text.startswith("Wanted: ") and text.splitlines()[0][8:] in rows for text in texts)
    assert prompts_of(recipe) != load_prompts()


def test_fixed_pieces_of_answers_are_single_tokens_and_answers_survive_decoding(made: Made) -> None:
    texts = [write_plan(row.plan) for row in made.folder.prompts if row.plan is not None]
    texts += [write_verdict(row.answer, "none") for row in made.folder.scored]
    tokenizer = make_tokenizer(texts)
    written = "".join(texts)
    for piece in PIECES:
        assert piece in written, "tools.chat.answers no longer writes this piece; update PIECES"
        assert len(tokenizer(piece)["input_ids"]) == 1
    for text in texts:
        assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text
    assert max(len(tokenizer(text)["input_ids"]) for text in texts) < 400


def test_an_untrained_model_depends_only_on_the_seed(made: Made, tmp_path: Path) -> None:
    import torch

    texts = [step.prompt or "" for row in made.folder.prompts for step in (row.plan.steps if row.plan else ())]
    one, other = (make_micro_qwen(texts, tmp_path / name, seed=3) for name in ("a", "b"))
    assert all(torch.equal(tensor, weights(other)[name]) for name, tensor in weights(one).items())


def test_an_argument_that_trl_rejects_is_an_error_of_the_recipe(made: Made, critic: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="SFTConfig"):
        run_sft(sft("micro-critic-sft", made, f"model={critic / 'model'}", "arguments.lerning_rate=1"), tmp_path)
    with pytest.raises(InputError, match=r"arguments\.learning_rate must be a number, not 'abc'"):
        run_sft(sft("micro-critic-sft", made, f"model={critic / 'model'}", "arguments.learning_rate=abc"), tmp_path)
    assert not (tmp_path / "recipe.json").exists(), "a corrected repetition would find the run of another recipe"


def test_a_start_model_that_does_not_exist_is_named(made: Made, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"There is no folder .*runs/nowhere/model"):
        run_sft(sft("micro-critic-sft", made, "model=runs/nowhere/model"), tmp_path)


def test_missing_rows_are_reported_with_the_command_that_makes_them(tmp_path: Path) -> None:
    recipe = load_training_recipe(recipe_path("micro-critic-sft"), [f"data={tmp_path}", "captions=0"])
    assert isinstance(recipe, SftRecipe)
    with pytest.raises(InputError, match="interleavethinker data"):
        examples_of(recipe)


def test_the_trainer_sees_rewards_as_coroutines() -> None:
    assert asyncio.iscoroutinefunction(CriticRewards([], None).functions[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(("argument", "package"), [("use_vllm=true", "vllm"), ("report_to=wandb", "wandb")])
def test_a_package_that_a_recipe_needs_and_is_missing_is_named_before_the_model_is_loaded(
    made: Made, tmp_path: Path, argument: str, package: str
) -> None:
    overrides = [f"data={made.folder.root}", "model=nowhere", f"arguments.{argument}"]
    recipe = load_training_recipe(recipe_path("micro-critic-grpo"), overrides)
    assert isinstance(recipe, GrpoRecipe)
    with pytest.raises(InputError, match=f"needs {package}, which is not installed.*--set arguments"):
        run_grpo(recipe, tmp_path)
