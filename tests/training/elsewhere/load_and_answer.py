"""Loads a finished model with transformers alone, and answers; run where this package is not installed.

Usage: python load_and_answer.py MODEL IMAGE ADAPTER…. Prints a line of JSON.
"""

import importlib
import importlib.util
import json
import sys
from typing import Any

import torch
from PIL import Image

assert importlib.util.find_spec("interleavethinker") is None, "this must run without the package"

try:
    importlib.import_module("torchvision")
except RuntimeError:
    # A torchvision of another package index than torch's has no compiled operators. Processors need none of them.
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    operators = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        operators.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from transformers import AutoModelForImageTextToText, AutoProcessor  # noqa: E402 - it imports torchvision


def main(folder: str, image: str, adapters: list[str]) -> None:
    """Prints the classes that were loaded, and greedy answers of the model and of each adapter on it."""
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder)
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Look."}]}]
    text = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    inputs = processor(text=[text], images=[Image.open(image).convert("RGB")], return_tensors="pt")
    answers = [_answer(model, processor, inputs)]
    for adapter in adapters:
        adapted = importlib.import_module("peft").PeftModel.from_pretrained(model, adapter).float()
        answers.append(_answer(adapted, processor, inputs))
    found = {"processor": type(processor).__name__, "model": type(model).__name__, "dtype": str(model.dtype)}
    sys.stdout.write(json.dumps(found | {"inputs": sorted(inputs), "answers": answers}) + "\n")


def _answer(model: Any, processor: Any, inputs: Any) -> str:
    made = model.generate(**inputs, max_new_tokens=8, do_sample=False)
    return str(processor.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
