"""Makes the micro world's untrained planner and critic: a Qwen3-VL of 4.8 million parameters with its tokenizer.

It has stock classes and is saved like the large models, so the same code loads both. An image of 96 x 96 pixels is nine
tokens, one per cell. Each fixed piece of an answer's JSON is one token. Like the think and answer tags, these are
ordinary tokens, not special ones: they are part of the text and survive decoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from interleavethinker.tools.qwen3vl.processor import ImageTextProcessor

__all__ = ["PIECES", "make_micro_qwen", "make_tokenizer"]

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
PIECES = (
    "<think>",
    "</think><answer>",
    "</answer>",
    '{"previous_step_success": ',
    ', "refine_prompt": "',
    '{"execution_plan": [{"step_number": ',
    ', "step_name": "Step ',
    '", "instruction": "',
    '", "instruction": null, "prompt": null, "auxiliary_text": "',
    '", "prompt": "',
    '", "auxiliary_text": "',
    '"}, {"step_number": ',
    '"}]}',
    '"}',
)
"""One token each. `tools.chat.answers` writes them; a test checks that they still match."""
VOCABULARY = 900
TEMPLATE = """{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% else %}
{%- for part in message.content %}{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>
{%- else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

_PATCH, _MERGE, _SIDE = 16, 2, 96


def make_tokenizer(texts: Iterable[str], vocabulary: int = VOCABULARY) -> Any:
    """Trains a byte-level BPE tokenizer in which words of the given texts are single tokens, as far as possible.

    Args:
        texts: Texts that the model will read and write; `PIECES` in them are skipped.
        vocabulary: Most tokens.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(PIECES),
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    fixed = re.compile("|".join(re.escape(piece) for piece in sorted(PIECES, key=len, reverse=True)))
    raw.train_from_iterator((part for text in texts for part in fixed.split(text) if part), trainer)
    raw.add_tokens([AddedToken(piece, special=False, normalized=False) for piece in PIECES])
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token="<|im_end|>",  # noqa: S106 - not a secret
        pad_token="<|endoftext|>",  # noqa: S106
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def make_micro_qwen(
    texts: Iterable[str], folder: Path, seed: int = 0, *, vocabulary: int = VOCABULARY, reads_images: bool = True
) -> Path:
    """Saves an untrained model with tokenizer and processor; returns the folder.

    Args:
        texts: Training texts of the tokenizer.
        folder: Target folder; created if needed.
        seed: Seed of the weights.
        vocabulary: Most tokens of the tokenizer.
        reads_images: False: the class wants a vision tower, but this one is as small as can be.
    """
    import torch
    from transformers import Qwen3VLForConditionalGeneration
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    tokenizer = make_tokenizer(texts, vocabulary)
    torch.manual_seed(seed)
    model = Qwen3VLForConditionalGeneration(_config(tokenizer, reads_images=reads_images))
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    size = {"shortest_edge": 32 * 32, "longest_edge": _SIDE * _SIDE}
    images = Qwen2VLImageProcessorPil(patch_size=_PATCH, merge_size=_MERGE, size=size)
    model.save_pretrained(folder)
    ImageTextProcessor(images, tokenizer, chat_template=TEMPLATE).save_pretrained(folder)
    return folder


def _config(tokenizer: Any, *, reads_images: bool) -> Any:
    from transformers import Qwen3VLConfig

    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL}
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [12, 10, 10], "mrope_interleaved": True}
    return Qwen3VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 256,
            "intermediate_size": 640,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "head_dim": 64,
            "rope_parameters": rope,
            "max_position_embeddings": 4096,
            "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config={
            "depth": 4 if reads_images else 1,
            "hidden_size": 128 if reads_images else 16,
            "intermediate_size": 256 if reads_images else 16,
            "num_heads": 4 if reads_images else 1,
            "patch_size": _PATCH,
            "spatial_merge_size": _MERGE,
            "out_hidden_size": 256,
            "num_position_embeddings": (_SIDE // _PATCH) ** 2,
            "deepstack_visual_indexes": [1] if reads_images else [],
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )
