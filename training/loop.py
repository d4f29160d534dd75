"""Runs one training stage: a fixed number of optimizer steps that can be interrupted and resumed.

It handles optimizers, checkpoints and metrics, and does not know what is trained. All randomness of a step comes from
the stage's seed and the step number, so a resumed stage sees the same batches as an uninterrupted one.
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import nn

from interleavethinker.tools.errors import InputError

__all__ = ["JoinedOptimizer", "Muon", "RunFolder", "Stage", "muon_adamw", "run_stage"]


@dataclass(frozen=True)
class Stage:
    """Length, learning rate and seed of one stage."""

    name: str
    steps: int
    learning_rate: float
    seed: int
    warmup: float = 0.05
    """Share of the steps with a linearly rising learning rate; afterwards it decays to zero along a cosine."""
    clip: float = 1.0
    """Maximum gradient norm; larger gradients are scaled down."""
    log_every: int = 50
    save_every: int = 250

    def scale(self, step: int) -> float:
        """Returns the learning rate of a step, as a share of the maximum."""
        warm = max(1, int(self.steps * self.warmup))
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))

    def rng(self, step: int) -> np.random.Generator:
        """Returns the random generator of a step, the only source of its randomness."""
        return np.random.default_rng([self.seed, step])


class RunFolder:
    """The folder of a run's checkpoints, metrics and results. Checkpoints are replaced atomically.

    Raises:
        InputError: The folder cannot be created.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"Cannot use {root} as a run folder: {error.strerror}. Name another folder with --out."
            raise InputError(msg) from error
        self.console = Console(stderr=True)

    def save(self, name: str, state: object) -> None:
        """Saves `state` as `name`, with `torch.save`."""
        target = self.root / name
        partial = target.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(target)

    def load(self, name: str) -> dict[str, object] | None:
        """Returns what was saved as `name`, or None."""
        path = self.root / name
        return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None

    def log(self, stage: str, **values: float | int) -> None:
        """Appends a line to `metrics.jsonl` and prints it."""
        with (self.root / "metrics.jsonl").open("a") as file:
            file.write(json.dumps({"stage": stage, **values}) + "\n")
        shown = "  ".join(f"{key} {value:.4g}" for key, value in values.items())
        self.console.print(f"[bold]{stage}[/bold]  {shown}", highlight=False)


class Muon(torch.optim.Optimizer):
    """The Muon optimizer: momentum orthogonalized by Newton–Schulz iterations, for matrices and convolutions.

    PyTorch's Muon supports only matrices, but most weights of a VAE are convolutions, which are flattened to matrices
    here. Updates are scaled to the size of AdamW's, so both can use the same learning rate.
    """

    def __init__(self, parameters: list[nn.Parameter], lr: float, weight_decay: float = 0.01) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002 - torch's signature
        """Performs one update."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                momentum = state.setdefault("momentum", torch.zeros_like(parameter))
                momentum.lerp_(parameter.grad, 0.05)
                update = _orthogonal(parameter.grad.lerp(momentum, 0.95).flatten(1))
                scale = 0.2 * max(update.shape) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(update.view_as(parameter), alpha=-group["lr"] * scale)


def _orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Approximates the orthogonal factor of a matrix with five quintic Newton–Schulz iterations."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


def muon_adamw(module: nn.Module, learning_rate: float, muon_rate: float) -> list[torch.optim.Optimizer]:
    """Returns Muon for the matrices and convolutions inside blocks, and AdamW for all other trainable parameters."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        inner = parameter.ndim >= 2 and any(word in name for word in ("blocks", "layers", "mid_block"))
        (matrices if inner else others).append(parameter)
    return [
        Muon(matrices, lr=muon_rate),
        torch.optim.AdamW(others, lr=learning_rate, weight_decay=0.01, betas=(0.9, 0.98)),
    ]


