"""A tiny random model of the real class, saved and loaded as the shipped ones are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from interleavethinker.tools.qwen3vl.inference import LocalModel

TEMPLATE = """{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% for part in message.content %}{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>
{%- else %}{{ part.text }}{% endif %}{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes and saves a random Qwen3-VL of some 100,000 parameters with its tokenizer and processor."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen3VLConfig, Qwen3VLForConditionalGeneration
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from interleavethinker.tools.qwen3vl.processor import ImageTextProcessor

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(["a big red ball on the left", "make the ball green"], trainer)
    names = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, chat_template=TEMPLATE, **names)
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL}
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [4, 2, 2]},
        },
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "patch_size": 8,
            "spatial_merge_size": 2, "out_hidden_size": 32, "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0],
        },
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )  # fmt: skip
    torch.manual_seed(0)
    model = Qwen3VLForConditionalGeneration(config)
    model.generation_config.eos_token_id = ids["<|im_end|>"]
    processor = ImageTextProcessor(
        Qwen2VLImageProcessorPil(
            patch_size=8, merge_size=2, size={"shortest_edge": 32 * 32, "longest_edge": 128 * 128}
        ),
        tokenizer,
        chat_template=TEMPLATE,
    )
    folder = tmp_path_factory.mktemp("qwen") / "tiny"
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def varied_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes weights so large that the likeliest token changes all the time."""
    import torch
    from transformers import Qwen3VLForConditionalGeneration

    varied = Path(shutil.copytree(folder, tmp_path_factory.mktemp("varied") / "tiny"))
    model = Qwen3VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    torch.manual_seed(2)
    with torch.no_grad():
        for layer in model.model.language_model.layers:
            for weight in layer.parameters():
                if weight.ndim > 1:
                    weight.normal_(std=1.0)
    model.save_pretrained(varied)
    return varied


@pytest.fixture(scope="session")
def tiny(varied_folder: Path) -> LocalModel:
    from interleavethinker.tools.qwen3vl.inference import LocalModel, ModelIdentity

    from .prompts import VARIED, by_generate

    model = LocalModel(ModelIdentity(str(varied_folder), "float32"))
    model.load()
    assert len({token.text for token in by_generate(model, VARIED[0]).tokens}) > 5, "repetitions would prove little"
    return model
