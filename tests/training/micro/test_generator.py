"""The micro generator's training code computes exactly what the stock pipeline computes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, Flux2KleinPipeline

from interleavethinker.microworld.language.templates import EDIT_KINDS, Edit, Task, edit_task, generation_task
from interleavethinker.microworld.scenes.scene import CELLS, Scene, SceneObject, random_scene, render, to_image
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS
from interleavethinker.tools.errors import InputError
from interleavethinker.training.loop import RunFolder
from interleavethinker.training.micro.generator import GeneratorRecipe, load_recipe, run
from interleavethinker.training.micro.text_encoder import (
    LAYERS,
    SEQUENCE,
    embed,
    labels_of,
    make_text_encoder,
    make_tokenizer,
    random_task,
    tokenize,
)
from interleavethinker.training.micro.transformer import TILES, TileTable, allows, make_transformer, sample
from interleavethinker.training.micro.vae import encode, image_batch, make_vae

TEXTS = ["a big red ball in the middle, at night", "make the cat blue", "a picture with an azure orb"]


@pytest.fixture(scope="module")
def pipeline() -> Flux2KleinPipeline:
    """Untrained models of the shipped shapes in the stock pipeline."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    tokenizer = make_tokenizer([random_task(rng).text for _ in range(2000)])
    vae = make_vae()
    vae.bn.running_mean.normal_()
    vae.bn.running_var.uniform_(0.5, 2)
    scheduler = FlowMatchEulerDiscreteScheduler(shift=1.0, use_dynamic_shifting=False)
    made = Flux2KleinPipeline(
        scheduler,
        vae.eval(),
        make_text_encoder(tokenizer).eval(),
        tokenizer,
        make_transformer().eval(),
        is_distilled=True,
    )
    made.set_progress_bar_config(disable=True)
    return made


@torch.no_grad()
def test_training_uses_the_same_prompt_embeddings_as_the_pipeline(pipeline: Flux2KleinPipeline) -> None:
    theirs, _ = pipeline.encode_prompt(TEXTS, max_sequence_length=SEQUENCE, text_encoder_out_layers=LAYERS)
    ours = embed(pipeline.text_encoder, *tokenize(pipeline.tokenizer, TEXTS))
    assert torch.equal(ours, theirs)


@torch.no_grad()
def test_training_uses_the_same_source_latents_as_the_pipeline(pipeline: Flux2KleinPipeline) -> None:
    scene = random_scene(np.random.default_rng(1), 3)
    image = pipeline.image_processor.preprocess(to_image(render(scene)), height=96, width=96)
    theirs = pipeline._encode_vae_image(image, generator=None)
    ours = encode(pipeline.vae, image_batch([scene])[0])
    assert torch.allclose(ours, theirs, atol=0.05)  # the pipeline's image is rounded to 8 bits


@torch.no_grad()
@pytest.mark.parametrize("edit", [False, True])
def test_sampling_in_training_takes_the_same_steps_as_the_pipeline(pipeline: Flux2KleinPipeline, edit: bool) -> None:
    noise = torch.randn(1, 64, 3, 3)
    image = to_image(render(random_scene(np.random.default_rng(2), 3)))
    arguments = {"image": image} if edit else {}
    theirs = pipeline(
        prompt=TEXTS[0],
        height=96,
        width=96,
        num_inference_steps=4,
        latents=noise,
        max_sequence_length=SEQUENCE,
        text_encoder_out_layers=LAYERS,
        output_type="pt",
        **arguments,
    ).images
    source = None
    if edit:
        preprocessed = pipeline.image_processor.preprocess(image, height=96, width=96)
        source = encode(pipeline.vae, preprocessed).flatten(2).transpose(1, 2)
    prompts = embed(pipeline.text_encoder, *tokenize(pipeline.tokenizer, TEXTS[:1]))
    latents = sample(pipeline.transformer, prompts, source, noise.flatten(2).transpose(1, 2))
    latents = latents.transpose(1, 2).unflatten(2, (3, 3))
    std = torch.sqrt(pipeline.vae.bn.running_var + pipeline.vae.config.batch_norm_eps).view(1, -1, 1, 1)
    latents = latents * std + pipeline.vae.bn.running_mean.view(1, -1, 1, 1)
    decoded = pipeline.vae.decode(pipeline._unpatchify_latents(latents)).sample
    assert torch.allclose((decoded / 2 + 0.5).clamp(0, 1), theirs, atol=1e-4)


def test_the_longest_training_text_and_its_registers_fit_into_the_sequence(pipeline: Flux2KleinPipeline) -> None:
    rng = np.random.default_rng(4)
    for _ in range(500):
        ids, mask = tokenize(pipeline.tokenizer, [generation_task(rng, 3).text])
        assert int(mask[0, 0]) == 0, "no padding left: the text may have been truncated"
        assert ids[0, -CELLS:].unique().numel() == CELLS