class JoinedOptimizer(torch.optim.Optimizer):
    """Several optimizers behind the interface of one, for trainers that accept only one.

    A scheduler scales the learning rates of all of them.

    Args:
        parts: Optimizers with distinct parameters.
    """

    def __init__(self, parts: list[torch.optim.Optimizer]) -> None:
        super().__init__([group for part in parts for group in part.param_groups], {})
        self._parts = parts
        self._share_groups()

    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002 - torch's signature
        """Performs one update of each optimizer."""
        for part in self._parts:
            part.step()

    def state_dict(self) -> dict[str, object]:
        """Returns the states of all optimizers."""
        return {"parts": [part.state_dict() for part in self._parts]}

    def load_state_dict(self, state_dict: dict[str, object]) -> None:
        """Restores the states of all optimizers."""
        for part, saved in zip(self._parts, state_dict["parts"], strict=True):  # type: ignore[call-overload]
            part.load_state_dict(saved)
        self._share_groups()

    def _share_groups(self) -> None:
        """Refers to the parts' groups: loading a state replaces them, and learning rates set here must reach them."""
        self.param_groups = [group for part in self._parts for group in part.param_groups]


def run_stage(
    stage: Stage,
    folder: RunFolder,
    module: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    loss: Callable[[np.random.Generator], tuple[torch.Tensor, dict[str, float]]],
) -> None:
    """Trains `module` in place, from the last checkpoint if there is one. A finished stage only restores its weights.

    Args:
        stage: Length, learning rate and seed.
        folder: Gets `<stage>.pt` and the metrics.
        module: The module to train and save.
        optimizers: Optimizers of the module's parameters; their learning rates are scaled together.
        loss: Samples a batch with the given random generator; returns the loss and numbers to log.
    """
    first = _restore(stage, folder, module, optimizers)
    base = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    parameters = [p for p in module.parameters() if p.requires_grad]
    sums: dict[str, list[float]] = {}
    seconds, since = time.monotonic(), first
    module.train()
    for step in range(first, stage.steps):
        torch.manual_seed(int(stage.rng(step).integers(2**62)))
        for optimizer, rates in zip(optimizers, base, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * stage.scale(step)
        value, numbers = loss(stage.rng(step))
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        value.backward()
        norm = float(nn.utils.clip_grad_norm_(parameters, stage.clip))
        if math.isfinite(norm):  # skip a batch with an infinite or undefined gradient
            for optimizer in optimizers:
                optimizer.step()
        for key, number in {"loss": value.item(), "grad": norm, **numbers}.items():
            sums.setdefault(key, []).append(number)
        if (step + 1) % stage.log_every == 0 or step + 1 == stage.steps:
            now = time.monotonic()
            rate = (now - seconds) / (step + 1 - since)
            means = {key: float(np.mean(numbers)) for key, numbers in sums.items()}
            folder.log(stage.name, step=step + 1, of=stage.steps, seconds_per_step=rate, **means)
            seconds, since, sums = now, step + 1, {}
        if (step + 1) % stage.save_every == 0 or step + 1 == stage.steps:
            _save(stage, folder, module, optimizers, base, step + 1)
    module.eval()


def _save(
    stage: Stage,
    folder: RunFolder,
    module: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    base: list[list[float]],
    step: int,
) -> None:
    for optimizer, rates in zip(optimizers, base, strict=True):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
    state = {"step": step, "module": module.state_dict(), "optimizers": [o.state_dict() for o in optimizers]}
    folder.save(f"{stage.name}.pt", state)


def _restore(stage: Stage, folder: RunFolder, module: nn.Module, optimizers: list[torch.optim.Optimizer]) -> int:
    state = folder.load(f"{stage.name}.pt")
    if state is None:
        return 0
    module.load_state_dict(state["module"])  # type: ignore[arg-type]
    for optimizer, saved in zip(optimizers, _states(state), strict=True):
        optimizer.load_state_dict(saved)
    step = int(state["step"])  # type: ignore[call-overload]
    folder.console.print(f"[bold]{stage.name}[/bold]  resumed at step {step} of {stage.steps}")
    module.eval()
    return step


def _states(state: dict[str, object]) -> Iterator[dict[str, object]]:
    yield from state["optimizers"]  # type: ignore[misc]
