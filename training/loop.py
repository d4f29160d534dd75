"""One training stage: a fixed number of optimizer steps that survives being killed.

Knows optimizers, checkpoints, metrics and progress; not what is trained. A stage's randomness comes from its seed and
the step number alone, so a resumed stage sees the batches that an unbroken one would have seen.
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

__all__ = ["Joined", "Muon", "RunFolder", "Stage", "muon_adamw", "run_stage"]


@dataclass(frozen=True)
class Stage:
    """How long and how fast one stage trains."""

    name: str
    steps: int
    learning_rate: float
    seed: int
    warmup: float = 0.05
    """Share of the steps in which the learning rate rises linearly; afterwards it falls to zero as a cosine."""
    clip: float = 1.0
    """Largest gradient norm."""
    log_every: int = 50
    save_every: int = 250

    def scale(self, step: int) -> float:
        """Learning rate at a step, as a share of the highest."""
        warm = max(1, int(self.steps * self.warmup))
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))

    def rng(self, step: int) -> np.random.Generator:
        """The only randomness of a step."""
        return np.random.default_rng([self.seed, step])


class RunFolder:
    """Where a run keeps checkpoints, metrics and results; every checkpoint is replaced in one rename.

    Raises:
        InputError: The folder cannot be made.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"A run needs a folder that can be written; {root} is none: {error.strerror}. Name another."
            raise InputError(msg) from error
        self.console = Console(stderr=True)

    def save(self, name: str, state: object) -> None:
        """Writes `state` with `torch.save` as `name`."""
        target = self.root / name
        partial = target.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(target)

    def load(self, name: str) -> dict[str, object] | None:
        """What was saved as `name`, or None."""
        path = self.root / name
        return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None

    def log(self, stage: str, **values: float | int) -> None:
        """Appends a line to `metrics.jsonl` and shows it."""
        with (self.root / "metrics.jsonl").open("a") as file:
            file.write(json.dumps({"stage": stage, **values}) + "\n")
        shown = "  ".join(f"{key} {value:.4g}" for key, value in values.items())
        self.console.print(f"[bold]{stage}[/bold]  {shown}", highlight=False)


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal by Newton–Schulz iterations, for matrices and for convolutions seen as matrices.

    PyTorch's own takes matrices only; most weights of a VAE are convolutions. Updates are scaled to AdamW's size, so
    that one learning rate serves both.
    """

    def __init__(self, parameters: list[nn.Parameter], lr: float, weight_decay: float = 0.01) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002 - torch's signature
        """One update."""
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
    """Nearly the orthogonal factor of a matrix: five quintic Newton–Schulz steps."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


def muon_adamw(module: nn.Module, learning_rate: float, muon_rate: float) -> list[torch.optim.Optimizer]:
    """Muon for matrices and convolutions inside blocks, AdamW for everything else (as in the feasibility study)."""
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


class Joined(torch.optim.Optimizer):
    """Several optimizers as one, for trainers that take one; a scheduler scales the learning rates of all.

    Args:
        parts: Over distinct parameters.
    """

    def __init__(self, parts: list[torch.optim.Optimizer]) -> None:
        super().__init__([group for part in parts for group in part.param_groups], {})
        self._parts = parts
        self._share_groups()

    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002 - torch's signature
        """One update of each."""
        for part in self._parts:
            part.step()

    def state_dict(self) -> dict[str, object]:
        """The states of all."""
        return {"parts": [part.state_dict() for part in self._parts]}

    def load_state_dict(self, state_dict: dict[str, object]) -> None:
        """Restores the states of all."""
        for part, saved in zip(self._parts, state_dict["parts"], strict=True):  # type: ignore[call-overload]
            part.load_state_dict(saved)
        self._share_groups()

    def _share_groups(self) -> None:
        """Loading a state gives an optimizer new groups; a rate set here must reach them."""
        self.param_groups = [group for part in self._parts for group in part.param_groups]


def run_stage(
    stage: Stage,
    folder: RunFolder,
    module: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    loss: Callable[[np.random.Generator], tuple[torch.Tensor, dict[str, float]]],
) -> None:
    """Trains `module` in place, from the last checkpoint if there is one; returns at once when the stage is complete.

    Args:
        stage: Length, rate and seed.
        folder: Keeps `<stage>.pt` and the metrics.
        module: What is trained and saved.
        optimizers: Over the module's parameters; their learning rates are scaled together.
        loss: Draws a batch from the generator it is given; returns the loss and numbers to show.
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
        if math.isfinite(norm):  # one bad batch is skipped, not learned from
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
