"""Stage 2 of the micro generator: tokenizer and text encoder, a small `Qwen3ForCausalLM`.

The chat template ends with nine register tokens, one per cell. Linear probes on them are trained to predict what the
text says about that cell (kind, color, size, whether it is a destination …), the operation, and what the text refers
to. Afterwards the probes are discarded and the encoder is frozen. The tokenizer pads on the left, so the registers are
always at the same positions. The stage does not use images.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from tokenizers import ByteLevelBPETokenizer
from torch import nn
from torch.nn import functional
from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3ForCausalLM

from interleavethinker.microworld.language.templates import EDIT_KINDS, Edit, Task, edit_task, generation_task
from interleavethinker.microworld.scenes.scene import CELLS, Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES
from interleavethinker.training.loop import RunFolder, Stage, muon_adamw, run_stage

__all__ = [
    "LAYERS",
    "SEQUENCE",
    "ProbedTextEncoder",
    "embed",
    "make_text_encoder",
    "make_tokenizer",
    "random_task",
    "train_text_encoder",
]

SEQUENCE = 48
"""Tokens of every prompt, padding included; the pipeline must be called with the same length."""
LAYERS = (1, 2, 3)
"""Layers whose hidden states form the prompt embedding."""
VOCABULARY = 512
REGISTERS = tuple(f"<|cell_{cell}|>" for cell in range(CELLS))
TEMPLATE = "{% for message in messages %}{{ '<|user|>' + message['content'] }}{% endfor %}" + "".join(REGISTERS)

_OPERATIONS = ("draw", *EDIT_KINDS)
_PROBES: dict[str, int] = {
    "operation": len(_OPERATIONS),
    "destination": 2,
    "referred": 3,
    "old_kind": len(KINDS) + 1,
    "old_colour": len(COLOURS) + 1,
    "old_size": len(SIZES) + 1,
    "new_kind": len(KINDS) + 1,
    "new_colour": len(COLOURS) + 1,
    "new_size": len(SIZES) + 1,
    "background": len(BACKGROUNDS) + 1,
}
"""The probes of each register and their numbers of classes; class 0 means none, or not mentioned."""


def random_task(rng: np.random.Generator, edits: float = 0.55) -> Task:
    """Returns a random training task; all kinds of edit are equally frequent."""
    if rng.random() < edits:
        return edit_task(rng, EDIT_KINDS[int(rng.integers(len(EDIT_KINDS)))])
    return generation_task(rng)


def make_tokenizer(texts: list[str]) -> Qwen2Tokenizer:
    """Trains a byte-level BPE tokenizer in which the words of the given texts are single tokens."""
    special = ["<|endoftext|>", "<|user|>", *REGISTERS]
    trainer = ByteLevelBPETokenizer()
    trainer.train_from_iterator(
        texts, vocab_size=VOCABULARY, min_frequency=2, special_tokens=special, show_progress=False
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer.save_model(folder)
        tokenizer = Qwen2Tokenizer.from_pretrained(folder)
    tokenizer = Qwen2Tokenizer(
        vocab=tokenizer.get_vocab(),
        merges=_merges(trainer),
        additional_special_tokens=special[1:],
        padding_side="left",
        truncation_side="left",
        model_max_length=SEQUENCE,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _merges(trainer: ByteLevelBPETokenizer) -> list[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        trainer.save_model(folder)
        lines = (Path(folder) / "merges.txt").read_text(encoding="utf-8").splitlines()
    return [(left, right) for left, right in (line.split(" ") for line in lines if line and not line.startswith("#"))]


def make_text_encoder(tokenizer: Qwen2Tokenizer) -> Qwen3ForCausalLM:
    """Returns an untrained text encoder of about 0.7 M parameters."""
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=SEQUENCE,
        rope_parameters={"rope_type": "default", "rope_theta": 1000.0},
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    return Qwen3ForCausalLM(config)


def tokenize(tokenizer: Qwen2Tokenizer, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns token ids and attention mask, each (n, SEQUENCE), exactly as the pipeline does."""
    prompts = ["<|user|>" + text + "".join(REGISTERS) for text in texts]
    batch = tokenizer(prompts, padding="max_length", truncation=True, max_length=SEQUENCE, return_tensors="pt")
    return batch["input_ids"], batch["attention_mask"]


