"""Curves and samples of a run, made from its folder; a failed report must not fail the run."""

import errno
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from PIL import Image
from safetensors import SafetensorError

from interleavethinker.evaluation import charts
from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.training.agents import run_report
from interleavethinker.training.agents.run_report import curves_of, plot_curves, report_run, write_samples
from interleavethinker.training.agents.trainer import train_and_save
from interleavethinker.training.data.planner import make_planner_rows
from interleavethinker.training.recipe import load_training_recipe, recipe_path, save_recipe

from ..conftest import Made

needs_matplotlib = pytest.mark.skipif(not charts.charts_available(), reason="needs the train extra")


def logged(root: Path, *lines: dict[str, float]) -> Path:
    path = root / "metrics.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def run_of(recipe: str, made: Made, root: Path, *overrides: str) -> Path:
    """The folder of a finished run; its model folder is empty, because the chat model is a fake."""
    save_recipe(load_training_recipe(recipe_path(recipe), [f"data={made.folder.root}", *overrides]), root)
    (root / "model").mkdir(parents=True)
    return root


def is_png(path: Path) -> bool:
    with Image.open(path) as image:
        return image.format == "PNG"


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_report, "chat_model", lambda *_, **__: FakeListChatModel(responses=["I see a parrot."]))


def test_a_curve_has_the_last_value_logged_for_each_step(tmp_path: Path) -> None:
    path = logged(
        tmp_path,
        {"step": 1, "loss": 3.0, "kl": 0.1, "epoch": 0.1},
        {"step": 2, "loss": 9.0},
        {"step": 2, "loss": 2.0},
        {"step": 3, "train_runtime": 5.0, "train_loss": 1.0},
    )
    with path.open("a", encoding="utf-8") as file:
        file.write('{"step": 4, "lo')
    assert curves_of(path) == {"loss": ([1, 2], [3.0, 2.0])}
    assert curves_of(tmp_path / "none.jsonl") == {}