def test_probes_ask_only_for_what_the_text_says() -> None:
    rng = np.random.default_rng(5)
    for kind in EDIT_KINDS:
        for _ in range(50):
            task = edit_task(rng, kind)
            labels = labels_of(task)
            for attribute, words in (("old_colour", "colour"), ("old_size", "size")):
                if any(labels[attribute]):
                    assert task.edits[0].cell is not None
                    assert task.source is not None
                    old = task.source.cells[task.edits[0].cell]
                    assert getattr(old, words) in task.text.split()
            if not any(f" {word} " in f" {task.text} " for word in ("big", "small", "bigger", "smaller")):
                assert not any(labels["new_size"])


def test_the_tile_table_decodes_its_own_latents() -> None:
    table = TileTable(torch.randn(len(BACKGROUNDS), CELLS, len(TILES), 64), 0.1)
    rng = np.random.default_rng(6)
    scenes = [random_scene(rng, count) for count in range(5)]
    assert table.read(table.scenes(scenes), [scene.background for scene in scenes]) == scenes


def test_a_task_is_solved_by_its_target_and_not_by_its_source() -> None:
    rng = np.random.default_rng(7)
    for kind in EDIT_KINDS:
        task: Task = edit_task(rng, kind)
        assert task.source is not None
        assert allows(task, task.target)
        if kind != "background":  # the background is given, not decoded
            assert not allows(task, task.source)


def tiny_recipe() -> GeneratorRecipe:
    training = {"steps": 2, "learning_rate": 1e-3, "batch": 4}
    return GeneratorRecipe.model_validate(
        {
            "seed": 0,
            "text": training,
            "vae": {**training, "noise": 0.3},
            "tiles": {"rounds": 1},
            "flow": {**training, "edits": 0.5},
            "decoder": {**training, "noise": 0.3},
        }
    )


def test_two_steps_of_every_stage_give_a_folder_that_the_stock_pipeline_loads_and_runs(tmp_path: Path) -> None:
    recipe = tiny_recipe()
    assert run(recipe, tmp_path, ["text", "vae"]) == tmp_path  # not assembled yet
    folder = RunFolder(tmp_path)  # computing the real table takes a minute; this one is noise
    folder.save("settled.pt", {"vae": make_vae().state_dict()})
    folder.save("tiles.pt", {"mean": torch.randn(len(BACKGROUNDS), CELLS, len(TILES), 64), "spread": 0.1})
    made = run(recipe, tmp_path, ["flow", "decoder", "assemble"])
    pipeline = Flux2KleinPipeline.from_pretrained(made)  # every model loads in single precision by default
    pipeline.set_progress_bar_config(disable=True)
    first = pipeline(
        prompt="a red ball",
        height=96,
        width=96,
        num_inference_steps=2,
        max_sequence_length=SEQUENCE,
        text_encoder_out_layers=LAYERS,
    ).images[0]
    assert first.size == (96, 96)
    assert sum(file.stat().st_size for file in made.rglob("*") if file.is_file()) < 12_000_000


def test_a_stage_with_a_missing_input_names_the_stage_to_run_first(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no text\.pt; run stage 'text' first"):
        run(tiny_recipe(), tmp_path, ["flow"])


def test_an_unknown_stage_is_rejected_with_the_list_of_stages(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Unknown stages: vea.* vae, text, tiles"):
        run(tiny_recipe(), tmp_path, ["vea"])


@pytest.mark.parametrize("broken", ["seed = ", "seed = 0\n[text]\nsteps = -1", "sead = 0"])
def test_a_broken_recipe_is_an_input_error(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(broken)
    with pytest.raises(InputError, match=r"broken\.toml is not a valid micro-generator recipe"):
        load_recipe(path)


def test_a_probe_reads_attributes_and_place_from_the_words_around_the_noun() -> None:
    fish = SceneObject("fish", "yellow", "small")
    edit = Edit("recolour", cell=4, new=replace(fish, colour="white"))
    source = Scene(BACKGROUNDS[0], (None,) * 4 + (fish,) + (None,) * 4)
    for text, referred in (
        ("turn the yellow fish in the middle white", [1, 1, 1, 1, 2, 1, 1, 1, 1]),
        ("turn the yellow fish white", [0] * CELLS),
    ):
        labels = labels_of(Task(text, "recolour", source, edit.apply(source), edit.cell_targets(source), (edit,)))
        assert labels["referred"] == referred
        assert labels["old_colour"] == [list(COLOURS).index("yellow") + 1] * CELLS
        assert labels["old_size"] == [0] * CELLS
        assert labels["new_colour"] == [list(COLOURS).index("white") + 1] * CELLS
        assert labels["destination"] == [0] * CELLS
