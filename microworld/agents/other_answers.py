"""The restater's likeliest answers beside its first one, by beam search; rules choose among them.

Process-wide state: the model, 15 MB, and the last answers.
"""

from __future__ import annotations

import math
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["RESTATER", "likeliest_answers"]

RESTATER = "interleavethinker.microworld:checkpoints/restater"
"""The weights."""
_BEAMS = 8
_one_at_a_time = threading.Lock()
"""Generation changes settings of the model for its time."""


@lru_cache(maxsize=512)
def likeliest_answers(question: str, max_new_tokens: int) -> tuple[tuple[str, float], ...]:
    """Returns answers with their probabilities, likeliest first, at most eight.

    Args:
        question: The prompt, see `restating.question_of`.
        max_new_tokens: Longer answers are cut.
    """
    import torch

    with _one_at_a_time, torch.inference_mode():
        model, tokenizer = _loaded()
        messages = [{"role": "user", "content": question}]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        inputs = tokenizer(text, add_special_tokens=False, return_tensors="pt")
        output = model.generate(
            **inputs,
            num_beams=_BEAMS,
            num_return_sequences=_BEAMS,
            do_sample=False,
            max_new_tokens=max_new_tokens,
            length_penalty=0.0,  # scores are log-probabilities of whole answers
            output_scores=True,
            return_dict_in_generate=True,
        )
    answers = tokenizer.batch_decode(output.sequences[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return tuple(
        (answer.strip(), math.exp(score))
        for answer, score in zip(answers, output.sequences_scores.tolist(), strict=True)
    )


@lru_cache(maxsize=1)
def _loaded() -> tuple[Any, Any]:
    """Loads what the decoding loop of ours has loaded, too: that loop knows no beams, and lends no model."""
    import torch
    from transformers import Qwen3VLForConditionalGeneration

    from interleavethinker.tools.qwen3vl.inference import resolve_folder
    from interleavethinker.tools.qwen3vl.processor import load_processor

    folder = resolve_folder(RESTATER)
    model = Qwen3VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    return model, load_processor(Path(folder)).tokenizer