def test_finished_weights_are_bfloat16_however_they_were_trained(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    trainer: Any = Trainer()
    weights = load_file(train_and_save(trainer, tmp_path, trainer) / "model.safetensors")
    assert {name: tensor.dtype for name, tensor in weights.items()} == {"weight": torch.bfloat16, "step": torch.int64}
    assert (tmp_path / "model" / "config.json").read_text() == '{"dtype": "bfloat16"}'


def test_a_run_that_saved_no_weights_says_so(tmp_path: Path) -> None:
    trainer: Any = Trainer(saves=False)
    with pytest.raises(InputError, match=r"got no weights.*FULL_STATE_DICT"):
        train_and_save(trainer, tmp_path, trainer)


@needs_matplotlib
def test_curves_are_plotted_to_a_png(tmp_path: Path) -> None:
    logged(tmp_path, *({"step": step, "loss": 1 / step, "reward": step, "kl": 0.0, "entropy": 1.0} for step in (1, 2)))
    plot_curves(tmp_path)
    assert is_png(tmp_path / "curves.png")


def test_without_matplotlib_the_log_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    logged(tmp_path, {"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.5})
    monkeypatch.setattr(run_report, "charts_available", lambda: False)
    plot_curves(tmp_path)
    assert "pip install -c constraints.txt '.[train]'" in caplog.text
    assert not (tmp_path / "curves.png").exists()


@pytest.mark.usefixtures("parrot")
def test_a_critics_samples_show_images_question_teacher_and_model(made: Made, tmp_path: Path) -> None:
    root = run_of("micro-critic-sft", made, tmp_path)
    write_samples(root)
    text = (root / "samples.md").read_text(encoding="utf-8")
    for words in ("Wanted:", "previous_step_success", "I see a parrot.", "![image](samples/1-1.png)"):
        assert words in text
    assert is_png(root / "samples" / "1-1.png")
    if charts.charts_available():
        assert is_png(root / "samples.png")


@pytest.mark.usefixtures("parrot")
def test_a_planners_samples_are_held_out_requests_with_their_plans(made: Made, tmp_path: Path) -> None:
    make_planner_rows(made.folder, seed=0)
    write_samples(run_of("micro-planner-sft", made, tmp_path))
    text = (tmp_path / "samples.md").read_text(encoding="utf-8")
    assert "execution_plan" in text
    assert "train-" not in text


@pytest.mark.usefixtures("parrot")
def test_an_adapter_is_sampled_only_with_a_small_local_model(made: Made, tmp_path: Path) -> None:
    root = run_of("micro-critic-grpo", made, tmp_path, "model=somebody/large")
    (root / "model" / "adapter_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="belongs to somebody/large"):
        write_samples(root)


def test_a_run_that_cannot_be_sampled_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    report_run(tmp_path)
    assert "recipe.json" in caplog.text


class Trainer:
    """Trains nothing."""

    def __init__(self, *, main: bool = True, saves: bool = True) -> None:
        self.main = main
        self.saves = saves
        self.args = SimpleNamespace(bf16=True)
        self.resumed: str | None = None

    def train(self, resume_from_checkpoint: str | None) -> None:
        self.resumed = resume_from_checkpoint

    def save_model(self, folder: str) -> None:
        from safetensors.torch import save_file

        Path(folder).mkdir()
        if self.saves:
            save_file(
                {"weight": torch.ones(2), "step": torch.ones(1, dtype=torch.int64)}, f"{folder}/model.safetensors"
            )
            (Path(folder) / "config.json").write_text('{"dtype": "float32"}')

    def save_pretrained(self, folder: Path) -> None:
        assert folder.is_dir()

    def is_world_process_zero(self) -> bool:
        return self.main


def test_a_finished_run_keeps_its_model_if_its_report_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trainer: Any = Trainer()
    assert train_and_save(trainer, tmp_path, trainer) == tmp_path / "model"
    assert "Wrote no samples of this run" in caplog.text


@needs_matplotlib
def test_the_main_process_alone_plots_curves_when_a_run_resumes(tmp_path: Path) -> None:
    logged(tmp_path, {"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.5})
    (tmp_path / "checkpoint-2").mkdir()
    (tmp_path / "checkpoint-2" / "trainer_state.json").write_text(
        json.dumps({"global_step": 2, "max_steps": 4, "epoch": 0.5}), encoding="utf-8"
    )

    class Killed(Trainer):
        def train(self, resume_from_checkpoint: str | None) -> None:
            assert (tmp_path / "curves.png").exists() is self.main
            raise KeyboardInterrupt(resume_from_checkpoint)

    for main in (False, True):
        trainer: Any = Killed(main=main)
        with pytest.raises(KeyboardInterrupt, match="checkpoint-2"):
            train_and_save(trainer, tmp_path, trainer)


def checkpoint(root: Path, step: int) -> Path:
    from safetensors.torch import save_file

    folder = root / f"checkpoint-{step}"
    folder.mkdir()
    save_file({"weight": torch.ones(9)}, folder / "model.safetensors")
    torch.save({"step": step}, folder / "optimizer.pt")
    state = {"global_step": step, "max_steps": 9, "epoch": 0.5}
    (folder / "trainer_state.json").write_text(json.dumps(state), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "trainer_state.json"])
def test_a_run_resumes_from_the_newest_checkpoint_that_is_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    older, newer = (checkpoint(tmp_path, step) for step in (7, 10))
    trainer: Any = Trainer()
    train_and_save(trainer, tmp_path, trainer)
    assert trainer.resumed == str(newer)
    for folder in (newer, older):
        (folder / name).write_bytes((folder / name).read_bytes()[:-20])
        if folder is newer:
            shutil.rmtree(tmp_path / "model")
            train_and_save(trainer, tmp_path, trainer)
            assert trainer.resumed == str(older)
            assert f"checkpoint-10 is damaged and left out: {name}" in caplog.text
    with pytest.raises(InputError, match=f"No checkpoint in .* is whole: {name}"):
        train_and_save(trainer, tmp_path, trainer)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_disk_that_fills_while_a_checkpoint_is_written_is_named(tmp_path: Path, error: Exception) -> None:
    class Full(Trainer):
        def train(self, resume_from_checkpoint: str | None) -> None:  # noqa: ARG002 - as the trainer calls it
            raise error

    trainer: Any = Full()
    with pytest.raises(StoreError, match="disk is full") as named:
        train_and_save(trainer, tmp_path, trainer)
    assert named.value.code == "disk_full"


def test_an_error_of_the_training_itself_stays_what_it_is(tmp_path: Path) -> None:
    class Broken(Trainer):
        def train(self, resume_from_checkpoint: str | None) -> None:  # noqa: ARG002 - as the trainer calls it
            raise RuntimeError("the loss is NaN")

    trainer: Any = Broken()
    with pytest.raises(RuntimeError, match="NaN"):
        train_and_save(trainer, tmp_path, trainer)
