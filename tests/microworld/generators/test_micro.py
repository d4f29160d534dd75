"""The shipped generator: it loads, obeys seeds, and a batch gives the images of single calls."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from interleavethinker.microworld.generators import micro
from interleavethinker.microworld.generators.micro import MicroGenerator, shipped_checkpoint
from interleavethinker.microworld.language.templates import EDIT_KINDS, cell_targets_of, edit_task
from interleavethinker.microworld.scenes.scene import Scene, SceneObject, render, to_image
from interleavethinker.microworld.scoring.scorer import score, score_tasks
from interleavethinker.tools.errors import InputError

TEXT, SCENE = "a big red ball on the left, at night", Scene("night").put(3, SceneObject("ball", "red", "big"))


@pytest.fixture(scope="module")
def generator() -> MicroGenerator:
    return MicroGenerator(batch=8)


def difference(first: Image.Image, second: Image.Image) -> int:
    return int(np.abs(np.asarray(first, np.int16) - np.asarray(second, np.int16)).max())


def test_a_generated_image_shows_what_the_text_says(generator: MicroGenerator) -> None:
    scored = score(generator.generate([TEXT], [0])[0], None, cell_targets_of(SCENE), "night")
    assert scored.exact
    assert scored.quality > 5


def test_most_single_edits_of_every_kind_are_exact(generator: MicroGenerator) -> None:
    rng = np.random.default_rng([2**21, 9])
    tasks = [edit_task(rng, kind) for kind in EDIT_KINDS for _ in range(4)]
    sources = [to_image(render(task.source)) for task in tasks if task.source]
    scores = score_tasks(generator.edit(sources, [task.text for task in tasks], range(len(tasks))), tasks)
    assert sum(scored.exact for scored in scores) >= 0.7 * len(tasks)


def test_a_seed_determines_the_image_and_different_seeds_give_different_images(generator: MicroGenerator) -> None:
    first, again, *others = generator.generate([TEXT] * 8, [3, 3, 4, 5, 6, 7, 8, 9])
    assert difference(first, again) <= 1
    assert max(difference(first, other) for other in others) > 50


def test_a_batch_of_edits_gives_each_sample_its_own_source(generator: MicroGenerator) -> None:
    rng = np.random.default_rng(1)
    tasks = [edit_task(rng, "background") for _ in range(5)]
    texts = ["change the background to snow"] * 5
    sources = [to_image(render(task.source)) for task in tasks if task.source]
    together = generator.edit(sources, texts, [1] * 5)
    alone = [generator.edit([source], [text], [1])[0] for source, text in zip(sources, texts, strict=True)]
    assert max(map(difference, together, alone)) <= 2
    assert difference(together[0], together[1]) > 50


def test_the_weaker_variant_is_deterministic_and_differs_from_the_normal_one(generator: MicroGenerator) -> None:
    first, second = (MicroGenerator(weaker=True).generate([TEXT], [0])[0] for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != generator.generate([TEXT], [0])[0].tobytes()


def test_the_shipped_folder_is_small() -> None:
    assert sum(path.stat().st_size for path in shipped_checkpoint().rglob("*") if path.is_file()) <= 12_000_000


def test_texts_without_seeds_are_rejected(generator: MicroGenerator) -> None:
    with pytest.raises(InputError, match="2 texts, 1 seeds"):
        generator.generate([TEXT, TEXT], [0])


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("call_arguments.json", "{"),
        ("call_arguments.json", "[]"),
        ("call_arguments.json", "{}"),
        ("model_index.json", "{}"),
        ("model_index.json", "{"),
        ("transformer/diffusion_pytorch_model.safetensors", "torn"),
        ("text_encoder/model.safetensors", "torn"),
        ("vae/config.json", None),
        ("tokenizer/chat_template.jinja", None),
    ],
)
def test_the_error_for_a_broken_folder_names_it(tmp_path: Path, file: str, content: str | None) -> None:
    folder = shutil.copytree(shipped_checkpoint(), tmp_path / "broken")
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)
    with pytest.raises(
        InputError, match=r"Could not load a Flux2KleinPipeline from .*broken|json is not a JSON object"
    ) as caught:
        MicroGenerator(folder)
    assert caught.value.code == "broken_checkpoint"


def test_the_model_cards_example_runs_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = (shipped_checkpoint() / "README.md").read_text(encoding="utf-8")
    code = card.split("```python\n")[1].split("```")[0]
    (tmp_path / "microworld").symlink_to(shipped_checkpoint().parent.parent)
    monkeypatch.chdir(tmp_path)
    made: dict[str, Image.Image] = {}
    exec(compile(code, "README.md", "exec"), made)  # noqa: S102 - our own example
    scored = score(made["edited"], None, cell_targets_of(SCENE.put(3, SceneObject("ball", "green", "big"))), "night")
    assert scored.semantics > 5


def test_only_texts_longer_than_the_prompt_are_truncated_and_nothing_is_logged(
    generator: MicroGenerator, capfd: pytest.CaptureFixture[str]
) -> None:
    assert generator.truncated_tokens(TEXT) == 0
    assert generator.truncated_tokens("ball " * 50) - generator.truncated_tokens("ball " * 49) == 1
    assert generator.truncated_tokens("ball " * 2000) > 1900
    assert "".join(capfd.readouterr()) == ""


def test_a_folder_without_a_pipeline_is_rejected(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(InputError, match="does not contain a pipeline") as caught:
        MicroGenerator(tmp_path_factory.mktemp("empty"))
    assert caught.value.code == "no_checkpoint"


def test_an_interrupted_import_is_not_hidden_by_another_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ImportError, match="diffusers"):
        micro._load(shipped_checkpoint(), 1)  # `MicroGenerator` looks for the library before it.