def embed(encoder: Qwen3ForCausalLM, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Returns prompt embeddings (n, SEQUENCE, layers * width), as the pipeline does."""
    hidden = encoder.model(input_ids=ids, attention_mask=mask, output_hidden_states=True, use_cache=False).hidden_states
    return torch.cat([hidden[layer] for layer in LAYERS], dim=-1)


class ProbedTextEncoder(nn.Module):
    """The text encoder with its probes, which exist only during this stage."""

    def __init__(self, encoder: Qwen3ForCausalLM) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_size
        self.probes = nn.ModuleDict({name: nn.Linear(width, answers) for name, answers in _PROBES.items()})

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        """Returns the logits of each probe, (n, 9, classes)."""
        hidden = self.encoder.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state[:, -CELLS:]
        return {name: probe(hidden) for name, probe in self.probes.items()}


def _object_labels(item: SceneObject | None, prefix: str, *, size: bool = True) -> dict[str, int]:
    if item is None:
        return dict.fromkeys((f"{prefix}_kind", f"{prefix}_colour", f"{prefix}_size"), 0)
    return {
        f"{prefix}_kind": KINDS.index(item.kind) + 1,
        f"{prefix}_colour": list(COLOURS).index(item.colour) + 1,
        f"{prefix}_size": SIZES.index(item.size) + 1 if size else 0,
    }


def labels_of(task: Task) -> dict[str, list[int]]:
    """Returns the class of each probe, for every register, as far as the text alone determines it.

    A referring phrase may leave attributes out; those have class 0, so no probe asks for what only the image shows.
    """
    if task.kind == "draw":
        rows = [_draw_labels(task, cell) for cell in range(CELLS)]
    else:
        rows = [_edit_labels(task.text, task.edits[0], task.source, cell) for cell in range(CELLS)]
    return {name: [row[name] for row in rows] for name in _PROBES}


def _draw_labels(task: Task, cell: int) -> dict[str, int]:
    cell_target = task.cell_targets[cell]
    item = task.target.cells[cell]
    new = _object_labels(item, "new", size=cell_target is not None and cell_target.size is not None)
    rest = {"operation": 0, "destination": int(item is not None), "referred": 0}
    return {**rest, **_object_labels(None, "old"), **new, "background": BACKGROUNDS.index(task.target.background) + 1}


def _edit_labels(text: str, edit: Edit, source: Scene | None, cell: int) -> dict[str, int]:
    """Returns the classes of one cell's register for an edit.

    Attributes of the object that the edit refers to count only if the text says them before the noun; its place counts
    only if the text says it after the noun.

    Examples:
        "turn the yellow fish in the middle white", for a small yellow fish in cell 4, gives every cell old_kind fish,
        old_colour yellow, old_size 0 (not said) and new_colour white. `referred` is 2 for cell 4 and 1 for the others;
        without "in the middle" it would be 0 for all. `destination` is 0, because only moves and additions have one.
    """
    assert source is not None  # noqa: S101 - edits have a source
    refers = edit.kind not in {"add", "background"} and edit.cell is not None
    old = source.cells[edit.cell] if refers and edit.cell is not None else None
    said = text.split(" to ", maxsplit=1)[0] if edit.kind in {"move", "resize"} else text
    said = said.split(" with ")[0].split(" for ")[0]
    labels = _object_labels(old, "old")
    if old is not None:
        words = said.split()
        noun = words.index(old.kind)
        before, after = words[:noun], words[noun + 1 :]
        labels["old_colour"] *= old.colour in before
        labels["old_size"] *= old.size in before
        placed = bool(after) and after[0] in {"in", "on", "at"}
        referred = (1 + int(edit.cell == cell)) if placed else 0
    else:
        referred = 0
    new = edit.new if edit.kind in {"add", "replace"} else None
    labels |= _object_labels(new, "new", size=not edit.open_size)
    if edit.kind == "recolour" and edit.new is not None:
        labels["new_colour"] = list(COLOURS).index(edit.new.colour) + 1
    if edit.kind == "resize" and edit.new is not None:
        labels["new_size"] = SIZES.index(edit.new.size) + 1
    goal = edit.to if edit.kind == "move" else edit.cell if edit.kind == "add" else None
    return {
        "operation": _OPERATIONS.index(edit.kind),
        "destination": int(goal == cell),
        "referred": referred,
        "background": BACKGROUNDS.index(edit.background) + 1 if edit.background else 0,
        **labels,
    }


def train_text_encoder(
    reader: ProbedTextEncoder, tokenizer: Qwen2Tokenizer, stage: Stage, folder: RunFolder, *, batch: int
) -> None:
    """Trains encoder and probes; logs the share of texts for which every probe of every register is right."""

    def loss(rng: np.random.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        tasks = [random_task(rng) for _ in range(batch)]
        ids, mask = tokenize(tokenizer, [task.text for task in tasks])
        return probe_loss(reader, tasks, ids, mask)

    run_stage(stage, folder, reader, muon_adamw(reader, stage.learning_rate, 2 * stage.learning_rate), loss)


def probe_loss(
    reader: ProbedTextEncoder, tasks: list[Task], ids: torch.Tensor, mask: torch.Tensor
) -> tuple[torch.Tensor, dict[str, float]]:
    """Returns the sum over probes of their mean cross-entropy, and the share of texts without a wrong probe."""
    wanted = [labels_of(task) for task in tasks]
    right = torch.ones(len(tasks), dtype=torch.bool)
    total = torch.zeros(())
    for name, logits in reader(ids, mask).items():
        truth = torch.tensor([row[name] for row in wanted])
        total = total + functional.cross_entropy(logits.flatten(0, 1), truth.flatten())
        right &= (logits.argmax(-1) == truth).all(-1)
    return total, {"exact": right.float().mean().item()}
