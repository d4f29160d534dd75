"""The decoding engine generates the tokens that transformers' `generate` does, alone and beside other prompts."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.graph.profiles.profile import Role, load_profile
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.qwen3vl import inference
from interleavethinker.tools.qwen3vl.batching import Completion, Prompt
from interleavethinker.tools.qwen3vl.engine import ContinuousEngine
from interleavethinker.tools.qwen3vl.inference import LocalModel, ModelIdentity
from interleavethinker.tools.qwen3vl.text_decoder import can_decode

from .prompts import VARIED, assert_same, by_generate, picture, prompt

COLORS = ("white", "red", "blue")


def engine_of(model: LocalModel) -> ContinuousEngine:
    engine = model.engine()
    assert isinstance(engine, ContinuousEngine)
    return engine


@pytest.mark.parametrize("one", VARIED, ids=lambda one: one.conversation[0]["content"][-1]["text"][:20])
def test_the_tokens_are_those_of_generate(tiny: LocalModel, one: Prompt) -> None:
    (found,) = engine_of(tiny).complete([one], 1)
    assert_same(found, by_generate(tiny, one))


def test_a_dropped_prompt_leaves_the_others_as_they_are(tiny: LocalModel) -> None:
    engine = engine_of(tiny)
    dropped, kept = engine.start(VARIED[3]), engine.start(VARIED[1])
    engine.step()
    engine.drop(dropped)  # As a scheduler does whose caller has left: between two steps, and not within one.
    completions: list[tuple[object, Completion]] = []
    while not completions:
        completions = engine.step()
    ((key, found),) = completions
    assert key is kept
    assert_same(found, by_generate(tiny, VARIED[1]))


@pytest.mark.parametrize("rows", [2, 3, 7, 16])
def test_prompts_of_any_settings_run_side_by_side_and_get_what_they_get_alone(tiny: LocalModel, rows: int) -> None:
    engine = engine_of(tiny)
    alone = [engine.complete([one], 1)[0] for one in VARIED]
    assert engine.complete(VARIED, rows) == alone, "to the last bit of the log-probabilities"


def test_what_was_answered_before_is_guessed_and_takes_fewer_steps(
    varied_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = LocalModel(ModelIdentity(str(varied_folder), "float32"))
    engine, read = engine_of(model), list[int]()
    next_logits = engine._decoder.next_logits

    def counted(tokens: Sequence[Sequence[int]], *arguments: Any) -> Any:
        read.append(len(tokens[0]))
        return next_logits(tokens, *arguments)

    monkeypatch.setattr(engine._decoder, "next_logits", counted)
    one = replace(VARIED[3], sampling=replace(VARIED[3].sampling, logprobs=True))
    (first,) = engine.complete([one], 1)
    assert_same(first, by_generate(model, one))
    steps = len(read)
    (again,) = engine.complete([one], 1)
    assert again == first, "to the last bit of the log-probabilities"
    assert len(read) - steps < steps / 2
    assert max(read) == 8, "the newest token and seven guesses"


@pytest.mark.parametrize("one", [VARIED[6], VARIED[9]], ids=["sampled", "from the likeliest"])
def test_a_seeded_answer_is_the_same_with_guesses(tiny: LocalModel, one: Prompt) -> None:
    engine = engine_of(tiny)
    for _ in range(3):
        assert_same(engine.complete([one], 1)[0], by_generate(tiny, one))


def test_a_stop_string_ends_the_completion_where_generate_ends_it(tiny: LocalModel) -> None:
    full = by_generate(tiny, VARIED[0]).text
    # `generate` also finds a stop string that begins in the prompt, which ends with a line break.
    stops = {part for part in (full[at : at + 2] for at in range(1, len(full), 5)) if not {"\n", "�"} & {*part}}
    assert len(stops) > 1
    for stop in stops:
        one = replace(VARIED[0], sampling=replace(VARIED[0].sampling, stop=(stop, "never")))
        (found,) = engine_of(tiny).complete([one], 1)
        assert_same(found, by_generate(tiny, one))
        assert found.finished


def test_an_image_is_encoded_once_while_it_is_remembered(tiny: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of(tiny)
    vision, calls = tiny._model.model.get_image_features, Counter[str]()

    def counted(*arguments: Any, **options: Any) -> Any:
        calls["encoded"] += 1
        return vision(*arguments, **options)

    monkeypatch.setattr(tiny._model.model, "get_image_features", counted)
    ones = [prompt(text, picture("purple"), picture("purple", 96)) for text in ("first", "second")]
    engine.complete(ones, 2)
    assert calls["encoded"] == 2
    monkeypatch.setattr("interleavethinker.tools.qwen3vl.engine._IMAGE_BYTES", 0)
    engine.complete([prompt("third", picture("orange"))], 1)
    assert len(engine._images) == 1, "what does not fit is forgotten, but for the newest"


def test_a_prompt_with_too_few_images_is_refused(tiny: LocalModel) -> None:
    lacking = replace(prompt("what?", picture("red"), picture("blue")), images=(picture("red"),))
    with pytest.raises(InputError, match="mentions 2 images, but 1 were given"):
        engine_of(tiny).complete([lacking], 1)


def test_weights_that_the_decoder_does_not_support_are_served_by_generate(
    varied_folder: Path, tiny: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "can_decode", lambda _model: False)
    other = LocalModel(ModelIdentity(str(varied_folder), "float32"))
    engine = other.engine()
    assert not isinstance(engine, ContinuousEngine)
    keys = [engine.start(one) for one in VARIED[:3]]
    found = dict(engine.step())
    for key, one in zip(keys, VARIED[:3], strict=True):
        assert_same(found[key], by_generate(tiny, one))


def test_quantized_or_scattered_weights_are_not_decoded_here(folder: Path) -> None:
    import torch

    model = LocalModel(ModelIdentity(str(folder), "float32"))
    model.load()
    loaded = model._model
    assert can_decode(loaded)
    loaded.model.visual.to("meta")
    assert not can_decode(loaded)
    loaded.model.visual.to_empty(device="cpu")

    class Quantized(torch.nn.Linear):
        pass

    loaded.model.language_model.layers[1].mlp.up_proj.__class__ = Quantized
    assert not can_decode(loaded)


def identity_of(role: Role) -> ModelIdentity:
    assert role.model is not None
    adapter = role.options.get("adapter")
    return ModelIdentity(role.model.removeprefix("qwen3-vl:"), "float32", None, str(adapter) if adapter else None)


def plans() -> Sequence[Prompt]:
    texts = (
        "Tell a picture story. First a small white kitten on the left, in a meadow. Then a big crimson ball.",
        "a big red ball on the left, then make it blue",
    )
    return [prompt(text, max_new_tokens=70) for text in texts]


def verdicts() -> Sequence[Prompt]:
    wishes = [f"Put a big {color} ball on the right." for color in COLORS]
    pairs = pairwise(picture(color) for color in (*COLORS, "white"))
    return [
        prompt(f"Wanted: {wish}\nAsked: {wish}", *pair, max_new_tokens=60)
        for wish, pair in zip(wishes, pairs, strict=True)
    ]


@pytest.mark.parametrize(("role", "prompts"), [("planner", plans), ("critic", verdicts)])
def test_the_shipped_models_generate_the_tokens_of_generate_alone_and_together(
    role: str, prompts: Callable[[], Sequence[Prompt]]
) -> None:
    model = LocalModel(identity_of(load_profile("micro").roles[role]))
    wanted = prompts()
    engine = engine_of(model)
    alone = [engine.complete([one], 1)[0] for one in wanted]
    for rows in (3, 12):
        assert engine.complete([*wanted] * 4, rows) == alone * 4, "to the last bit of the log-probabilities"
    for found, one in zip(alone, wanted, strict=True):
        assert_same(found, by_generate(model, one))
    sampled = replace(wanted[0], sampling=replace(wanted[0].sampling, temperature=1.0, top_p=0.9, seed=3))
    assert_same(engine.complete([wanted[1], sampled], 2)[1], by_generate(model, sampled))


def test_a_small_model_uses_one_core_and_leaves_other_threads_alone(folder: Path) -> None:
    import torch

    torch.set_num_threads(2)
    try:
        with ThreadPoolExecutor(1) as own, ThreadPoolExecutor(1) as later:
            own.submit(LocalModel(ModelIdentity(str(folder), "float32")).engine).result()
            assert own.submit(torch.get_num_threads).result() == 1
            assert later.submit(torch.get_num_threads).result() == 2
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
